"""`History`: the newest 2D poses of a live source, and the window of a model that ends at the newest one."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.lifting.blocks import PoseBlock
from poseglass.lifting.resampler import DENSE, PREFIX, SLOWEST, STEADY

__all__ = ["History", "Window"]

STAY = 1.05
"""Share by which the rate must leave the range that the model knows before frames are resampled, so that a camera whose
rate lies at a limit does not switch to and fro."""
MOST = 16
"""Frames held, as a multiple of a window: enough for 480 frames per second."""


@dataclass(frozen=True, eq=False)
class Window:
    """Evenly spaced 2D poses that end at the newest frame.

    Args:
        ticks: Time of each row in seconds (f).
        block: The rows: joints and scores.
        start: Time of the first frame that the window knows; rows before it repeat that frame.
    """

    ticks: Float[ndarray, " f"]
    block: PoseBlock
    start: float

    def at(self, pose3d: Float[ndarray, "f 17 3"], time: float) -> Float[ndarray, "17 3"]:
        """The pose at a time within the window, between those of its rows."""
        left, right, share = _between(self.ticks, np.array([time]))
        pose: ndarray = pose3d[left[0]] * (1 - share[0]) + pose3d[right[0]] * share[0]
        return pose


class History:
    """Holds as many frames as a window needs, and brings them onto the model's clock.

    At 24 frames per second to `fastest`, frames in step are the rows of the window. If one of them came sooner than
    half a step after the last, or later than one and a half, or at any other rate, 2D is interpolated onto an even grid
    that ends at the newest frame. The rate is that of the median step of the last 64 frames. Offline lifting has the
    same limits (:mod:`poseglass.lifting.resampler`), but settles the rate at the start and lets the grid run on.

    Args:
        clip: Frames of a window.
        fastest: The highest frame rate that the model takes unchanged.

    Example:
        >>> history = History(9)
        >>> for number in range(20):
        ...     history.add(number / 50, np.full((17, 2), float(number)), np.ones(17))
        >>> history.window().block.points[:, 0, 0].tolist()
        [11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0]
    """

    def __init__(self, clip: int, *, fastest: float = DENSE) -> None:
        self._clip, self._fastest = clip, fastest
        self._known = True  # whether the model knows the rate
        self._steps: deque[float] = deque(maxlen=PREFIX)
        self._times: deque[float] = deque(maxlen=MOST * clip)
        self._points: deque[Float[ndarray, "17 2"]] = deque(maxlen=MOST * clip)
        self._scores: deque[Float[ndarray, " 17"]] = deque(maxlen=MOST * clip)

    def __len__(self) -> int:
        return len(self._times)

    def clear(self) -> None:
        """Forget all frames, but not their rate."""
        for rows in (self._times, self._points, self._scores):
            rows.clear()

    @property
    def rate(self) -> float:
        """Frames per second: the inverse of the median step; 30 before the second frame."""
        return 1 / float(np.median(self._steps)) if self._steps else STEADY

    def add(self, time: float, points: Float[ndarray, "17 2"], scores: Float[ndarray, " 17"]) -> None:
        """Add the newest frame. Joints of score 0 may have any value."""
        if self._times:
            self._steps.append(time - self._times[-1])
        self._times.append(time)
        self._points.append(np.nan_to_num(points))
        self._scores.append(scores)
        slack = STAY if self._known else 1.0
        self._known = SLOWEST / slack <= self.rate <= self._fastest * slack
        while len(self._times) > self._clip and self._times[1] <= time - self._clip * max(self._step, 1 / STEADY):
            for rows in (self._times, self._points, self._scores):
                rows.popleft()

    def correct(self, back: int, points: Float[ndarray, "17 2"], scores: Float[ndarray, " 17"]) -> None:
        """Replace a frame, counted back from the newest one (0). One that is no longer held is ignored."""
        if back < len(self._times):
            self._points[-1 - back], self._scores[-1 - back] = np.nan_to_num(points), scores

    def window(self, after: int = 0) -> Window:
        """The window that ends at the newest frame, or this number of repetitions of it later."""
        times = np.array(self._times)
        points, scores = np.stack(self._points), np.stack(self._scores)
        ticks = times[-1] + (np.arange(1 - self._clip, 1) + after) * self._step
        if self._in_step(times):
            rows = np.arange(len(times) - self._clip, len(times)) + after
            held = np.clip(rows, 0, len(times) - 1)
            ticks = np.where(rows == held, times[held], ticks)
            return Window(ticks, PoseBlock(points[held], scores[held]), float(times[0]))
        left, right, share = _between(times, ticks)
        share = share[:, None]  # f 1
        # Between a known joint and an unknown one, take the nearer.
        share = np.where((scores[left] > 0) & (scores[right] > 0), share, np.round(share))  # f 17
        points = points[left] * (1 - share[..., None]) + points[right] * share[..., None]
        return Window(ticks, PoseBlock(points, scores[left] * (1 - share) + scores[right] * share), float(times[0]))

    @property
    def _step(self) -> float:
        """Seconds from one row of a window to the next."""
        return 1 / (self.rate if self._known else STEADY)

    def _in_step(self, times: Float[ndarray, " f"]) -> bool:
        """Whether the frames of the window are evenly spaced as they are."""
        steps = np.diff(times[-self._clip :])
        return self._known and bool((np.abs(steps - self._step) < self._step / 2).all())


def _between(times: Float[ndarray, " f"], when: Float[ndarray, " _"]) -> tuple[ndarray, ndarray, ndarray]:
    """The frames before and after each moment, and its place between them, from 0 to 1. Clamped at the ends."""
    left = np.clip(np.searchsorted(times, when, side="right") - 1, 0, len(times) - 1)
    right = np.minimum(left + 1, len(times) - 1)
    span = times[right] - times[left]
    return left, right, np.clip((when - times[left]) / np.where(span > 0, span, 1.0), 0, 1) * (span > 0)
