"""Checks that stop the preparation of a data set: dictionaries, numbers, finite frames, human bone lengths."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import DataError, FormatError
from poseglass.files.pickled import read_objects

__all__ = ["BONES", "UNEVEN", "check_bones", "check_finite", "numbers", "read_dictionary"]

# Range of adult lengths in metres of the bone from each joint to its parent.
BONES = {
    "hip": (0.05, 0.22),
    "knee": (0.30, 0.60),
    "ankle": (0.28, 0.60),
    "shoulder": (0.07, 0.28),
    "elbow": (0.18, 0.42),
    "wrist": (0.15, 0.40),
}
UNEVEN = 1.25  # the highest ratio of a left bone to the right one, or of the right to the left


def read_dictionary(path: Path, member: str, content_name: str) -> dict[Any, Any]:
    """Read a pickled dictionary from one of the field's npz files.

    Args:
        path: The npz file.
        member: The name of the array that holds the dictionary.
        content_name: What the dictionary holds, for the message.

    Raises:
        DataError: The array cannot be read, or is not a dictionary.
    """
    try:
        content = read_objects(path, member)
    except FormatError as problem:
        advice = "" if "refused" in str(problem) else "; was it downloaded whole?"
        raise DataError(f"{path}: {problem}{advice}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: {member} must be a dictionary of {content_name}, got {type(content).__name__}")
    return content


def numbers(value: Any, place: str) -> ndarray:
    """Convert part of a file to an array of numbers.

    Args:
        value: The part of the file.
        place: Its place in the file, for the message.

    Raises:
        DataError: The value is not an array of numbers, but for example text, None, or rows of unequal length.

    Example:
        >>> numbers([[1, 2], [3, 4]], "walk.npz").shape
        (2, 2)
    """
    try:
        array = np.asarray(value)
    except ValueError as problem:
        raise DataError(f"{place}: expected an array of numbers ({problem}); download the file again") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"{place}: expected an array of numbers, got {array.dtype}; download the file again")
    return array


def check_finite(points: Float[ndarray, "f j c"], place: str) -> None:
    """Check that no coordinate is NaN or infinite.

    Args:
        points: Coordinates (f j c).
        place: The place of the points, for the message.

    Raises:
        DataError: A coordinate is NaN or infinite; the message names the first such frame.
    """
    if not (finite := np.isfinite(points).all((1, 2))).all():
        raise DataError(
            f"{place}: {int((~finite).sum())} of {len(points)} frames are not finite, the first is frame "
            f"{int((~finite).argmax())}; the file may be damaged, download it again"
        )


def check_bones(points: Float[ndarray, "f j 3"], skeleton: Skeleton, place: str) -> None:
    """Check that limbs have human lengths. Other lengths mean another joint order or another unit.

    Args:
        points: Poses in metres (f j 3).
        skeleton: The joints in the expected order.
        place: The place of the poses, for the message.

    Raises:
        DataError: A bone is too short or too long (:data:`BONES`), or left and right differ (:data:`UNEVEN`).
    """
    lengths: dict[str, float] = {}
    for joint, parent in zip(skeleton.joints, skeleton.parents, strict=True):
        kind = joint.rpartition("_")[2]
        if kind in BONES and parent >= 0:
            bone = points[:, skeleton.index(joint)] - points[:, parent]
            lengths[joint] = float(np.median(np.linalg.norm(bone, axis=-1)))
    wrong = []
    for joint, length in lengths.items():
        low, high = BONES[joint.rpartition("_")[2]]
        twin = lengths.get(joint.replace("left_", "right_"), length)
        if not low <= length <= high:
            wrong.append(f"the bone to {joint} is {length:.3g} m long, not {low:g} to {high:g} m")
        elif max(length, twin) > UNEVEN * min(length, twin):
            wrong.append(f"the bone to {joint} is {length:.3g} m long and its right twin {twin:.3g} m")
    if wrong:
        raise DataError(
            f"{place}: the joints are in another order or unit than in the published files: {'; '.join(wrong[:4])}"
        )
