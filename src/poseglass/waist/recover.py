"""Recoverers, which restore all frames from the kept ones. :data:`RECOVERERS` lists them by name."""

from typing import ClassVar, Literal, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from poseglass._shapes import Indices
from poseglass.errors import ModelError
from poseglass.models import kernels, layers
from poseglass.models.time_code import time_code
from poseglass.waist._base import Recoverer, Sizes
from poseglass.waist.select import take

__all__ = ["RECOVERERS", "Interpolate", "Nearest", "RecoveringAttention"]


@final
class RecoveringAttention(Recoverer):
    """Learned queries, one per frame, attend to each joint's kept tokens: the paper's token recovering attention, TRA.

    As in the paper (HoT, section 3.3): queries + proj(attention(queries, tokens)), with no norm and no mlp.

    Args:
        dim: Channels of the tokens.
        frames: Frames to recover. Each has a query, which is initially zero.
        heads: Attention heads; in the paper, as many as the backbone has.
        bias: Whether the projections of query, key and value have biases; in the paper, as in the backbone.

    Example:
        >>> import torch
        >>> recoverer = RecoveringAttention(dim=16, frames=27)
        >>> recoverer(torch.randn(1, 9, 17, 16), torch.arange(0, 27, 3)[None], frames=27).shape
        torch.Size([1, 27, 17, 16])
    """

    acts_on: ClassVar[Literal["tokens", "poses"]] = "tokens"
    time_parameters: ClassVar[tuple[str, ...]] = ("queries",)

    def __init__(self, *, dim: int, frames: int, heads: int = 8, bias: bool = True) -> None:
        super().__init__()
        self.dim, self.frames = dim, frames
        self.config = {"dim": dim, "frames": frames, "heads": heads, "bias": bias}
        self.queries = nn.Parameter(torch.zeros(1, frames, dim))
        self.attention = layers.CrossAttention(dim, heads=heads, bias=bias)

    @classmethod
    def for_backbone(cls, backbone: Sizes) -> "RecoveringAttention":
        """Build one with the backbone's channels, frames, heads and biases."""
        return cls(dim=backbone.dim, frames=backbone.frames, heads=backbone.heads, bias=backbone.bias)

    def fits(self, backbone: Sizes) -> str:
        """The reason why it does not fit a backbone: another number of frames or channels. Empty if it fits."""
        if (self.frames, self.dim) == (backbone.frames, backbone.dim):
            return ""
        return (
            f"it recovers {self.frames} frames of {self.dim} channels, and the backbone has {backbone.frames} frames "
            f"of {backbone.dim}"
        )

    @torch.no_grad()
    def init_sinusoidal(self) -> None:
        """Set queries to a time code, and key weights to query weights, so that frames first attend to near ones."""
        self.queries.copy_(time_code(self.frames, self.dim))
        self.attention.key.weight.copy_(self.attention.query.weight)

    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """See :class:`Recoverer`. `kept` is unused, because the tokens themselves encode their time.

        Raises:
            ModelError: It was built for another number of frames.
        """
        if frames != self.frames:
            raise ModelError(f"this RecoveringAttention recovers {self.frames} frames, not {frames}; build it anew")
        attended = self.attention(self.queries, x)
        return kernels.add_branch(self.queries[:, :, None].expand_as(attended), attended)


@final
class Interpolate(Recoverer):
    """Interpolate linearly in time between the poses of kept frames, and repeat the first and last ones (H2OT's TRI).

    Example:
        >>> import torch
        >>> x = torch.tensor([10.0, 40.0]).reshape(1, 2, 1, 1)
        >>> Interpolate()(x, torch.tensor([[1, 4]]), frames=6).flatten().tolist()
        [10.0, 10.0, 20.0, 30.0, 40.0, 40.0]
    """

    acts_on: ClassVar[Literal["tokens", "poses"]] = "poses"

    @classmethod
    def for_backbone(cls, backbone: Sizes) -> "Interpolate":
        """Build one; it fits any backbone."""
        return cls()

    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """See :class:`Recoverer`. The poses of kept frames are unchanged, bit for bit."""
        time, before, after = around(kept, frames)
        start, end = kept.gather(1, before), kept.gather(1, after)
        share = ((time - start) / (end - start).clamp(min=1)).clamp(0, 1).to(x.dtype)[..., None, None]
        first, last = take(x, before), take(x, after)
        return first + share * (last - first)


@final
class Nearest(Recoverer):
    """Give each frame the pose of the nearest kept frame; of two equally near, the earlier (HoT's ablation).

    Example:
        >>> import torch
        >>> x = torch.tensor([10.0, 40.0]).reshape(1, 2, 1, 1)
        >>> Nearest()(x, torch.tensor([[1, 5]]), frames=7).flatten().tolist()
        [10.0, 10.0, 10.0, 10.0, 40.0, 40.0, 40.0]
    """

    acts_on: ClassVar[Literal["tokens", "poses"]] = "poses"

    @classmethod
    def for_backbone(cls, backbone: Sizes) -> "Nearest":
        """Build one; it fits any backbone."""
        return cls()

    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """See :class:`Recoverer`. Every pose equals that of a kept frame, bit for bit."""
        time, before, after = around(kept, frames)
        earlier = time - kept.gather(1, before) <= kept.gather(1, after) - time
        return take(x, torch.where(earlier, before, after))


def around(kept: Indices, frames: int) -> tuple[Int[Tensor, "b f"], Int[Tensor, "b f"], Int[Tensor, "b f"]]:
    """For each frame: its index, and the places in `kept` of the nearest kept frames at or before and at or after it.

    Before the first kept frame, both are the first place; after the last, both are the last.
    """
    time = torch.arange(frames, device=kept.device).repeat(kept.shape[0], 1)
    after = torch.searchsorted(kept.contiguous(), time).clamp(max=kept.shape[1] - 1)
    before = torch.where(kept.gather(1, after) > time, (after - 1).clamp(min=0), after)
    return time, before, after


RECOVERERS: dict[str, type[Recoverer]] = {
    "attention": RecoveringAttention,
    "interpolate": Interpolate,
    "nearest": Nearest,
}
