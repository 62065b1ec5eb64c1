"""Bare nested lists of one person: a JSON list of frames, each a list of joints ``[x, y]`` or ``[x, y, third]``.

The joints have no names, so a layout is needed unless only one layout has this number of joints (33: BlazePose). A
frame that is null or empty shows nobody. The third number is a score, except BlazePose's, which is a depth and is
ignored.
"""

import numpy as np

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.array import split_scores
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames, one_person
from poseglass.keypoints.layouts import layout_by_count
from poseglass.keypoints.parsing import parse_joints

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is a list, and its first frame with content is a list of lists."""
    if not isinstance(file.json, list):
        return False
    frame = next((frame for frame in file.json if frame), None)
    return isinstance(frame, list) and isinstance(frame[0], list)


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the person of every frame.

    Raises:
        FormatError: The file is broken, or the layout is missing or wrong.
    """
    frames = [parse_joints(frame, f"frame {number}") if frame else None for number, frame in enumerate(file.json)]
    shapes = {frame.shape for frame in frames if frame is not None}
    if len(shapes) != 1:
        raise FormatError(f"every frame must have the same joints, but their arrays have shapes {sorted(shapes)}")
    (shape,) = shapes
    skeleton = layout_by_count(shape[0], layout, "the frames")
    table = np.stack([np.full(shape, np.nan) if frame is None else frame for frame in frames])  # f j 2 or f j 3
    points, scores = split_scores(table, skeleton, "the frames")
    return one_person(points, scores, skeleton)
