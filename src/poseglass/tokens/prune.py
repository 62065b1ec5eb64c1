"""Pruning strategies: which frames represent the clip. :data:`PRUNERS` lists them by name.

Still to come here: attention score (TPA) and motion (TPMo).
"""

from typing import final

import torch

from poseglass._shapes import Always, Indices, Pose2D, Tokens
from poseglass.tokens._base import Pruner
from poseglass.tokens.select import highest

__all__ = ["PRUNERS", "DensityPeaks", "Uniform"]


@final
class DensityPeaks(Pruner):
    """Keeps the density peaks of the frames' tokens: the paper's token pruning cluster, TPC (HoT, section 3.2).

    A frame scores high where many frames resemble it and none that stands denser is near. Frames are compared by
    the mean of their tokens, in float64 and by direct differences, so that ties (mutual nearest neighbours have the
    very same density) break by index and never by rounding: the same clip always keeps the same frames.

    Args:
        neighbours: How many nearest frames, itself included, make a frame's density.

    Example:
        >>> import torch
        >>> DensityPeaks()(torch.randn(1, 9, 17, 8), torch.zeros(1, 9, 17, 2), keep=3).shape
        torch.Size([1, 3])
    """

    def __init__(self, *, neighbours: int = 2) -> None:
        super().__init__()
        self.neighbours = neighbours

    @torch.no_grad()
    def forward(self, tokens: Tokens, pose2d: Pose2D, *, keep: int, always: Always = None) -> Indices:
        """See :class:`Pruner`."""
        frames = tokens.double().mean(dim=2)
        distance = torch.cdist(frames, frames, compute_mode="donot_use_mm_for_euclid_dist") / frames.shape[-1] ** 0.5
        nearest = distance.topk(min(self.neighbours, distance.shape[-1]), largest=False).values
        density = (-nearest.square().mean(-1)).exp()

        mine, other = density[:, :, None], density[:, None, :]
        index = torch.arange(tokens.shape[1], device=tokens.device)
        denser = (other > mine) | ((other == mine) & (index[None, :] < index[:, None]))
        separation = distance.masked_fill(~denser, torch.inf).amin(-1)
        separation = torch.where(separation.isinf(), distance.amax((1, 2))[:, None], separation)
        return highest(density * separation, keep, always)


@final
class Uniform(Pruner):
    """Keeps frames evenly spaced over the clip, the first and the last among them (H2OT's TPS)."""

    def forward(self, tokens: Tokens, pose2d: Pose2D, *, keep: int, always: Always = None) -> Indices:
        """See :class:`Pruner`."""
        batch, frames = tokens.shape[:2]
        # Integer arithmetic, rounding half up: no float decides which frame is kept.
        steps = torch.arange(keep, device=tokens.device)
        even = (2 * steps * (frames - 1) + keep - 1) // max(2 * (keep - 1), 1) if keep > 1 else steps + frames // 2
        kept = even.expand(batch, keep)
        if always is None:
            return kept
        place = torch.as_tensor(always, device=kept.device).expand(batch)[:, None]
        return kept.scatter(1, (kept - place).abs().argmin(1, keepdim=True), place)  # the nearest gives way


PRUNERS: dict[str, type[Pruner]] = {
    "density": DensityPeaks,
    "uniform": Uniform,
}
