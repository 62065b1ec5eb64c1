"""The models' building blocks: linear layers, attention, mlp, fusion, stochastic depth and the pre-norm block."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseglass.models import devices, kernels

__all__ = [
    "Attention",
    "Block",
    "CrossAttention",
    "Fusion",
    "Linear",
    "Mlp",
    "StochasticDepth",
    "attend",
    "attention_received",
]


@final
class Linear(nn.Linear):
    """``x @ weight.T + bias`` in the dtype of the weight or of autocast, with an optional activation.

    :func:`poseglass.to_bfloat16` casts layers of this class. :func:`poseglass.models.kernels.linear` does the work.

    Example:
        >>> Linear(4, 6)(torch.zeros(2, 4), then="gelu").shape
        torch.Size([2, 6])
    """

    def forward(self, x: Float[Tensor, "*b _"], *, then: kernels.Activation = "none") -> Float[Tensor, "*b c"]:
        """Map tokens (... channels in) to tokens (... channels out), then apply the activation."""
        return kernels.linear(self._cast(x), self.weight, self.bias, then)

    def parts(self, x: Float[Tensor, "*b _"], count: int) -> list[Float[Tensor, "*b c"]]:
        """The output, split into `count` contiguous tensors of equal width, each computed by its own product."""
        x = self._cast(x)
        biases = (None,) * count if self.bias is None else self.bias.chunk(count)
        return [kernels.linear(x, weight, bias) for weight, bias in zip(self.weight.chunk(count), biases, strict=True)]

    def _cast(self, x: Tensor) -> Tensor:
        return x if devices.autocast_enabled(x.device) else x.to(self.weight.dtype)


def attend(
    query: Float[Tensor, "b *n c"],
    key: Float[Tensor, "b *m c"],
    value: Float[Tensor, "b *m c"],
    heads: int,
    *,
    axis: int = 1,
) -> Float[Tensor, "b *n c"]:
    """Multi-head softmax attention of projected queries, keys and values, along one axis.

    Args:
        query: (b n c) or (b f s c). The channels are divided among the heads.
        key: Like `query`, but the attended axis may have another length.
        value: One for each key.
        heads: Number of heads.
        axis: The axis along which tokens attend to each other. Nothing mixes along the other axes.
    """
    shape = query.shape
    # First `usable`: a traced program must not depend on the number of clips of its example.
    single = kernels.usable(query) and axis == 1 and query.ndim == 4 and shape[0] == 1
    if single:  # with the slots as clips, heads are views even of a fused projection
        query, key, value = (x[0].transpose(0, 1) for x in (query, key, value))  # s f c
    with devices.autocast(query.device, enabled=False):
        out = kernels.attention(*(_by_head(x, heads, axis) for x in (query, key, value)))
    if single:
        return out.permute(2, 0, 1, 3).reshape(shape)  # b f s c
    return out.transpose(1, 2).reshape(shape)


def _by_head(x: Float[Tensor, "b *n c"], heads: int, axis: int) -> Float[Tensor, "_ h n _"]:
    """Move `axis` to the last place but one, and the heads before it. A view if `x` is contiguous."""
    width = x.shape[-1] // heads
    rows = x.flatten(0, axis - 1)
    return rows.reshape(*rows.shape[:2], -1, width).transpose(1, 2)


def attention_received(
    query: Float[Tensor, "b *n c"], key: Float[Tensor, "b *m c"], heads: int, *, axis: int = 1
) -> Float[Tensor, "_ m"]:
    """The attention that each token along `axis` receives: the mean over heads, querying tokens and slots.

    There is a row for each index along the axes before `axis`. It is computed in float32 or finer, without a gradient.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    query, key = (_by_head(x.detach().to(dtype), heads, axis) for x in (query, key))
    with devices.autocast(query.device, enabled=False):
        attention: Tensor = (query @ key.mT / key.shape[-1] ** 0.5).softmax(-1)
    return attention.mean((-3, -2))


