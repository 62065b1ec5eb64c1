"""Joints at exactly (0, 0): many tools write that for a joint that they did not find."""

from collections.abc import Iterable

import numpy as np

from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.pixels import TRUSTED
from poseglass.people.detection import DetectedPerson

__all__ = ["forget_zeros"]


def forget_zeros(content: KeypointFrames) -> tuple[int, int]:
    """Give joints at exactly (0, 0) the score 0, in place.

    A joint keeps its score if the format has real scores (they differ from joint to joint) and this one is above
    :data:`poseglass.keypoints.pixels.TRUSTED`, unless the format always writes (0, 0) for "not found".

    Returns:
        How many joints had a score above 0 before, and in how many frames.
    """
    if content.zeros is None:
        return 0, 0
    trusted = np.inf if content.zeros or not _real_scores(content.frames.values()) else TRUSTED
    joints = frames = 0
    for people in content.frames.values():
        before = joints
        for person in people:
            zero = (person.points == 0).all(-1) & (person.scores > 0) & (person.scores <= trusted)
            if zero.any():
                person.scores[zero] = 0
                joints += int(zero.sum())
        frames += joints > before
    return joints, frames


def _real_scores(frames: Iterable[list[DetectedPerson]]) -> bool:
    """Whether scores above 0 differ: where all are the same, the file has none, or only says which joints are known."""
    first: float | None = None
    for people in frames:
        for person in people:
            known = person.scores[person.scores > 0]
            if not len(known):
                continue
            first = float(known[0]) if first is None else first
            if (known != first).any():
                return True
    return False
