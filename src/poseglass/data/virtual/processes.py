"""Random processes in time that the simulated detectors share: spells, and noise with a memory."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from poseglass.data.virtual.draws import Draws

__all__ = ["remember", "spells"]

SPELL_PERIOD = 81  # frames that may contain one spell of each kind


def spells(draws: Draws, count: int, frames: int, chance: float, longest: int) -> Bool[Tensor, "b f"]:
    """Mark spells (b f): in every 81 frames, with the given chance, one stretch of up to `longest` frames is True.

    A spell may start before the first frame.

    Example:
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> [*spells(TorchDraws(torch.Generator().manual_seed(0)), 3, 81, 0.5, 20).shape]
        [3, 81]
    """
    time = torch.arange(frames, device=draws.device)
    hit = torch.zeros(count, frames, dtype=torch.bool, device=draws.device)
    for _ in range(max(frames // SPELL_PERIOD, 1)):
        start = draws.integers(-longest // 2, frames, count)[:, None]
        length = draws.integers(1, longest + 1, count)[:, None]
        hit |= draws.chance(chance, count)[:, None] & (time >= start) & (time < start + length)
    return hit


def remember(white: Float[Tensor, "b f ..."], memory: Float[Tensor, "..."]) -> Float[Tensor, "b f ..."]:
    """Correlate unit noise from frame to frame: a first-order autoregressive process of unit variance.

    Args:
        white: Independent unit noise (b f ...).
        memory: The correlation of neighbouring frames (b ...), of any shape that broadcasts to one frame.

    Example:
        >>> [round(number, 2) for number in remember(torch.ones(1, 3), torch.tensor([0.6]))[0].tolist()]
        [1.0, 1.4, 1.64]
    """
    fresh = (white * (1 - memory**2).sqrt()[:, None]).unbind(1)
    noise = [white[:, 0]]
    for innovation in fresh[1:]:
        noise.append(torch.addcmul(innovation, memory, noise[-1]))
    return torch.stack(noise, 1)
