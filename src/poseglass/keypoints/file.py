"""`KeypointFile`: a file that is opened once, no matter how many formats are tried on it."""

import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["KeypointFile", "parse_json"]


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
    def json(self) -> Any:
        """The content of a JSON file; None if the name does not end in ``.json``."""
        return parse_json(self.path, "the file") if self.suffix == ".json" else None

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names of the arrays in an ``.npz`` file; empty for any other suffix."""
        if self.suffix != ".npz":
            return ()
        try:
            with zipfile.ZipFile(self.path) as archive:
                return tuple(name.removesuffix(".npy") for name in archive.namelist())
        except (OSError, zipfile.BadZipFile) as problem:
            raise FormatError(f"the file is not a complete .npz archive: {problem}") from None

    def arrays(self) -> dict[str, ndarray]:
        """Read the arrays of an ``.npz`` file. Pickled objects are refused.

        Raises:
            FormatError: The file is damaged or holds pickled objects.
        """
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except Exception as problem:  # damaged zip files, headers and streams raise many kinds of errors
            raise FormatError(f"cannot read the arrays: {problem}") from None


def parse_json(path: Path, place: str) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        place: What error messages call it.

    Raises:
        FormatError: The file cannot be read or is not valid JSON. The message gives the line and column.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as problem:
        if not problem.doc.strip():
            raise FormatError(f"{place} is not valid JSON: it is empty") from None
        raise FormatError(
            f"{place} is not valid JSON: {problem.msg} at line {problem.lineno}, column {problem.colno}; "
            "was the file cut off while it was written?"
        ) from None
    except UnicodeDecodeError:
        raise FormatError(f"{place} is not valid JSON: it is not UTF-8 text") from None
    except RecursionError:
        raise FormatError(f"{place} nests lists more deeply than any keypoint file does") from None
    except (OSError, ValueError) as problem:  # ValueError: a number with thousands of digits
        raise FormatError(f"{place} cannot be read: {problem}") from None
