"""Picking frames: the only gather in the code base, and the choice of the highest scores."""

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass._shapes import Always, Indices

__all__ = ["highest", "take"]


def take(x: Tensor, kept: Indices) -> Tensor:
    """The frames `kept` (b k) of `x` (b f ...): (b k ...)."""
    # Not len(x): a program that torch.export makes would be for as many clips as its example.
    rows = torch.arange(x.shape[0], device=x.device)[:, None]
    return x[rows, kept]


def highest(scores: Float[Tensor, "b f"], keep: int, always: Always = None) -> Indices:
    """The `keep` frames of highest score, sorted in time (b keep); of equal scores the earlier frame is kept.

    The frame `always`, one for all clips or one for each (b), is kept whatever its score.
    """
    if always is not None:
        scores = scores.clone()
        scores[torch.arange(scores.shape[0], device=scores.device), always] = torch.inf
    order = scores.argsort(dim=1, descending=True, stable=True)
    return order[:, :keep].sort(dim=1).values
