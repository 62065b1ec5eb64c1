"""The clock of a file with a time for every frame."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from poseglass.errors import FormatError
from poseglass.keypoints.frames import KeypointFrames, span

__all__ = ["with_times"]

JITTER = 2e-3
"""Seconds by which a time may differ from even spacing: many tools round times to milliseconds."""


def with_times(people: KeypointFrames, seconds: Sequence[float], place: str) -> KeypointFrames:
    """Add the clock: a start and a frame rate if frames are evenly spaced, else a time for every frame.

    The times of frames that the file skips are interpolated. Rows may come in any order.

    Args:
        people: The people, by frame.
        seconds: The time of each of these frames; NaN if unknown.
        place: What error messages call the times.

    Raises:
        FormatError: The times do not increase with the frame numbers.
    """
    clock = {frame: time for frame, time in zip(people.frames, seconds, strict=True) if np.isfinite(time)}
    numbers = np.array(sorted(clock))
    times = np.array([clock[frame] for frame in numbers])
    if len(times) < 2:
        return replace(people, start=float(times[0]) if len(times) else 0.0)
    if (np.diff(times) <= 0).any():
        raise FormatError(f"{place} must increase from frame to frame")
    fps = float(np.ptp(numbers) / np.ptp(times))
    even = times[0] + (numbers - numbers[0]) / fps
    if np.abs(times - even).max() <= JITTER:
        return replace(people, fps=fps, start=float(times[0] - (numbers[0] - min(people.frames)) / fps))
    first, last = span(people.frames)
    spanned = np.arange(first, last + 1)
    inside = np.interp(spanned, numbers, times)
    outside = np.where(spanned < numbers[0], spanned - numbers[0], np.maximum(spanned - numbers[-1], 0)) / fps
    return replace(people, fps=fps, timestamps=inside + outside)
