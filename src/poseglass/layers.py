"""The building blocks of every model here: attention, mlp, stochastic depth, and the pre-norm block of them."""

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Attention", "Block", "CrossAttention", "Fusion", "Mlp", "StochasticDepth", "attention_received"]


def attend(
    query: Float[Tensor, "*b n c"], key: Float[Tensor, "*b m c"], value: Float[Tensor, "*b m c"], heads: int
) -> Float[Tensor, "*b n c"]:
    """Multi-head softmax attention of projected queries, keys and values; channels are split into (h, c / h)."""
    dtype = query.dtype
    query, key, value = (x.unflatten(-1, (heads, -1)).transpose(-3, -2) for x in (query, key, value))
    if query.requires_grad and dtype == torch.bfloat16 and query.device.type == "cpu":
        # torch's CPU kernel takes 20 times as long backwards in bfloat16 as in float32 (torch 2.13).
        query, key, value = query.float(), key.float(), value.float()
    # Autocast does not know the meta device, on which models are counted (poseglass.flops).
    with torch.autocast("cpu" if query.is_meta else query.device.type, enabled=False):
        out = F.scaled_dot_product_attention(query, key, value)
    return out.to(dtype).transpose(-3, -2).flatten(-2)


def attention_received(
    query: Float[Tensor, "*b n c"], key: Float[Tensor, "*b m c"], heads: int
) -> Float[Tensor, "*b m"]:
    """How much attention each of the m tokens receives: the mean of the attention map over heads and queries.

    It is for looking at, so no gradient comes back through it, and it is never coarser than float32.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    query, key = (x.detach().to(dtype).unflatten(-1, (heads, -1)).transpose(-3, -2) for x in (query, key))
    with torch.autocast(query.device.type, enabled=False):
        attention: Tensor = (query @ key.mT / key.shape[-1] ** 0.5).softmax(-1)
    return attention.mean((-3, -2))


class Attention(nn.Module):
    """Multi-head self-attention over the last axis but one, with one fused projection for query, key and value."""

    def __init__(self, dim: int, *, heads: int = 8, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=bias)
        self.proj = nn.Linear(dim, dim)

    def forward(
        self, x: Float[Tensor, "b n c"], received: list[Float[Tensor, "b n"]] | None = None
    ) -> Float[Tensor, "b n c"]:
        """Tokens (b n c) in, tokens (b n c) out; a list `received` gets what :func:`attention_received` says."""
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        if received is not None:
            received.append(attention_received(query, key, self.heads))
        out: Tensor = self.proj(attend(query, key, value, self.heads))
        return out


class CrossAttention(nn.Module):
    """Multi-head attention of queries to other tokens, each with a projection of its own."""

    def __init__(self, dim: int, *, heads: int = 8, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim, bias=bias)
        self.key = nn.Linear(dim, dim, bias=bias)
        self.value = nn.Linear(dim, dim, bias=bias)
        self.proj = nn.Linear(dim, dim)

    def forward(
        self,
        queries: Float[Tensor, "q n c"],
        x: Float[Tensor, "b m c"],
        values: Float[Tensor, "b m c"] | None = None,
        *,
        received: list[Float[Tensor, "b m"]] | None = None,
    ) -> Float[Tensor, "b n c"]:
        """Queries (1 n c), shared by all, or (b n c), to tokens (b m c), which are their own values if none are given.

        Shared queries are projected once, not once per clip. A list `received` gets what :func:`attention_received`
        says.
        """
        query, key = self.query(queries).expand(x.shape[0], -1, -1), self.key(x)
        if received is not None:
            received.append(attention_received(query, key, self.heads))
        out: Tensor = self.proj(attend(query, key, self.value(x if values is None else values), self.heads))
        return out


class Mlp(nn.Module):
    """Linear, GELU, Linear."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Each token (c) on its own."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class Fusion(nn.Module):
    """The mean of two streams with weights that each token chooses for itself (Zhu et al., MotionBERT, eq. 8).

    The streams count alike at initialisation.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.choose = nn.Linear(2 * dim, 2)
        nn.init.zeros_(self.choose.weight)
        nn.init.constant_(self.choose.bias, 0.5)

    def forward(self, first: Float[Tensor, "*b c"], second: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Tokens (... c) of both streams in, tokens (... c) out."""
        share: Tensor = self.choose(torch.cat([first, second], -1)).softmax(-1)
        return share[..., :1] * first + share[..., 1:] * second


class StochasticDepth(nn.Module):
    """Drops a residual branch for whole samples while training, and scales the rest to keep the mean.

    Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Float[Tensor, "b *rest"]) -> Float[Tensor, "b *rest"]:
        """The branch itself in evaluation and where the rate is 0."""
        if not self.training or self.rate == 0:
            return x
        keep = x.new_empty(x.shape[0], *(1,) * (x.ndim - 1)).bernoulli_(1 - self.rate)
        return x * keep / (1 - self.rate)


class Block(nn.Module):
    """Pre-norm transformer block over the last axis but one: x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, dim: int, hidden: int, *, heads: int = 8, bias: bool = True, eps: float = 1e-6, drop: float = 0):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = Attention(dim, heads=heads, bias=bias)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = Mlp(dim, hidden)
        self.drop = StochasticDepth(drop)

    def forward(
        self, x: Float[Tensor, "b n c"], received: list[Float[Tensor, "b n"]] | None = None
    ) -> Float[Tensor, "b n c"]:
        """Tokens (b n c) in, tokens (b n c) out; `received` is for :class:`Attention`."""
        x = x + self.drop(self.attn(self.norm1(x), received))
        out: Tensor = x + self.drop(self.mlp(self.norm2(x)))
        return out
