"""The clock of a file with a time for every frame."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.keypoints.frames import KeypointFrames, span

__all__ = ["with_times"]

JITTER = 2e-3
"""Seconds by which a time may differ from even spacing: many tools round times to milliseconds."""
LONGEST = 5.0
"""The most seconds between frames. Times that are further apart are in a smaller unit."""
UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
EPOCH = 1e6
"""The latest start of a clip in seconds. A later one is counted from a date such as 1970, and becomes 0."""


def with_times(
    people: KeypointFrames, times: Sequence[float], place: str, *, unit: float | None = 1.0
) -> KeypointFrames:
    """Add the clock: a start and a frame rate if frames are evenly spaced, else a time for every frame.

    The times of frames that the file skips are interpolated. Rows may come in any order.

    Args:
        people: The people, by frame.
        times: The time of each of these frames; NaN if unknown.
        place: What messages call the times.
        unit: The length of their unit in seconds. None: the longest of :data:`UNITS` with which the frames are no
            further apart than :data:`LONGEST`.

    Raises:
        FormatError: The times do not increase with the frame numbers.
    """
    steps = np.diff(np.sort(np.array([time for time in times if np.isfinite(time)])))
    if unit is None:
        step = float(np.median(steps)) if len(steps) else 0.0
        name = next((name for name, length in UNITS.items() if step * length <= LONGEST), "seconds")
        unit = UNITS[name]
        if unit != 1:
            note = f"the unit of {place} is unknown; {name} are assumed"
            people = replace(people, notes=(*people.notes, note))
    counts = np.array(times, np.float64)
    first = float(counts[np.isfinite(counts)].min(initial=np.inf))
    seconds = (counts - first) * unit + (0 if first * unit > EPOCH else first * unit)
    return _clocked(people, seconds, place)


def _clocked(people: KeypointFrames, seconds: Float[ndarray, " _"], place: str) -> KeypointFrames:
    """The people with the clock of these times in seconds."""
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
