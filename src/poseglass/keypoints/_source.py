"""`Source`: a keypoint file that is opened once, however many formats look at it."""

import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["Source", "entries", "frame_number", "keypoints", "numbers", "scores_of", "whole"]


@dataclass(frozen=True)
class Source:
    """A file or folder of keypoints; what is inside is read when it is first asked for.

    Example:
        >>> Source(Path("walk.json")).suffix
        '.json'
    """

    path: Path

    @property
    def suffix(self) -> str:
        """The end of the name in small letters, or ``"/"`` for a folder."""
        return "/" if self.path.is_dir() else self.path.suffix.lower()

    @cached_property
    def json(self) -> Any:
        """The content of a JSON file, or None where the name does not end in ``.json``."""
        return parse_json(self.path, "the file") if self.suffix == ".json" else None

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The names of the arrays in an ``.npz`` file; none where the name ends in something else."""
        if self.suffix != ".npz":
            return ()
        try:
            with zipfile.ZipFile(self.path) as archive:
                return tuple(name.removesuffix(".npy") for name in archive.namelist())
        except (OSError, zipfile.BadZipFile) as problem:
            raise FormatError(f"the file is not a whole .npz archive: {problem}") from None

    def arrays(self) -> dict[str, ndarray]:
        """The arrays of an ``.npz`` file. Pickled objects are refused, not run."""
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except Exception as problem:  # a broken zip, array header or stream raises half a dozen kinds
            raise FormatError(f"cannot read the arrays: {problem}") from None


def parse_json(path: Path, place: str) -> Any:
    """The content of a JSON file, which messages call `place`.

    Raises:
        FormatError: The file cannot be read, or is not whole JSON; the message says where it breaks.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as problem:
        if not problem.doc.strip():
            raise FormatError(f"{place} is not whole JSON: it is empty") from None
        raise FormatError(
            f"{place} is not whole JSON: {problem.msg} at line {problem.lineno}, column {problem.colno}; "
            "was the file cut off while it was written?"
        ) from None
    except UnicodeDecodeError:
        raise FormatError(f"{place} is not text in UTF-8, so it cannot be JSON") from None
    except RecursionError:
        raise FormatError(f"{place} nests lists deeper than any keypoint file does") from None
    except (OSError, ValueError) as problem:  # ValueError: a number of thousands of digits
        raise FormatError(f"{place} cannot be read: {problem}") from None


def entries(value: Any, place: str, *, of: type = dict) -> list[Any]:
    """The value, once it is certain that it is a list whose items are all of one type."""
    if not isinstance(value, list):
        raise FormatError(f"{place} must be a list, got {_kind(value)}")
    for number, item in enumerate(value):
        if not isinstance(item, of):
            raise FormatError(f"{place}, item {number} must be {_NAMES[of]}, got {_kind(item)}")
    return value


def numbers(value: Any, place: str) -> Float[ndarray, "..."]:
    """Nested lists of numbers as an array; null becomes NaN."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{place} must hold numbers only, in rows of one length") from None


def keypoints(value: Any, place: str) -> Float[ndarray, "j d"]:
    """Joints as rows of (x, y) or (x, y, third), given as such or as one flat list of triples."""
    array = numbers(value, place)
    if array.ndim == 1 and len(array) and len(array) % 3 == 0:
        array = array.reshape(-1, 3)
    if array.ndim != 2 or array.shape[1] not in (2, 3):
        raise FormatError(
            f"{place} must be rows of (x, y) or (x, y, score), or a flat list of such triples; "
            f"got an array of shape {array.shape}"
        )
    return array


def scores_of(value: Any, joints: int, place: str) -> Float[ndarray, " j"]:
    """One score a joint; all 1 where none are given."""
    if value is None:
        return np.ones(joints)
    array = numbers(value, place).reshape(-1)
    if len(array) != joints:
        raise FormatError(f"{place} must be {joints} scores, one a joint, got {len(array)}")
    return array


def whole(value: Any, place: str) -> int:
    """A whole number that may be written as ``3`` or ``3.0``."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        return int(value)
    raise FormatError(f"{place} must be a whole number, got {value!r}")


def frame_number(name: Any, place: str) -> int:
    """The frame that an image stands for: a number, or the last digits of its name (``"clip_0012.jpg"`` is 12)."""
    if not isinstance(name, str):
        return whole(name, place)
    stem = name.replace("\\", "/").rsplit("/", 1)[-1]
    start, _, end = stem.rpartition(".")
    if start and not end.isdigit():  # "0.jpg" and "clip.0012" are both in use
        stem = start
    digits = "".join(letter if letter in "0123456789" else " " for letter in stem).split()
    if not digits:
        raise FormatError(f"{place} is {name!r}, which has no frame number in it; name the images like 'clip_0012.jpg'")
    return int(digits[-1])


_NAMES: dict[type, str] = {dict: "an object", list: "a list", str: "a string"}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    return _NAMES.get(type(value), f"{value!r}")
