"""Select frames by their indices or by their scores."""

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass._shapes import Always, Indices
from poseglass.models import devices

__all__ = ["exact", "highest", "take"]


def take(x: Tensor, kept: Indices) -> Tensor:
    """Take the frames `kept` (b k) of `x` (b f ...): (b k ...)."""
    # Not len(x): torch.export would fix the number of clips to that of its example input.
    rows = torch.arange(x.shape[0], device=x.device)[:, None]
    return x[rows, kept]


def exact(x: Tensor) -> Tensor:
    """Numbers in float64, on the CPU if their own device has no float64."""
    return (x if devices.has_float64(x.device) else x.cpu()).double()


def highest(scores: Float[Tensor, "b f"], keep: int, always: Always = None) -> Indices:
    """Choose the `keep` frames with the highest scores, and return their indices in temporal order (b keep).

    If scores are equal, the earlier frame is kept.

    Args:
        scores: One score for each frame (b f). They are not changed.
        keep: Number of frames to keep.
        always: The index of a frame to keep regardless of its score: one for all clips, or one per clip (b).

    Example:
        >>> highest(torch.tensor([[0.1, 0.7, 0.7, 0.9]]), keep=2).tolist()
        [[1, 3]]
    """
    # Numbers are written without a copy from the CPU, for which a GPU would wait.
    if isinstance(always, Tensor):
        scores = scores.scatter(1, always.to(scores.device).long()[:, None], torch.inf)
    elif always is not None:
        scores = scores.clone()
        scores[:, always] = torch.inf
    order = scores.argsort(dim=1, descending=True, stable=True)
    return order[:, :keep].sort(dim=1).values
