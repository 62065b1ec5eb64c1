"""Person coordinates: joints relative to the pelvis, in units of the body's size in the image."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17

__all__ = ["Measures", "fill_gaps", "measure", "pelvis_path", "person_coordinates"]

ROOT = H36M_17.index("pelvis")
FURTHEST = 30.0  # body sizes: coordinates beyond this are outliers and are clipped to it


class Measures(NamedTuple):
    """A person's position and size in clips.

    Attributes:
        points: The joints with gaps filled (... f 17 2).
        pelvis: The pelvis (... f 1 2); the mean of the known joints if a clip never shows it.
        size: The body's size (... 1 1 1): the joints' root mean square distance from the pelvis, median over the clip.
        ever: Whether the clip ever shows the joint (... 1 17 1).
    """

    points: Float[ndarray, "*b f 17 2"]
    pelvis: Float[ndarray, "*b f 1 2"]
    size: Float[ndarray, "*b 1 1 1"]
    ever: Bool[ndarray, "*b 1 17 1"]


def fill_gaps(points: Float[ndarray, "*b f j _"], known: Bool[ndarray, "*b f j"]) -> Float[ndarray, "*b f j _"]:
    """Interpolate unknown points in time between the joint's known neighbours; repeat the first and last known ones.

    Args:
        points: (... f j 2) or (... f j 3). Unknown points may have any value, including NaN.
        known: Which points are known (... f j). A joint that is never known becomes 0.

    Example:
        >>> points = np.array([1.0, np.nan, 3.0, np.nan])[:, None, None]
        >>> fill_gaps(points, np.isfinite(points)[..., 0])[:, 0, 0].tolist()
        [1.0, 2.0, 3.0, 3.0]
    """
    frames = points.shape[-3]
    time = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(known, time, -1), axis=-2)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(known, time, frames), -2), axis=-2), -2)
    before, after = np.where(before < 0, after, before), np.where(after >= frames, before, after)
    share = (time - before) / np.maximum(after - before, 1)
    points = np.where(known[..., None], points, 0)
    first = np.take_along_axis(points, np.clip(before, 0, frames - 1)[..., None], axis=-3)
    last = np.take_along_axis(points, np.clip(after, 0, frames - 1)[..., None], axis=-3)
    ever = np.any(known, axis=-2, keepdims=True)
    return np.where(ever[..., None], first + share[..., None] * (last - first), 0)


def measure(points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]) -> Measures:
    """Fill gaps, and measure the person's position and size.

    Args:
        points: Human3.6M joints in any unit, such as pixels, (... f 17 2).
        scores: Their confidence (... f 17); joints with score 0 are unknown.
    """
    known = scores > 0
    ever = np.asarray(np.any(known, axis=-2, keepdims=True)[..., None])  # ... 1 17 1
    points = fill_gaps(points, known)
    count = np.maximum(ever.sum(-2, keepdims=True), 1)
    mean = (points * ever).sum(-2, keepdims=True) / count
    pelvis = np.where(ever[..., ROOT : ROOT + 1, :], points[..., ROOT : ROOT + 1, :], mean)
    body = np.where(ever, points - pelvis, 0)
    spread = np.sqrt((body**2).sum((-1, -2)) / count[..., 0, 0])  # ... f
    size = np.maximum(np.median(spread, axis=-1), 1e-9)[..., None, None, None]
    return Measures(points, pelvis, size, ever)


def pelvis_path(points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]) -> Float[ndarray, "*b f 2"]:
    """The person's pelvis in every frame (... f 2), as in :class:`Measures`.

    All NaN for a clip in which no joint is known.
    """
    person = measure(points, scores)
    anybody = np.asarray(person.ever.any((-3, -2, -1)))[..., None, None]
    return np.where(anybody, person.pelvis[..., 0, :], np.nan)


def person_coordinates(
    points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]
) -> Float[ndarray, "*b f 17 3"]:
    """The input of models trained by this package: x, y and score of each joint, (... f 17 3) float32.

    The same motion can appear small or large and anywhere in the image. Joints are therefore relative to the pelvis of
    their frame, and the pelvis is relative to its median over the clip, both in units of the body's size in the image
    (:class:`Measures`). This keeps all motion, but neither its place nor its size in the image.

    Use :func:`poseglass.clips.view.person_view` for model input: it also corrects exchanged sides, as in training.

    Args:
        points: Human3.6M joints in any unit, such as pixels, (... f 17 2).
        scores: Their confidence, (... f 17). Joints with score 0 are interpolated between their neighbours in time.
    """
    points, pelvis, size, ever = measure(points, scores)
    body = np.where(ever, points - pelvis, 0)
    body[..., ROOT : ROOT + 1, :] = pelvis - np.median(pelvis, axis=-3, keepdims=True)
    return np.concatenate([np.clip(body / size, -FURTHEST, FURTHEST), scores[..., None]], -1).astype(np.float32)
