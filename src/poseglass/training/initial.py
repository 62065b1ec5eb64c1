"""Initial weights that learn fast.

As published, joint and time embeddings and the recovering queries start at zero: all frames of a joint get the same
pose at first, and it takes some thousand steps until they part. Here they start out different, so training begins
with poses that follow the input.
"""

import math

import torch
from torch import Tensor, nn

from poseglass.models import MixSTE
from poseglass.tokens import CrossAttention
from poseglass.waist import Hourglass

__all__ = ["sinusoidal", "time_code"]


def time_code(frames: int, dim: int) -> Tensor:
    """Sines and cosines of the frame's number (1 frames dim), wavelengths from 6 to 6000 frames.

    Vaswani et al. 2017, section 3.5, with a base that fits clips.
    """
    rates = torch.exp(-math.log(1000.0) * torch.arange(dim // 2) / (dim // 2))
    angles = torch.arange(frames)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)[None]


@torch.no_grad()
def sinusoidal(model: nn.Module) -> None:
    """Distinct joints, a time code in frames and queries alike, and queries that look for frames near their own."""
    backbone = model.backbone if isinstance(model, Hourglass) else model
    if isinstance(backbone, MixSTE):
        backbone.joint_embedding.normal_(0, 0.5)
        backbone.time_embedding.copy_(time_code(backbone.frames, backbone.dim))
        backbone.head_project.weight.mul_(0.1)  # poses begin near the pelvis, not a metre off
    if isinstance(model, Hourglass) and isinstance(model.recoverer, CrossAttention):
        model.recoverer.queries.copy_(time_code(model.frames, model.backbone.dim))
        model.recoverer.attention.key.weight.copy_(model.recoverer.attention.query.weight)