class Attention(nn.Module):
    """Multi-head self-attention along one axis of the tokens, with one weight for queries, keys and values.

    Args:
        dim: Channels of a token.
        heads: Attention heads.
        bias: Whether the projection to queries, keys and values has a bias.
    """

    def __init__(self, dim: int, *, heads: int = 8, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = Linear(dim, 3 * dim, bias=bias)
        self.proj = Linear(dim, dim)

    def forward(
        self, x: Float[Tensor, "b *n c"], received: list[Float[Tensor, "_ n"]] | None = None, *, axis: int = 1
    ) -> Float[Tensor, "b *n c"]:
        """Mix tokens (b n c) or (b f s c) along `axis`, and append :func:`attention_received` to a list `received`."""
        # One product is up to 12% faster than three (benchmarks/products.py), but the heads of several clips along
        # frames would then be copied into order. Attention in bfloat16 copies them anyway. A GPU starts fewer kernels.
        last = axis == x.ndim - 2
        fast = kernels.usable(x, self.qkv.weight)
        whole = fast and (last or x.shape[0] == 1 or self.qkv.weight.dtype == torch.bfloat16)
        whole = whole or (last and x.device.type != "cpu")
        query, key, value = self.qkv(x).chunk(3, -1) if whole else self.qkv.parts(x, 3)
        if received is not None:
            received.append(attention_received(query, key, self.heads, axis=axis))
        out: Tensor = self.proj(attend(query, key, value, self.heads, axis=axis))
        return out


class CrossAttention(nn.Module):
    """Multi-head attention of queries to other tokens, with separate weights for queries, keys and values.

    Args:
        dim: Channels of a token.
        heads: Attention heads.
        bias: Whether the projections to queries, keys and values have biases.
    """

    def __init__(self, dim: int, *, heads: int = 8, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.query = Linear(dim, dim, bias=bias)
        self.key = Linear(dim, dim, bias=bias)
        self.value = Linear(dim, dim, bias=bias)
        self.proj = Linear(dim, dim)

    def forward(
        self,
        queries: Float[Tensor, "_ n c"],
        x: Float[Tensor, "b m *s c"],
        values: Float[Tensor, "b m *s c"] | None = None,
        *,
        received: list[Float[Tensor, "b m"]] | None = None,
    ) -> Float[Tensor, "b n *s c"]:
        """Let queries attend to tokens.

        Args:
            queries: (b n c), or (1 n c) for all clips. Shared queries are projected once, not once per clip.
            x: The tokens to attend to: (b m c), or (b m s c), where all slots share the queries and do not mix.
            values: The tokens that give the values, shaped like `x`; `x` itself if None.
            received: A list to which :func:`attention_received` is appended.
        """
        query, key = self.query(queries), self.key(x)
        if x.ndim == 4:
            query = query[:, :, None]  # b n 1 c
        query = query.expand(x.shape[0], -1, *x.shape[2:])
        if received is not None:
            received.append(attention_received(query, key, self.heads))
        out: Tensor = self.proj(attend(query, key, self.value(x if values is None else values), self.heads))
        return out


class Mlp(nn.Module):
    """Linear, GELU, Linear.

    Args:
        dim: Channels in and out.
        hidden: Channels in between.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = Linear(dim, hidden)
        self.fc2 = Linear(hidden, dim)

    def forward(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Map each token (c) independently."""
        out: Tensor = self.fc2(self.fc1(x, then="gelu"))
        return out


class Fusion(nn.Module):
    """The mean of two streams, weighted per token (Zhu et al., MotionBERT, eq. 8). The weights start equal.

    Args:
        dim: Channels of a token.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.choose = nn.Linear(2 * dim, 2)
        nn.init.zeros_(self.choose.weight)
        nn.init.constant_(self.choose.bias, 0.5)

    def forward(self, first: Float[Tensor, "*b c"], second: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Fuse tokens (... c) of both streams."""
        return kernels.fuse(first, second, self.choose.weight, self.choose.bias)


class StochasticDepth(nn.Module):
    """In training, drop a residual branch for whole samples and scale the rest to keep the mean.

    Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016.

    Args:
        rate: The probability of dropping a sample.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Float[Tensor, "b *n c"], *, axis: int = 1) -> Float[Tensor, "b *n c"]:
        """Drop from a branch (b n c) or (b f s c) that mixes along `axis`: all tokens along it are one sample."""
        if not self.training or self.rate == 0:
            return x
        samples = [1 if place in (axis, x.ndim - 1) else size for place, size in enumerate(x.shape)]
        keep = x.new_empty(samples).bernoulli_(1 - self.rate)
        return x * keep / (1 - self.rate)


class Block(nn.Module):
    """Pre-norm transformer block along one axis: x + attention(norm(x)), then x + mlp(norm(x)).

    Args:
        dim: Channels of a token.
        hidden: Hidden channels of the mlp.
        heads: Attention heads.
        bias: Whether the projection to queries, keys and values has a bias.
        eps: The epsilon of both norms.
        drop: The rate of stochastic depth.
    """

    def __init__(self, dim: int, hidden: int, *, heads: int = 8, bias: bool = True, eps: float = 1e-6, drop: float = 0):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = Attention(dim, heads=heads, bias=bias)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = Mlp(dim, hidden)
        self.drop = StochasticDepth(drop)

    def forward(
        self, x: Float[Tensor, "b *n c"], received: list[Float[Tensor, "_ n"]] | None = None, *, axis: int = 1
    ) -> Float[Tensor, "b *n c"]:
        """Mix tokens (b n c) or (b f s c) along `axis`; `received` is passed to :class:`Attention`."""
        x = kernels.add_branch(x, self.drop(self.attn(self.norm1(x), received, axis=axis), axis=axis))
        return kernels.add_branch(x, self.drop(self.mlp(self.norm2(x)), axis=axis))
