"""Pruners, which choose the frames to keep. :data:`PRUNERS` lists them by name."""

from typing import ClassVar, final

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

from poseglass._shapes import Always, Indices, Pose2D, Tokens
from poseglass.errors import ModelError
from poseglass.models import devices
from poseglass.waist._base import Pruner
from poseglass.waist.select import exact, highest

__all__ = ["PRUNERS", "AttentionScore", "DensityPeaks", "Motion", "Uniform"]


@final
class DensityPeaks(Pruner):
    """Keep the density peaks of the frames' tokens: the paper's token pruning cluster, TPC (HoT, section 3.2).

    A frame scores high if its nearest frames are close and every denser frame is far away. Frames are compared by the
    mean of their tokens, in float64, with distances that are symmetric to the bit. Ties (mutual nearest neighbours have
    equal density) are therefore broken by index and never by rounding: the same clip always keeps the same frames. On
    devices without float64, this is computed on the CPU.

    Args:
        neighbours: Number of nearest frames, the frame itself included, that determine its density.

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
            raise ModelError(f"neighbours should be 1 or more (a frame is its own nearest neighbour), not {neighbours}")
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
        # The mean of a single slot is the slot itself, and a copy is faster than a sum.
        slots = tokens if devices.has_float64(tokens.device) else tokens.cpu()
        single = slots.shape[2] == 1
        frames = slots[:, :, 0].to(torch.float64, copy=True) if single else slots.mean(dim=2, dtype=torch.float64)
        distance = distances(frames) / frames.shape[-1] ** 0.5
        nearest = distance.topk(min(self.neighbours, distance.shape[-1]), largest=False).values
        density = (-nearest.square().mean(-1)).exp()

        # Rank frames by descending density; of equal ones, the earlier comes first.
        rank = density.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        lesser = rank[:, None, :] >= rank[:, :, None]
        separation = distance.masked_fill(lesser, torch.inf).amin(-1)
        separation = torch.where(rank == 0, distance.amax((1, 2))[:, None], separation)
        return highest(density * separation, keep, always).to(tokens.device)


def distances(x: Float[Tensor, "b f c"]) -> Float[Tensor, "b f f"]:
    """Euclidean distances between the frames of each clip, symmetric to the bit. It may overwrite `x`."""
    # A graph cannot loop over an unknown number of clips, and a GPU would wait for the start of each clip's kernels.
    if torch.compiler.is_compiling() or x.device.type != "cpu":
        return torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    # With fewer channels, differences take at most a millisecond (benchmarks/products.py).
    form = distances_by_products if x.shape[-1] >= 1024 else distances_by_differences
    return torch.stack([form(clip) for clip in x])


def distances_by_differences(x: Float[Tensor, "f c"]) -> Float[Tensor, "f f"]:
    """The plain form. Equal frames have distance 0, and equal distances to any other frame."""
    half = x.new_zeros(len(x), len(x))
    row, column = torch.triu_indices(len(x), len(x), 1)
    half[row, column] = F.pdist(x)  # each pair once
    return half + half.mT


def distances_by_products(x: Float[Tensor, "f c"]) -> Float[Tensor, "f f"]:
    """The fast form, for float64: |a - b|^2 = |a|^2 + |b|^2 - 2 ab. It takes half the time.

    If any pair loses six or more digits to cancellation, because two frames are equal or nearly so, the plain form
    runs. The first frame is subtracted from `x` in place, because fetching new memory takes longer than the sums.
    """
    x -= x[:1].clone()
    products = x.new_zeros(len(x), len(x))
    rows = -(-len(x) // 4)
    for start in range(0, len(x), rows):  # four bands from the diagonal to the right: 5/8 of the matrix
        torch.mm(x[start : start + rows], x[start:].T, out=products[start : start + rows, start:])
    squares = products.diagonal()
    scale = squares[:, None] + squares
    half = torch.add(scale, products, alpha=-2).triu(1)
    if bool((half < 1e-6 * scale.triu(1)).any()):
        return distances_by_differences(x)
    return (half + half.mT).sqrt()


@final
class AttentionScore(Pruner):
    """Keep the frames to which the previous layer attends most: the papers' TPA (HoT's ablation; H2OT).

    The papers do not say how attention is reduced to a score. Here a frame's score is the attention it receives as a
    key, after the softmax, in the temporal attention of the layer before pruning: the mean over heads, querying frames
    (itself included) and slots. If the layer has several temporal attentions (MotionBERT's streams, MHFormer's
    hypotheses), their scores are averaged. The scores of a clip add up to 1.

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
                "AttentionScore ranks frames by the attention they received; pass it as attention=, of shape (b f)"
            )
        return highest(exact(attention), keep, always).to(attention.device)


@final
class Motion(Pruner):
    """Keep the frames that moved most since the preceding frame: H2OT's TPMo.

    A frame's score is the distance of its 2D pose from the preceding one: the norm over the joints' x and y. Keypoint
    scores are ignored, and the first frame scores 0. In later stages of a pyramid, the preceding frame is the preceding
    *kept* frame, so motion in dropped frames counts too.

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
        # In float64, differences of float32 inputs are almost exact, so equal steps tie, and ties are broken by index.
        steps = exact(pose2d[..., :2]).diff(dim=1).flatten(2)
        return highest(F.pad(torch.linalg.vector_norm(steps, dim=-1), (1, 0)), keep, always).to(pose2d.device)


@final
class Uniform(Pruner):
    """Keep evenly spaced frames, including the first and the last (H2OT's TPS).

    The frame `always` replaces the nearest kept frame, but not the first or the last. If only two frames are kept, it
    replaces the nearer one.

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
        if keep > 2:  # the first and the last frame are never replaced
            ends = (steps == 0) | (steps == keep - 1)
            distance = distance + frames * (ends & (distance > 0))
        return kept.scatter(1, distance.argmin(1, keepdim=True), place)


PRUNERS: dict[str, type[Pruner]] = {
    "density": DensityPeaks,
    "attention": AttentionScore,
    "motion": Motion,
    "uniform": Uniform,
}
