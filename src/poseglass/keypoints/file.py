"""`KeypointFile`: a file that is opened once, no matter how many formats are tried on it."""

import math
import zipfile
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.files.archives import check_archive
from poseglass.keypoints.hdf5 import Hdf5File
from poseglass.keypoints.json_text import is_list, json_items, parse_json

__all__ = ["KeypointFile", "is_empty"]

JSON = (".json", ".jsonl")
PLACE = "the file"


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
            FormatError: The file is damaged or holds pickled objects, or an array claims to be longer than it is.
        """
        try:
            self._check_claims()
            with np.load(self.path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except FormatError:
            raise
        except Exception as problem:  # damaged zip files, headers and streams raise many kinds of errors
            raise FormatError(f"cannot read the arrays: {problem}") from None

    def _check_claims(self) -> None:
        """Compare the size that each array's header states with that of the data, before memory is reserved."""
        with zipfile.ZipFile(self.path) as archive:
            check_archive(archive, self.path)
            for entry in archive.infolist():
                if not entry.filename.endswith(".npy"):
                    continue
                with archive.open(entry) as file:
                    version = np.lib.format.read_magic(file)
                    if version not in ((1, 0), (2, 0)):
                        continue
                    header = (
                        np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
                    )
                    shape, _, dtype = header(file)
                    if not dtype.hasobject and math.prod(shape) * dtype.itemsize > entry.file_size:
                        raise FormatError(
                            f"the array {entry.filename.removesuffix('.npy')!r} states the shape {shape}, "
                            "but the file holds less; was it cut off while it was written?"
                        )


def is_empty(value: Any) -> bool:
    """Whether a parsed value has no content: null, or an empty list, object, text or array."""
    return value is None or (hasattr(value, "__len__") and len(value) == 0)
