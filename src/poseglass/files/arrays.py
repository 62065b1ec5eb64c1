"""Read the arrays of npz files that may be damaged: every claim is checked before memory is reserved for it."""

import math
import sys
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.files.archives import check_archive

__all__ = ["array_sizes", "read_arrays"]

SUFFIX = ".npy"
KINDS = "biufcSU"
"""Kinds of arrays: Booleans, numbers and text."""


def read_arrays(path: Path, names: Collection[str] | None = None) -> dict[str, ndarray]:
    """Read arrays of an ``.npz`` file. Pickled objects are refused.

    Args:
        path: The file.
        names: The arrays to read, if the file has them. Default: all.

    Raises:
        FormatError: The file is missing, damaged or unpacks to far more than its size; or an array is pickled, is no
            array of numbers or text, or claims to be larger than its data.

    Example:
        >>> np.savez("walk.npz", points=np.zeros((3, 2)), fps=30.0)
        >>> sorted(read_arrays(Path("walk.npz"))), read_arrays(Path("walk.npz"), ["fps"])
        (['fps', 'points'], {'fps': array(30.)})
    """
    with _opened(path) as archive:
        return {
            name: _array(archive, entry) for name, entry in _entries(archive).items() if names is None or name in names
        }


def array_sizes(path: Path) -> dict[str, int]:
    """The bytes of each array of an ``.npz`` file, by the archive's directory. No array is read.

    Raises:
        FormatError: The file is missing, damaged or unpacks to far more than its size.

    Example:
        >>> np.savez("walk.npz", points=np.zeros((3, 2)), fps=30.0)
        >>> array_sizes(Path("walk.npz"))
        {'points': 176, 'fps': 136}
    """
    with _opened(path) as archive:
        return {name: entry.file_size for name, entry in _entries(archive).items()}


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The arrays of an archive by name; of several with the same name, the last."""
    entries = [entry for entry in archive.infolist() if entry.filename.endswith(SUFFIX)]
    return {entry.filename.removesuffix(SUFFIX): entry for entry in entries}


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, checked; what goes wrong in the block becomes a FormatError."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            check_archive(archive, path)
            yield archive
    except FormatError:
        raise
    except OSError as problem:
        raise FormatError(f"cannot read the arrays: {problem.strerror or problem}") from None
    except Exception as problem:  # damaged archives, headers and streams raise many kinds of errors
        raise FormatError(f"cannot read the arrays: {problem}") from None


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> ndarray:
    name = entry.filename.removesuffix(SUFFIX)
    with archive.open(entry) as file:
        old = np.lib.format.read_magic(file) == (1, 0)
        header = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(file)
        if dtype.kind not in KINDS:
            raise FormatError(f"the array {name!r} holds {_in_words(dtype)}; expected numbers or text")
        if math.prod(shape) * dtype.itemsize > entry.file_size:
            raise FormatError(
                f"the array {name!r} states the shape {shape}, but the file holds less; was it cut off while it was "
                "written?"
            )
    with archive.open(entry) as file:
        array: ndarray = np.lib.format.read_array(file, allow_pickle=False)
    if dtype.kind == "U" and array.size and dtype.itemsize:
        letters = array.astype(dtype.newbyteorder("=")).reshape(-1).view(np.uint32)
        if letters.max() > sys.maxunicode:
            raise FormatError(f"the array {name!r} holds text with impossible letters")
    return array


def _in_words(dtype: np.dtype[Any]) -> str:
    return "pickled objects, which are never read" if dtype.hasobject else f"an array of {dtype}"
