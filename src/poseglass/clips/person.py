"""What a model sees of a person: gaps filled, joints measured in body sizes from the pelvis."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17

__all__ = ["fill_gaps", "pelvis_path", "person_coordinates"]


ROOT = H36M_17.index("pelvis")


def fill_gaps(points: Float[ndarray, "*b f j d"], known: ndarray) -> Float[ndarray, "*b f j d"]:
    """The points with unknown ones interpolated in time between the joint's known neighbours, ends held.

    Args:
        points: (... f j d); unknown ones may hold anything, NaN too.
        known: Which are known, boolean (... f j). A joint that is never known becomes 0.
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


def _pelvis(points: Float[ndarray, "*b f 17 2"], ever: ndarray) -> Float[ndarray, "*b f 1 2"]:
    """The pelvis of filled points; where it is never known, the mean of the joints that are."""
    mean = (points * ever).sum(-2, keepdims=True) / np.maximum(ever.sum(-2, keepdims=True), 1)
    return np.where(ever[..., ROOT : ROOT + 1, :], points[..., ROOT : ROOT + 1, :], mean)


def pelvis_path(points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]) -> Float[ndarray, "*b f 2"]:
    """Where the person is in every frame (... f 2): the origin of :func:`person_coordinates`.

    NaN throughout a clip in which nothing is known.
    """
    known = scores > 0
    ever = np.any(known, axis=-2, keepdims=True)[..., None]
    path = _pelvis(fill_gaps(points, known), ever)[..., 0, :]
    return np.where(ever.any((-3, -2, -1))[..., None, None], path, np.nan)


def person_coordinates(
    points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]
) -> Float[ndarray, "*b f 17 3"]:
    """What a poseglass model sees of clips of 2D poses: x, y, score, (... f 17 3) float32.

    Pixels say little: the same motion may be small or large, left or right in the image. So joints are taken relative
    to the pelvis of their frame, the pelvis relative to its median over the clip, both in units of the body's size in
    the image (the clip's median of the joints' root mean square distance from the pelvis). Nothing of the motion is
    lost; where in the image it happens, and how large, is.

    Args:
        points: Human3.6M joints, in pixels or any other unit, (... f 17 2).
        scores: Their confidence, (... f 17). Joints of score 0 are filled in between their neighbours in time.
    """
    known = scores > 0
    ever = np.any(known, axis=-2, keepdims=True)[..., None]  # ... 1 j 1
    points = fill_gaps(points, known)
    pelvis = _pelvis(points, ever)
    body = np.where(ever, points - pelvis, 0)
    spread = np.sqrt((body**2).sum((-1, -2)) / np.maximum(ever.sum((-1, -2)), 1))
    size = np.maximum(np.median(spread, axis=-1), 1e-9)[..., None, None, None]
    body[..., ROOT : ROOT + 1, :] = pelvis - np.median(pelvis, axis=-3, keepdims=True)
    return np.concatenate([np.clip(body / size, -30, 30), scores[..., None]], -1).astype(np.float32)
