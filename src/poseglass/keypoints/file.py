"""`KeypointFile`: a file that is opened once, no matter how many formats are tried on it."""

import zipfile
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.files.archives import check_archive
from poseglass.files.arrays import read_arrays
from poseglass.keypoints.hdf5 import Hdf5File
from poseglass.keypoints.json_text import is_list, json_items, parse_json

__all__ = ["RAGGED", "KeypointFile", "is_empty", "is_sequence", "keys_of"]

JSON = (".json", ".jsonl")
PLACE = "the file"
RAGGED = ". Frames with different numbers of people? Fill up with NaN, so that the array holds numbers"
"""What messages about a pickled array add."""


@dataclass(frozen=True)
class KeypointFile:
    """A file or folder of keypoints. Its content is read on first use.

    Args:
        path: The file or folder.

    Example:
        >>> KeypointFile(Path("walk.json")).suffix
        '.json'
    """

    path: Path

    @property
    def suffix(self) -> str:
        """The suffix of the name in lower case, or ``"/"`` for a folder."""
        return "/" if self.path.is_dir() else self.path.suffix.lower()

    @cached_property
    def listed(self) -> bool:
        """Whether the file is JSON with a list at the top, or with a value per line (``.jsonl``)."""
        return self.suffix in JSON and is_list(self.path, PLACE)

    @cached_property
    def object(self) -> dict[str, Any]:
        """The object that a JSON file holds; empty if it holds something else, and for other suffixes."""
        if self.suffix not in JSON or self.listed:
            return {}
        content = parse_json(self.path, PLACE)
        return content if isinstance(content, dict) else {}

    @cached_property
    def first(self) -> Any:
        """The first item with content of a JSON list; None if there is none. The file is read as far as that."""
        with closing(self.items()) as items:
            return next((item for item in items if not is_empty(item)), None)

    def items(self) -> Generator[Any, None, None]:
        """Read the items of a JSON list one by one; none if the file is something else.

        Raises:
            FormatError: The file is damaged; raised when that place is reached.
        """
        if self.listed:
            yield from json_items(self.path, PLACE)

    @cached_property
    def hdf5(self) -> Hdf5File | None:
        """The file as HDF5; None for other suffixes."""
        return Hdf5File(self.path) if self.suffix in (".h5", ".hdf5") else None

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names of the arrays in an ``.npz`` file; empty for any other suffix."""
        if self.suffix != ".npz":
            return ()
        try:
            with zipfile.ZipFile(self.path) as archive:
                check_archive(archive, self.path)
                return tuple(name.removesuffix(".npy") for name in archive.namelist())
        except FormatError:
            raise
        except Exception as problem:  # a damaged archive raises many kinds of errors
            raise FormatError(f"the file is not a complete .npz archive: {problem}") from None

    def arrays(self) -> dict[str, ndarray]:
        """Read the arrays of an ``.npz`` file. Pickled objects are refused.

        Raises:
            FormatError: See :func:`poseglass.files.arrays.read_arrays`.
        """
        try:
            return read_arrays(self.path)
        except FormatError as problem:
            raise FormatError(f"{problem}{RAGGED if 'pickled' in str(problem) else ''}") from None


def is_empty(value: Any) -> bool:
    """Whether a parsed value has no content: null, or an empty list, object, text or array."""
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def is_sequence(value: Any) -> bool:
    """Whether a value is a list, a tuple or an array with an axis."""
    return isinstance(value, list | tuple) or (isinstance(value, ndarray) and value.ndim > 0)


def keys_of(value: Any) -> set[str]:
    """The keys of an object; none for any other value."""
    return set(value) if isinstance(value, dict) else set()
