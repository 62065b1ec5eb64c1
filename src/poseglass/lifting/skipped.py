"""Interpolate 2D poses in frames that were skipped, without a search for people."""

from collections.abc import Sequence
from itertools import pairwise

from poseglass.people.detection import DetectedPerson

__all__ = ["filled"]


def filled(
    times: Sequence[float], rows: Sequence[DetectedPerson | None], skipped: Sequence[bool]
) -> list[DetectedPerson | None]:
    """Interpolate a person's 2D poses in skipped frames, linearly in time.

    A skipped frame is filled if the person was detected in the last frame before it and in the next one after it that
    were not skipped. Otherwise the person is absent from it (None).

    Args:
        times: Seconds of the frames, increasing.
        rows: The person in each frame; None where absent. Those of skipped frames are ignored.
        skipped: Whether each frame was skipped.

    Example:
        >>> import numpy as np
        >>> first, last = (DetectedPerson(np.full((1, 2), x), np.ones(1)) for x in (0.0, 8.0))
        >>> filled([0.0, 0.25, 1.0], [first, None, last], [False, True, False])[1].points
        array([[2., 2.]])
    """
    searched = [frame for frame, skip in enumerate(skipped) if not skip]
    result = [None if skip else row for row, skip in zip(rows, skipped, strict=True)]
    for first, last in pairwise(searched):
        before, after = rows[first], rows[last]
        if before is None or after is None:
            continue
        for frame in range(first + 1, last):
            share = (times[frame] - times[first]) / (times[last] - times[first])
            result[frame] = DetectedPerson(
                (1 - share) * before.points + share * after.points, (1 - share) * before.scores + share * after.scores
            )
    return result
