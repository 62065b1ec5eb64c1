"""Lift with a seq2frame model: each frame gets a window of its own, of which only its pose counts."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.clips.windows import cut
from poseglass.lifting.blocks import PoseBlock, Prediction

__all__ = ["FrameByFrame"]


class FrameByFrame:
    """The frames of one sequence that are not lifted yet, with as many before and after them as a window needs.

    At the ends of the sequence, its first and last frames are repeated. A frame is lifted once the frames after it in
    its window are known.

    Args:
        lift: Lifts windows, points (b f 17 2) and scores (b f 17), to the poses of the answered frames (b 1 17 3).
        clip: Frames of a window.
        answered: The frame of a window that gets a pose.
        batch: Windows that are lifted together, if as many are complete.

    Example:
        >>> first = FrameByFrame(lambda points, scores: np.ones((len(points), 1, 17, 3)), clip=9, answered=4)
        >>> len(first.push(PoseBlock(np.ones((10, 17, 2)), np.ones((10, 17)))).pose3d), len(first.finish().pose3d)
        (6, 4)
    """

    def __init__(
        self,
        lift: Callable[[Float[ndarray, "b f 17 2"], Float[ndarray, "b f 17"]], Float[ndarray, "b 1 17 3"]],
        *,
        clip: int,
        answered: int,
        batch: int = 1,
    ) -> None:
        self._lift, self._clip, self._answered, self._batch = lift, clip, answered, batch
        self._next = 0  # the next frame to lift, counted from the first one held
        self._points = np.zeros((0, 17, 2))  # of the frames held
        self._scores = np.zeros((0, 17))
        self._last: Float[ndarray, "1 17 3"] | None = None  # the last pose

    def push(self, block: PoseBlock) -> Prediction:
        """Add frames, and return the poses of those whose windows are complete."""
        self._points = np.concatenate([self._points, block.points])
        self._scores = np.concatenate([self._scores, block.scores])
        return self._until(len(self._points) - (self._clip - 1 - self._answered))

    def finish(self) -> Prediction:
        """Return the poses of the remaining frames, after the last block."""
        return self._until(len(self._points))

    def _until(self, end: int) -> Prediction:
        poses = [np.zeros((0, 17, 3), np.float32)]
        while self._next < end:
            count = min(end - self._next, self._batch)
            starts = self._next - self._answered + np.arange(count)
            points, scores = cut(self._points, self._clip, starts), cut(self._scores, self._clip, starts)
            visible = np.any(scores, axis=(1, 2))  # b
            visible[0] |= self._last is None  # before the first window there is no pose to hold
            lifted = iter(self._lift(points[visible], scores[visible]).astype(np.float32) if visible.any() else ())
            for present in visible:  # out of sight for a whole window: hold the last pose
                self._last = next(lifted) if present else self._last
                assert self._last is not None
                poses.append(self._last)
            self._next += count
        drop = max(self._next - self._answered, 0)
        self._points, self._scores, self._next = self._points[drop:], self._scores[drop:], self._next - drop
        pose3d = np.concatenate(poses)
        return Prediction(pose3d, np.ones(len(pose3d), bool))
