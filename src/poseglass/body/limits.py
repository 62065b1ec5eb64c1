"""What the numbers of poses may be. Beyond these limits a file is damaged, and arithmetic would overflow."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.errors import PoseError

__all__ = ["bounded_points", "check_rate", "check_size", "check_times"]

FARTHEST = 1e7
"""The largest coordinate, in pixels or metres."""
SLOWEST, FASTEST = 1e-6, 1e6
"""Frames per second: from a frame in twelve days to a million a second."""
LATEST = 1e12
"""Seconds. Times since 1970 are below 1e10."""
LONGEST_SIDE = 1_000_000
"""Pixels."""


def bounded_points(points: Any, known: Bool[ndarray, "*b"] | None) -> Float[ndarray, "..."]:
    """Points as 32-bit numbers. Coordinates that are infinite, or beyond the limit where the joint is unknown, are NaN.

    Args:
        points: An array of numbers whose last axis holds coordinates.
        known: Which joints have a score above 0; None if all.

    Raises:
        PoseError: A known joint has a finite coordinate beyond 1e7, or the points are no numbers.
    """
    array = np.asarray(points)
    if array.dtype.kind not in "fiub":
        raise PoseError(f"points must be numbers, got an array of {array.dtype}")
    far = ~(np.abs(array) <= FARTHEST)  # also where it is NaN
    if far.any():
        wrong = far & np.isfinite(array)
        if known is not None and known.shape == array.shape[:-1]:
            wrong &= known[..., None]
        if wrong.any():
            largest = np.abs(array[wrong]).max()
            raise PoseError(
                f"coordinates must be below {FARTHEST:g} pixels or metres, got {largest:g}: mark unknown joints by NaN "
                "or score 0"
            )
        array = np.where(far, np.nan, array)
    return array.astype(np.float32, copy=False)


def check_rate(fps: float, given: object) -> None:
    """Raise :class:`PoseError` unless `fps` is a possible frame rate.

    Args:
        fps: Frames per second.
        given: What the user gave, for the message.
    """
    if not SLOWEST <= fps <= FASTEST:  # also where it is NaN
        raise PoseError(f"fps must be a positive number from {SLOWEST:g} to {FASTEST:g}, got {given}")


def check_times(start: float) -> None:
    """Raise :class:`PoseError` unless this is a possible time in seconds."""
    if not abs(start) <= LATEST:
        raise PoseError(f"times must be finite numbers of seconds below {LATEST:g}, got {start:g}")


def check_size(size: Any) -> tuple[int, int]:
    """The width and height of an image.

    Raises:
        PoseError: They are no whole numbers of pixels from 1 to a million.
    """
    sides = tuple(size)
    if len(sides) != 2 or not all(1 <= side <= LONGEST_SIDE for side in sides):
        raise PoseError(f"size must be (width, height) in pixels, from 1 to {LONGEST_SIDE}, got {str(size)[:60]}")
    return int(sides[0]), int(sides[1])
