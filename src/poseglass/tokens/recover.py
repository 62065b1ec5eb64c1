"""Recovering strategies: full length from the kept frames. :data:`RECOVERERS` lists them by name.

Still to come here: nearest.
"""

from collections.abc import Callable
from typing import ClassVar, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseglass import layers
from poseglass._shapes import Indices
from poseglass.tokens._base import Recoverer
from poseglass.tokens.select import take

__all__ = ["RECOVERERS", "CrossAttention", "Interpolate"]


@final
class CrossAttention(Recoverer):
    """Learned queries, one per frame, attend to the kept tokens of their joint: token recovering attention, TRA.

    The paper's way (HoT, section 3.3): queries + proj(attention(queries, tokens)), with no norm and no mlp.

    Args:
        dim: Channels of the tokens.
        frames: Frames to recover, one query each, zero at initialisation.
        heads: Attention heads, as many as the backbone's.
        bias: Whether the projections of query, key and value have one, as the backbone's.
    """

    acts_on: ClassVar[Literal["tokens", "poses"]] = "tokens"

    def __init__(self, *, dim: int, frames: int, heads: int = 8, bias: bool = True) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.zeros(1, frames, dim))
        self.attention = layers.CrossAttention(dim, heads=heads, bias=bias)

    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """See :class:`Recoverer`; where the kept frames lie is for the tokens themselves to say."""
        per_joint = x.transpose(1, 2).flatten(0, 1)  # (b s) k c
        out: Tensor = self.queries + self.attention(self.queries, per_joint)
        per_clip: Tensor = out.unflatten(0, (len(x), -1)).transpose(1, 2)
        return per_clip


@final
class Interpolate(Recoverer):
    """Linear interpolation in time between the poses of the kept frames; the ends are held (H2OT's TRI)."""

    acts_on: ClassVar[Literal["tokens", "poses"]] = "poses"

    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """See :class:`Recoverer`. A kept frame's pose comes through bit for bit."""
        time = torch.arange(frames, device=x.device).expand(len(x), frames)
        after = torch.searchsorted(kept.contiguous(), time.contiguous()).clamp(max=kept.shape[1] - 1)
        before = torch.where(kept.gather(1, after) > time, (after - 1).clamp(min=0), after)
        start, end = kept.gather(1, before), kept.gather(1, after)
        share = ((time - start) / (end - start).clamp(min=1)).clamp(0, 1).to(x.dtype)[..., None, None]
        first, last = take(x, before), take(x, after)
        return first + share * (last - first)


# How each recoverer is made for a backbone: from its channels, frames, heads and whether its attention has biases.
RECOVERERS: dict[str, Callable[[int, int, int, bool], Recoverer]] = {
    "attention": lambda dim, frames, heads, bias: CrossAttention(dim=dim, frames=frames, heads=heads, bias=bias),
    "interpolate": lambda dim, frames, heads, bias: Interpolate(),
}
