"""Bare nested lists: a JSON list of frames, each a list of joints ``[x, y]`` or ``[x, y, third]``, of one person.

Nothing says which joint is which, so a layout is needed unless the count belongs to one only (33: BlazePose). A frame
that is null or empty shows nobody. BlazePose's third number is a depth and is left out; else it is a score.
"""

import numpy as np

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints._layout import by_count
from poseglass.keypoints._people import Detections, one_person
from poseglass.keypoints._source import Source, keypoints
from poseglass.keypoints.array import split_scores

__all__ = ["matches", "read"]


def matches(source: Source) -> bool:
    """A list whose first frame that is not empty is a list of lists."""
    if not isinstance(source.json, list):
        return False
    frame = next((frame for frame in source.json if frame), None)
    return isinstance(frame, list) and isinstance(frame[0], list)


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The person of every frame.

    Raises:
        FormatError: The file is broken, or the layout is missing or wrong.
    """
    frames = [keypoints(f, f"frame {n}") if f else None for n, f in enumerate(source.json)]
    shapes = {frame.shape for frame in frames if frame is not None}
    if len(shapes) != 1:
        raise FormatError(f"every frame must have the same joints, but they have the shapes {sorted(shapes)}")
    (shape,) = shapes
    skeleton = by_count(shape[0], layout, "the frames")
    table = np.stack([np.full(shape, np.nan) if frame is None else frame for frame in frames])
    points, scores = split_scores(table, skeleton, "the frames")
    return one_person(points, scores, skeleton)
