"""Bare nested lists: a JSON list of frames, each a list of joints ``[x, y]`` or ``[x, y, third]``.

The joints have no names, so a layout is needed unless only one layout has this number of joints (33: BlazePose). A
frame that is null or empty shows nobody. The third number is a score, except BlazePose's, which is a depth and is
ignored. A frame may be a list of people instead, each a list of joints, and the people may come first.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.array import people_of_array, split_scores
from poseglass.keypoints.file import KeypointFile, is_empty
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_count
from poseglass.keypoints.parsing import parse_joints, parse_numbers
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is a list, and its first frame with content is a list of lists."""
    frame = file.first
    return isinstance(frame, list | ndarray) and isinstance(frame[0], list | ndarray)


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: The file is broken, or the layout is missing or wrong.
    """
    frames = [
        None if is_empty(frame) else _joints(frame, f"frame {number}") for number, frame in enumerate(file.items())
    ]
    shapes = {frame.shape for frame in frames if frame is not None}
    if len({shape[-2:] for shape in shapes}) != 1 or len({len(shape) for shape in shapes}) != 1:
        raise FormatError(f"every frame must have the same joints, but their arrays have shapes {sorted(shapes)}")
    shape = max(shapes)
    skeleton = layout_by_count(shape[-2], layout, "the frames")
    if len(shapes) == 1:
        table = np.stack([np.full(shape, np.nan) if frame is None else frame for frame in frames])
        return people_of_array(table, "the list of frames", skeleton)
    people = {number: [] if frame is None else _people(frame, skeleton, number) for number, frame in enumerate(frames)}
    return KeypointFrames(skeleton, people)


def _joints(frame: Any, place: str) -> Float[ndarray, "... j _"]:
    """The joints of one person (j, 2 or 3), or of several (p, j, 2 or 3)."""
    first = frame[0] if isinstance(frame, list | ndarray) else None
    if isinstance(first, list | ndarray) and len(first) and isinstance(first[0], list | ndarray):
        people = parse_numbers(frame, place)
        if people.ndim != 3 or people.shape[2] not in (2, 3):
            raise FormatError(f"{place} must be people of joints of 2 or 3 numbers, got shape {people.shape}")
        return people
    return parse_joints(frame, place)


def _people(frame: Float[ndarray, "p j _"], skeleton: Skeleton, number: int) -> list[DetectedPerson]:
    points, scores = split_scores(frame, skeleton, f"frame {number}")
    return [detected(points[person], scores[person], skeleton) for person in range(len(points))]
