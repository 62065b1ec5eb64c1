"""The time code, which makes the frames of a clip distinct before anything is learned."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["BASE", "time_code"]

# The ratio of the longest to the shortest wavelength. Vaswani et al. use 10,000, for texts of thousands of words. With
# 1000, wavelengths run from 6 (2 pi) to about 6000 frames, and a clip of 27 to 351 frames covers a good part of these.
BASE = 1000.0


def time_code(frames: int, dim: int) -> Float[Tensor, "1 f c"]:
    """Sines and cosines of the frame index (1 f c), with wavelengths from 6 to about 6000 frames.

    The first half of the channels holds sines, the second half cosines of the same angles (Vaswani et al. 2017,
    "Attention Is All You Need", section 3.5, with another base).

    Args:
        frames: Frames of the clip.
        dim: Channels.

    Example:
        >>> time_code(2, 4)[0, 1].tolist()  # sin(1), sin(1 / sqrt(1000)), cos(1), cos(1 / sqrt(1000))
        [0.841..., 0.0316..., 0.540..., 0.999...]
    """
    half = (dim + 1) // 2
    rates = torch.exp(-math.log(BASE) * torch.arange(half) / half)
    angles = torch.arange(frames)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)[None, :, :dim]
