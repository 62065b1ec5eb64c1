"""Person coordinates: joints relative to the pelvis, in units of the body's size in the image."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from poseglass.body.skeleton import H36M_17

__all__ = ["Measures", "fill_gaps", "measure", "median", "pelvis_path", "person_coordinates"]

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

    points: Float[Tensor, "*b f 17 2"]
    pelvis: Float[Tensor, "*b f 1 2"]
    size: Float[Tensor, "*b 1 1 1"]
    ever: Bool[Tensor, "*b 1 17 1"]


def fill_gaps(points: Float[Tensor, "*b f j _"], known: Bool[Tensor, "*b f j"]) -> Float[Tensor, "*b f j _"]:
    """Interpolate unknown points in time between the joint's known neighbours; repeat the first and last known ones.

    Args:
        points: (... f j 2) or (... f j 3). Unknown points may have any value, including NaN.
        known: Which points are known (... f j). A joint that is never known becomes 0.

    Example:
        >>> points = torch.tensor([1.0, torch.nan, 3.0, torch.nan])[:, None, None]
        >>> fill_gaps(points, points.isfinite()[..., 0])[:, 0, 0].tolist()
        [1.0, 2.0, 3.0, 3.0]
    """
    frames = points.shape[-3]
    time = torch.arange(frames, device=points.device)[:, None]
    before = torch.where(known, time, -1).cummax(-2).values
    after = torch.where(known, time, frames).flip(-2).cummin(-2).values.flip(-2)
    before, after = torch.where(before < 0, after, before), torch.where(after >= frames, before, after)
    share = (time - before).to(points.dtype) / (after - before).clamp(min=1)
    points = points.where(known[..., None], 0)

    def at(frame: Tensor) -> Tensor:
        return points.gather(-3, frame.clamp(0, frames - 1)[..., None].expand(points.shape))

    first, last = at(before), at(after)
    ever = known.any(-2, keepdim=True)[..., None]
    return (first + share[..., None] * (last - first)).where(ever, 0)


def measure(points: Float[Tensor, "*b f 17 2"], scores: Float[Tensor, "*b f 17"]) -> Measures:
    """Fill gaps, and measure the person's position and size.

    Args:
        points: Human3.6M joints in any unit, such as pixels, (... f 17 2).
        scores: Their confidence (... f 17); joints with score 0 are unknown.
    """
    known = scores > 0
    ever = known.any(-2, keepdim=True)[..., None]  # ... 1 17 1
    points = fill_gaps(points, known)
    count = ever.sum(-2, keepdim=True).clamp(min=1)
    mean = (points * ever).sum(-2, keepdim=True) / count
    pelvis = points[..., ROOT : ROOT + 1, :].where(ever[..., ROOT : ROOT + 1, :], mean)
    body = (points - pelvis).where(ever, 0)
    spread = ((body**2).sum((-1, -2)) / count[..., 0, 0]).sqrt()  # ... f
    size = median(spread, -1).clamp(min=1e-9)[..., None, None]
    return Measures(points, pelvis, size, ever)


def median(values: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    """The median along a dimension, which stays with length 1: for an even count, the mean of the middle two."""
    ordered, count = values.sort(dim).values, values.shape[dim]
    return (ordered.narrow(dim, (count - 1) // 2, 1) + ordered.narrow(dim, count // 2, 1)) / 2


def pelvis_path(points: Float[Tensor, "*b f 17 2"], scores: Float[Tensor, "*b f 17"]) -> Float[Tensor, "*b f 2"]:
    """The person's pelvis in every frame (... f 2), as in :class:`Measures`.

    All NaN for a clip in which no joint is known.
    """
    person = measure(points, scores)
    anybody = person.ever.flatten(-3).any(-1)[..., None, None]
    return person.pelvis[..., 0, :].where(anybody, torch.nan)


def person_coordinates(
    points: Float[Tensor, "*b f 17 2"], scores: Float[Tensor, "*b f 17"]
) -> Float[Tensor, "*b f 17 3"]:
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
    body = (points - pelvis).where(ever, 0)
    path = pelvis - median(pelvis, -3)
    body = torch.cat([path, body[..., ROOT + 1 :, :]], -2)  # the root is the first joint
    return torch.cat([(body / size).clamp(-FURTHEST, FURTHEST), scores[..., None]], -1).float()
