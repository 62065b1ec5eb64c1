"""Pruning strategies: the choice of the frames that represent a clip. :data:`PRUNERS` lists them by name."""

from typing import ClassVar, final

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

from poseglass._shapes import Always, Indices, Pose2D, Tokens
from poseglass.errors import ModelError
from poseglass.waist._base import Pruner
from poseglass.waist.select import highest

__all__ = ["PRUNERS", "AttentionScore", "DensityPeaks", "Motion", "Uniform"]


@final
class DensityPeaks(Pruner):
    """Keeps the density peaks of the frames' tokens: the paper's token pruning cluster, TPC (HoT, section 3.2).

    A frame scores high if many frames resemble it and no denser frame is near. Frames are compared by the mean of their
    tokens, in float64 and by direct differences. So ties, which are common because mutual nearest neighbours have
    equal density, break by index and never by rounding: the same clip always keeps the same frames.

    Args:
        neighbours: How many nearest frames make a frame's density, the frame itself included. The paper has 2.

    Raises:
        ModelError: `neighbours` is below 1.

    Example:
        >>> import torch
        >>> DensityPeaks()(torch.randn(1, 9, 17, 8), torch.zeros(1, 9, 17, 2), keep=3).shape
        torch.Size([1, 3])
    """

    def __init__(self, *, neighbours: int = 2) -> None:
        super().__init__()
        if neighbours < 1:
            raise ModelError(f"a density needs 1 neighbour or more (a frame is its own nearest), not {neighbours}")
        self.neighbours = neighbours
        self.config = {"neighbours": neighbours}

    @torch.no_grad()
    def forward(
        self,
        tokens: Tokens,
        pose2d: Pose2D,
        *,
        keep: int,
        always: Always = None,
        attention: Float[Tensor, "b f"] | None = None,
    ) -> Indices:
        """See :class:`Pruner`."""
        frames = tokens.mean(dim=2, dtype=torch.float64)
        distance = distances(frames) / frames.shape[-1] ** 0.5
        nearest = distance.topk(min(self.neighbours, distance.shape[-1]), largest=False).values
        density = (-nearest.square().mean(-1)).exp()

        mine, other = density[:, :, None], density[:, None, :]
        index = torch.arange(tokens.shape[1], device=tokens.device)
        denser = (other > mine) | ((other == mine) & (index[None, :] < index[:, None]))
        separation = distance.masked_fill(~denser, torch.inf).amin(-1)
        separation = torch.where(separation.isinf(), distance.amax((1, 2))[:, None], separation)
        return highest(density * separation, keep, always)


def distances(x: Float[Tensor, "b f c"]) -> Float[Tensor, "b f f"]:
    """Euclidean distances between the frames of each clip, by direct differences."""
    if torch.compiler.is_compiling():  # a graph cannot loop over an unknown number of clips
        return torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    # Each pair once and vectorised: about 15 times as fast as cdist.
    row, column = torch.triu_indices(x.shape[1], x.shape[1], 1, device=x.device)
    half = x.new_zeros(x.shape[0], x.shape[1], x.shape[1])
    half[:, row, column] = torch.stack([F.pdist(clip) for clip in x])
    return half + half.mT


@final
class AttentionScore(Pruner):
    """Keeps the frames that the previous layer attends to most: the papers' TPA (HoT's ablation; H2OT).

    The papers leave the reduction open. Here a frame's score is the attention that it receives as a key, after the
    softmax, in the temporal attention of the layer right before the pruning: the mean over heads, slots and querying
    frames (itself included). If a layer has several temporal attentions (MotionBERT's streams, MHFormer's hypotheses),
    the score is the mean over them. The scores of a clip add up to 1.

    Example:
        >>> import torch
        >>> received = torch.tensor([[0.1, 0.4, 0.1, 0.1, 0.3]])
        >>> AttentionScore()(torch.zeros(1, 5, 17, 8), torch.zeros(1, 5, 17, 2), keep=3, attention=received).tolist()
        [[0, 1, 4]]
    """

    needs_attention: ClassVar[bool] = True

    def forward(
        self,
        tokens: Tokens,
        pose2d: Pose2D,
        *,
        keep: int,
        always: Always = None,
        attention: Float[Tensor, "b f"] | None = None,
    ) -> Indices:
        """See :class:`Pruner`.

        Raises:
            ModelError: `attention` is missing.
        """
        if attention is None:
            raise ModelError(
                "AttentionScore ranks frames by the attention that they received; give attention=, (clips, frames)"
            )
        return highest(attention, keep, always)


@final
class Motion(Pruner):
    """Keeps the frames with the most motion since the frame before: H2OT's TPMo.

    A frame's score is the norm of its 2D pose minus the previous frame's, over joints and the coordinates x and y; the
    keypoints' scores do not count. The first frame scores 0. In later stages of a pyramid the previous frame is the
    previous *remaining* one, so that motion in dropped frames counts too.

    Example:
        >>> import torch
        >>> pose2d = torch.tensor([0.0, 0.0, 5.0, 6.0, 6.0])[None, :, None, None].expand(1, 5, 17, 2)
        >>> Motion()(torch.zeros(1, 5, 17, 8), pose2d, keep=3).tolist()
        [[0, 2, 3]]
    """

    @torch.no_grad()
    def forward(
        self,
        tokens: Tokens,
        pose2d: Pose2D,
        *,
        keep: int,
        always: Always = None,
        attention: Float[Tensor, "b f"] | None = None,
    ) -> Indices:
        """See :class:`Pruner`."""
        # In float64 the differences of float32 inputs are practically exact: equal steps tie, and ties break by index.
        steps = pose2d[..., :2].double().diff(dim=1).flatten(2)
        return highest(F.pad(torch.linalg.vector_norm(steps, dim=-1), (1, 0)), keep, always)


@final
class Uniform(Pruner):
    """Keeps frames evenly spaced over the clip, the first and the last among them (H2OT's TPS).

    The frame `always` replaces the nearest one, but never the first or the last. If only two frames are kept, the
    farther end stays.

    Example:
        >>> import torch
        >>> tokens, pose2d = torch.zeros(1, 9, 17, 8), torch.zeros(1, 9, 17, 2)
        >>> Uniform()(tokens, pose2d, keep=3).tolist(), Uniform()(tokens, pose2d, keep=3, always=1).tolist()
        ([[0, 4, 8]], [[0, 1, 8]])
    """

    def forward(
        self,
        tokens: Tokens,
        pose2d: Pose2D,
        *,
        keep: int,
        always: Always = None,
        attention: Float[Tensor, "b f"] | None = None,
    ) -> Indices:
        """See :class:`Pruner`."""
        batch, frames = tokens.shape[:2]
        # Integer arithmetic, rounding half up: no float decides which frame is kept.
        steps = torch.arange(keep, device=tokens.device)
        even = (2 * steps * (frames - 1) + keep - 1) // max(2 * (keep - 1), 1) if keep > 1 else steps + frames // 2
        kept = even.expand(batch, keep)
        if always is None:
            return kept
        place = torch.as_tensor(always, device=kept.device).expand(batch)[:, None]  # b 1
        distance = (kept - place).abs()  # b k
        if keep > 2:  # the first and the last frame stay, unless one of them is the frame itself
            ends = (steps == 0) | (steps == keep - 1)
            distance = distance + frames * (ends & (distance > 0))
        return kept.scatter(1, distance.argmin(1, keepdim=True), place)  # the nearest of the others gives way


PRUNERS: dict[str, type[Pruner]] = {
    "density": DensityPeaks,
    "attention": AttentionScore,
    "motion": Motion,
    "uniform": Uniform,
}
