"""`Pace`: how fast and how calm live poses come: frames per second, latency and jitter."""

from collections import deque
from time import monotonic

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.motion.smoothing import jitter

__all__ = ["Pace"]

COUNTED = 60
"""Frames that the figures are taken over: two seconds at 30 frames per second."""


class Pace:
    """Measures the newest frames.

    Example:
        >>> pace = Pace()
        >>> pace.words()
        'waiting for a person'
    """

    def __init__(self) -> None:
        self._done: deque[float] = deque(maxlen=COUNTED)
        self._latencies: deque[float] = deque(maxlen=COUNTED)
        self._places: deque[tuple[float, np.ndarray]] = deque(maxlen=COUNTED)

    def add(self, pose: PoseSequence, arrived: float, done: float | None = None) -> None:
        """Count a pose.

        Args:
            pose: The pose of one frame.
            arrived: When its image was decoded, by `time.monotonic`.
            done: When the pose was there. Default: now.
        """
        now = monotonic() if done is None else done
        self._done.append(now)
        self._latencies.append(now - arrived)
        root = 0 if pose.root is None else pose.root[0]
        if self._places and pose.start <= self._places[-1][0]:
            self._places.clear()
        if pose.validity[0]:  # filled-in poses tell nothing of the jitter of others
            self._places.append((pose.start, pose.points[0].astype(float) + root))
        else:
            self._places.clear()

    @property
    def fps(self) -> float:
        """Poses per second; NaN before the second."""
        span = self._done[-1] - self._done[0] if len(self._done) > 1 else 0.0
        return (len(self._done) - 1) / span if span > 0 else float("nan")

    @property
    def latency(self) -> float:
        """Median seconds from the last pixel of a frame to its pose, look-ahead included; NaN before the first."""
        return float(np.median(self._latencies)) if self._latencies else float("nan")

    @property
    def jitter(self) -> float:
        """The jitter of the joints in space (:func:`poseglass.motion.smoothing.jitter`); NaN for under four poses."""
        if not self._places:
            return float("nan")
        times, places = zip(*self._places, strict=True)
        return jitter(PoseSequence(np.stack(places), H36M_17, "world", timestamps=np.array(times)))

    def words(self) -> str:
        """The figures in a line."""
        if not self._done:
            return "waiting for a person"
        value = self.jitter
        calm = "" if np.isnan(value) else f", jitter {value:.1f} (10 m/s^3)"
        return f"{self.fps:.1f} fps, latency {1000 * self.latency:.0f} ms{calm}"
