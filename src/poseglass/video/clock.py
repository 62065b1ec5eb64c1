"""The times of frames, and their rate, from the file's time stamps."""

from collections.abc import Iterable

import numpy as np

__all__ = ["GUESSED", "RAW_SUFFIXES", "FrameTimes", "mean_rate"]

RAW_SUFFIXES = (
    ".264",
    ".265",
    ".266",
    ".avc",
    ".h264",
    ".h265",
    ".h266",
    ".hevc",
    ".m1v",
    ".m2v",
    ".mjpeg",
    ".mjpg",
    ".vvc",
)
"""Suffixes of raw streams, which hold pictures without their times."""

GUESSED = "{path} does not state a frame rate: {rate:g} per second are assumed (give fps, --fps)"
CREDIBLE = (1e-4, 1e5)  # frames per second; other rates are an error in the stamps


class FrameTimes:
    """Turns the file's time stamps into seconds since the first frame that always increase.

    A frame without a time stamp comes one frame after the last. Where the stamps stand still or jump back, as in joined
    files, the clock continues from its last time.

    Args:
        fps: Frames per second.

    Example:
        >>> clock = FrameTimes(10)
        >>> [round(clock.tick(stamp), 1) for stamp in (5.0, 5.2, None, 3.0)]
        [0.0, 0.2, 0.3, 0.4]
    """

    def __init__(self, fps: float) -> None:
        self._step = 1 / fps
        self._last = -self._step
        self._start: float | None = None

    def tick(self, stamp: float | None) -> float:
        """The time of the next frame, which the file gives as `stamp`."""
        seconds = self._last + self._step
        if stamp is not None:
            if self._start is None or stamp - self._start <= self._last:
                self._start = stamp - seconds
            seconds = stamp - self._start
        self._last = seconds
        return seconds


def mean_rate(stamps: Iterable[float]) -> float | None:
    """Frames per second from the frames' time stamps in any order; None without two that differ.

    Stamps that come twice, as in joined files, count once.

    Example:
        >>> mean_rate([0.0, 0.2, 0.1])
        10.0
    """
    times = np.array(sorted(set(stamps)))
    if len(times) < 2 or not (span := float(times[-1] - times[0])) > 0:
        return None
    rate = (len(times) - 1) / span
    return rate if CREDIBLE[0] <= rate <= CREDIBLE[1] else None
