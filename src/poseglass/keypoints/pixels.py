"""Check that numbers can be pixels of an image of a given size."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.people.detection import DetectedPerson

__all__ = ["are_shares", "clean", "hold_shares"]

# Rules of thumb, set on the sample files of tests/samples.
TRUSTED = 0.3  # joints with lower scores do not count: detectors guess their places, even outside the image
MARGIN = 0.25  # share of a side by which a joint must lie outside the image to contradict its size
TOLERATED = 0.1  # share of trusted joints that may do so
SMALLEST = 3.0  # pixels: if all coordinates are smaller, they are shares of the image, or metres


def are_shares(points: Float[ndarray, "... 2"]) -> bool:
    """Whether coordinates can only be shares of the image: almost all lie from 0 to 1, and the others near it.

    Metres from the pelvis are excluded: they are negative about as often as positive.
    """
    known = points[np.isfinite(points)]
    return bool(known.size and known.min() > -1 and known.max() < 2 and ((known >= 0) & (known <= 1)).mean() > 0.9)


def hold_shares(frames: Mapping[int, Sequence[DetectedPerson]]) -> bool:
    """Whether the coordinates of all people are shares of the image; False if there are no people."""
    points = [person.points for people in frames.values() for person in people]
    return bool(points) and are_shares(np.concatenate(points))


def clean(
    points: Float[ndarray, "f j 2"], scores: Float[ndarray, "f j"], size: tuple[int, int] | None
) -> tuple[Float[ndarray, "f j 2"], Float[ndarray, "f j"]]:
    """Clip scores to 0..1, and give impossible points the score 0.

    A point that is not finite becomes NaN. A point that is negative or outside the image keeps its place.

    Raises:
        FormatError: The points are not pixels (all lie within a few pixels of 0), or do not fit an image of this size.
    """
    scores = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0).clip(0, 1)
    finite = np.isfinite(points).all(-1)
    points = np.where(finite[..., None], points, np.nan)
    scores = np.where(finite, scores, 0)
    if (known := points[scores > 0]).size:
        low, high = known.min(0), known.max(0)
        if np.abs(known).max() < SMALLEST:
            raise FormatError(
                f"pixels are expected, but x runs from {low[0]:.3g} to {high[0]:.3g} and y from {low[1]:.3g} to "
                f"{high[1]:.3g}. If these are shares of the image, multiply x by its width and y by its height"
            )
        if size is not None:
            _check_size(points[scores > TRUSTED], size, low, high)
    outside = (points < 0).any(-1)
    if size is not None:
        outside |= (points > np.array(size)).any(-1)
    return points, np.where(outside, 0, scores)


def _check_size(
    trusted: Float[ndarray, "n 2"], size: tuple[int, int], low: Float[ndarray, " 2"], high: Float[ndarray, " 2"]
) -> None:
    sides = np.array(size)
    far = ((trusted < -MARGIN * sides) | (trusted > (1 + MARGIN) * sides)).any(-1)
    if len(trusted) and far.mean() > TOLERATED:
        raise FormatError(
            f"{far.mean():.0%} of the joints lie far outside an image of {size[0]} x {size[1]}: x runs from "
            f"{low[0]:.0f} to {high[0]:.0f} and y from {low[1]:.0f} to {high[1]:.0f}; "
            "check the size, which is (width, height)"
        )
