"""Whether numbers can be pixels of the image they are said to be of."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["clean"]

TRUSTED = 0.3  # joints below this score may lie anywhere: detectors guess them outside the image
FAR = 0.25  # of a side: how far outside the image a joint must lie to speak against its size
SHARE = 0.1  # of the trusted joints: how many may
SMALLEST = 3.0  # pixels: nobody films a person smaller than this; such numbers are shares of the image, or metres


def clean(
    points: Float[ndarray, "f j 2"], scores: Float[ndarray, "f j"], size: tuple[int, int] | None
) -> tuple[Float[ndarray, "f j 2"], Float[ndarray, "f j"]]:
    """Points and scores as a pose sequence wants them.

    Scores are cut to 0..1. A point that is not finite becomes NaN with score 0; one that is negative or outside the
    image stays where it is, with score 0.

    Raises:
        FormatError: The points are no pixels (all within a few pixels of 0), or not those of an image of this size.
    """
    scores = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0).clip(0, 1)
    finite = np.isfinite(points).all(-1)
    points = np.where(finite[..., None], points, np.nan)
    scores = np.where(finite, scores, 0)
    if (seen := points[scores > 0]).size:
        low, high = seen.min(0), seen.max(0)
        if np.abs(seen).max() < SMALLEST:
            raise FormatError(
                f"pixels are expected, but x runs from {low[0]:.3g} to {high[0]:.3g} and y from {low[1]:.3g} to "
                f"{high[1]:.3g}: shares of the image (or metres); multiply x by its width and y by its height"
            )
        if size is not None:
            _check_size(points[scores > TRUSTED], size, low, high)
    outside = (points < 0).any(-1)
    if size is not None:
        outside |= (points > np.array(size)).any(-1)
    return points, np.where(outside, 0, scores)


def _check_size(
    trusted: Float[ndarray, "n 2"], size: tuple[int, int], low: Float[ndarray, "axes=2"], high: Float[ndarray, "axes=2"]
) -> None:
    sides = np.array(size)
    far = ((trusted < -FAR * sides) | (trusted > (1 + FAR) * sides)).any(-1)
    if len(trusted) and far.mean() > SHARE:
        raise FormatError(
            f"{far.mean():.0%} of the joints lie far outside an image of {size[0]} x {size[1]}: x runs from "
            f"{low[0]:.0f} to {high[0]:.0f} and y from {low[1]:.0f} to {high[1]:.0f}; "
            "is the size (width, height) right?"
        )
