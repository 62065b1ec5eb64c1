"""Initial weights that learn fast.

As published, joint and time embeddings and the recovering queries start at zero: all frames of a joint get the same
pose at first, and it takes some thousand steps until they part. Here they start out different, so training begins
with poses that follow the input.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from poseglass.models import MixSTE
from poseglass.waist.hourglass import Hourglass, Model, backbone_of
from poseglass.waist.recover import CrossAttention

__all__ = ["lengthened", "sinusoidal", "time_code"]


def time_code(frames: int, dim: int) -> Tensor:
    """Sines and cosines of the frame's number (1 frames dim), wavelengths from 6 to 6000 frames.

    Vaswani et al. 2017, section 3.5, with a base that fits clips.
    """
    rates = torch.exp(-math.log(1000.0) * torch.arange(dim // 2) / (dim // 2))
    angles = torch.arange(frames)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)[None]


@torch.no_grad()
def sinusoidal(model: Model) -> None:
    """Distinct joints, a time code in frames and queries alike, and queries that look for frames near their own."""
    backbone = backbone_of(model)
    if isinstance(backbone, MixSTE):
        backbone.joint_embedding.normal_(0, 0.5)
        backbone.time_embedding.copy_(time_code(backbone.frames, backbone.dim))
        backbone.head_project.weight.mul_(0.1)  # poses begin near the pelvis, not a metre off
    if isinstance(model, Hourglass) and isinstance(model.recoverer, CrossAttention):
        model.recoverer.queries.copy_(time_code(model.frames, model.backbone.dim))
        model.recoverer.attention.key.weight.copy_(model.recoverer.attention.query.weight)


def lengthened(state: Mapping[str, Tensor], model: Model) -> dict[str, Tensor]:
    """Weights of a model for clips of another length, made to fit this one.

    What was learned of the first frames stays; the frames beyond go on in the time code. Embeddings of the kept frames
    are stretched. Everything else is taken as it is, as are the weights of other backbones than MixSTE, whose
    embeddings begin without a time code.
    """
    backbone = backbone_of(model)
    if not isinstance(backbone, MixSTE):
        return dict(state)
    own = model.state_dict()
    fitted = dict(state)
    for name, value in state.items():
        if name not in own or value.ndim < 3 or value.shape[1] == own[name].shape[1]:
            continue
        frames, before, dim = own[name].shape[1], value.shape[1], value.shape[-1]
        if name.endswith(("time_embedding", "queries")):
            learned = (value - time_code(before, dim))[:, torch.arange(frames).clamp(max=before - 1)]
            fitted[name] = time_code(frames, dim) + learned
        elif "kept_embedding" in name:
            flat = F.interpolate(value.flatten(2).mT, frames, mode="linear", align_corners=True)
            fitted[name] = flat.mT.unflatten(2, value.shape[2:])
    return fitted
