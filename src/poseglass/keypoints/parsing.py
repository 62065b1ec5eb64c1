"""Take checked values from parsed files. Every error names the value's place in the file."""

import re
import reprlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.keypoints.file import is_empty
from poseglass.keypoints.names import SCORE_KEYS

__all__ = [
    "frame_number",
    "numbered_frames",
    "objects",
    "parse_joints",
    "parse_numbers",
    "parse_scores",
    "people_in",
    "person_number",
    "scores_in",
    "shortened",
    "whole_number",
]


DIGITS = 15
"""The most digits of a frame number in a name: longer ones are dates with fractions, or damage."""
LARGEST = 10**DIGITS

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxlong, _SHORT.maxstring = 2, 30, 50


def objects(value: Any, place: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a list, or of an iterator over one. Items that are null are left out.

    Raises:
        FormatError: The value is no list, or an item is something else.
    """
    if not isinstance(value, list | Iterator):
        raise FormatError(f"{place} must be a list, got {_kind(value)}")
    for number, item in enumerate(value):
        if item is None:
            continue
        if not isinstance(item, dict):
            raise FormatError(f"{place}, item {number} must be an object, got {_kind(item)}")
        yield item


def people_in(value: Any, place: str, joints: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The people of a frame who have joints, each with their place in the file.

    A list that is null holds nobody. A person who is null or has no joints, such as one of whom only hands were found,
    is left out.

    Args:
        value: The list of people.
        place: Its place in the file.
        joints: The key of a person's joints.

    Raises:
        FormatError: The value is not a list of objects.
    """
    if is_empty(value):
        return
    for which, person in enumerate(objects(value, place)):
        if not is_empty(person.get(joints)):
            yield f"{place.removesuffix('s')} {which}", person


def numbered_frames(
    value: Any, place: str, *, number: str, people: str, joints: str
) -> Iterator[tuple[int, list[tuple[str, dict[str, Any]]]]]:
    """Yield the number of each frame in a list of objects, and its people: each person's place in the file and object.

    Args:
        value: The list.
        place: Its place in the file.
        number: The key of a frame's number.
        people: The key of a frame's list of people.
        joints: The key of a person's joints; see :func:`people_in`.

    Raises:
        FormatError: The value has another form, or a key is missing.
    """
    for item, frame in enumerate(objects(value, place)):
        spot = f"{place}, item {item}"
        if missing := sorted({number, people} - frame.keys()):
            raise FormatError(f"{spot} lacks {' and '.join(missing)}")
        index = whole_number(frame[number], f"{spot}: {number}")
        yield index, list(people_in(frame[people], f"{spot} (frame {index}), {people}", joints))


def parse_numbers(value: Any, place: str) -> Float[ndarray, "..."]:
    """An array from nested lists of numbers; null becomes NaN.

    Raises:
        FormatError: The lists hold something else or differ in length.
    """
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{place} must hold numbers only, in rows of equal length") from None


def parse_joints(value: Any, place: str) -> Float[ndarray, "j _"]:
    """Joints as rows of (x, y) or (x, y, third), from such rows or from one flat list of triples.

    Raises:
        FormatError: The value is neither.
    """
    array = parse_numbers(value, place)
    if array.ndim == 1 and len(array) and len(array) % 3 == 0:
        array = array.reshape(-1, 3)  # j 3
    if array.ndim != 2 or array.shape[1] not in (2, 3):
        raise FormatError(
            f"{place} must be rows of (x, y) or (x, y, score), or a flat list of such triples; "
            f"got an array of shape {array.shape}"
        )
    return array


def parse_scores(value: Any, joints: int, place: str) -> Float[ndarray, " j"]:
    """One score per joint; all 1 if the value is None.

    Raises:
        FormatError: There are more or fewer scores than joints.
    """
    if is_empty(value):
        return np.ones(joints)
    array = parse_numbers(value, place).reshape(-1)
    if len(array) != joints:
        raise FormatError(f"{place} must be {joints} scores, one per joint, got {len(array)}")
    return array


def scores_in(entry: dict[str, Any], joints: int, place: str) -> Float[ndarray, " j"]:
    """The scores of a person's joints under any of their usual names; all 1 if there are none.

    A single number is the score of the person, not of the joints.

    Raises:
        FormatError: There are more or fewer scores than joints.
    """
    key = next((key for key in SCORE_KEYS if not isinstance(entry.get(key), int | float | None)), "")
    return parse_scores(entry.get(key), joints, f"{place}: {key}")


def whole_number(value: Any, place: str) -> int:
    """An integer, which the file may write as ``3`` or ``3.0``.

    Raises:
        FormatError: The value is not a whole number.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1 and abs(value) < LARGEST:
        return int(value)
    raise FormatError(f"{place} must be a whole number, got {shortened(value)}")


def person_number(value: Any, place: str) -> int | None:
    """A tracker's number of a person, taken out of any lists around it; None if it is null, missing or negative.

    Raises:
        FormatError: The value is something else.
    """
    for _ in range(3):
        if not isinstance(value, list) or not value:
            break
        value = value[0]
    if is_empty(value) and not isinstance(value, str):
        return None
    number = whole_number(value, place)
    return number if number >= 0 else None


def shortened(value: Any) -> str:
    """A value in words, for messages: at most 60 letters, however deep or long it is."""
    try:
        text = _SHORT.repr(value)
    except ValueError:  # Python refuses to write integers of thousands of digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def frame_number(name: Any, place: str) -> int:
    """The frame number of an image: a number, or the last digits of its name (``"clip_0012.jpg"`` is 12).

    Raises:
        FormatError: The name has no digits.
    """
    if not isinstance(name, str):
        return whole_number(name, place)
    if re.fullmatch(r"[0-9]{1,15}\.0", name):  # pandas's index, if it is not of whole numbers only
        return int(float(name))
    stem = name.replace("\\", "/").rsplit("/", 1)[-1]
    start, _, end = stem.rpartition(".")
    if start and not end.isdigit():  # both "0.jpg" and "clip.0012" are in use
        stem = start
    digits = re.findall("[0-9]+", stem)
    if not digits or len(digits[-1]) > DIGITS:
        fault = f"has more than {DIGITS} digits in its number" if digits else "has no frame number in it"
        raise FormatError(f"{place} is {shortened(name)}, which {fault}; name the images like 'clip_0012.jpg'")
    return int(digits[-1])


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    if isinstance(value, dict | list | ndarray):
        return "an object" if isinstance(value, dict) else "a list"
    return shortened(value)
