"""The building blocks of every model here: attention, mlp, stochastic depth, and the pre-norm block of them."""

from typing import Any, Literal, final

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.flop_counter import flop_registry

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

# Whether oneDNN is there, and the wide registers that its kernels are made for.
WIDE = torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
if WIDE:  # for whoever counts FLOPs with torch, which has no formula of its own
    flop_registry.setdefault(
        torch.ops.mkldnn._linear_pointwise, lambda x, weight, *_, out_val, **__: 2 * x.numel() * weight.shape[0]
    )
MAP = 1 << 20  # numbers of attention maps that are held at once, so many that they stay in the cache


def _plain(*tensors: Tensor) -> bool:
    """Whether these are plain tensors on the CPU, and only the result is asked for: no gradient, graph or autocast."""
    return (
        all(type(x) in (Tensor, nn.Parameter) and x.device.type == "cpu" for x in tensors)
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and torch._C._get_tracing_state() is None
    )


@final
class Linear(nn.Linear):
    """``x @ weight.T + bias`` in the dtype of the weight.

    Where nothing is learned, on processors with AVX-512, oneDNN does it: in float32 it is faster than the library that
    torch asks (docs/hourglass.md has by how much), and with a bias or GELU it is still one pass.
    """

    _packed: tuple[int, list[Tensor]] = (-1, [])

    def forward(self, x: Float[Tensor, "*b c"], *, then: Literal["none", "gelu"] = "none") -> Float[Tensor, "*b d"]:
        """Tokens (... c) in, tokens (... d) out, and GELU of them where `then` says so."""
        return self.parts(x, 1, then=then)[0]

    def parts(self, x: Float[Tensor, "*b c"], count: int, *, then: Literal["none", "gelu"] = "none") -> list[Tensor]:
        """The output cut into `count` tensors of the same width, each computed as one of its own."""
        if not torch.is_autocast_enabled("cpu"):
            x = x.to(self.weight.dtype)
        weights = self.weight.chunk(count)
        biases = (None,) * count if self.bias is None else self.bias.chunk(count)
        if WIDE and x.dtype in (torch.float32, torch.bfloat16) and _plain(x, self.weight):
            version, packed = self._packed
            ready = packed if len(packed) == count and version == self.weight._version else weights
            product = torch.ops.mkldnn._linear_pointwise
            return [product(x, weight, bias, then, [], "none") for weight, bias in zip(ready, biases, strict=True)]
        out = [F.linear(x, weight, bias) for weight, bias in zip(weights, biases, strict=True)]
        return [F.gelu(part) for part in out] if then == "gelu" else out

    def pack(self, count: int = 1) -> None:
        """Lay a copy of the weights out as oneDNN wants them, for :meth:`parts` of this `count`, in evaluation.

        It takes as much memory again, and serves until the weights change or are copied.
        """
        if WIDE and self.weight.device.type == "cpu" and not self.weight.is_inference():  # those count no changes
            parts = self.weight.detach().chunk(count)
            packed = [torch.ops.mkldnn._reorder_linear_weight(part.contiguous()) for part in parts]
            self._packed = (self.weight._version, packed)

    def packed_bytes(self) -> int:
        """What the copy takes."""
        return sum(part.numel() * part.element_size() for part in self._packed[1])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_packed"}


def attend(
    query: Float[Tensor, "b *n c"],
    key: Float[Tensor, "b *m c"],
    value: Float[Tensor, "b *m c"],
    heads: int,
    *,
    axis: int = 1,
) -> Float[Tensor, "b *n c"]:
    """Multi-head softmax attention of projected queries, keys and values; channels are split into (h, c / h).

    Args:
        query: (b n c), or (b f s c).
        key: The same, of as many tokens or others.
        value: Of the tokens of `key`.
        heads: How many.
        axis: The axis whose tokens attend to each other; each place along the other axes is on its own.
    """
    dtype = query.dtype
    shape, (query, key, value) = query.shape, (_by_head(x, heads, axis) for x in (query, key, value))
    if query.requires_grad and dtype == torch.bfloat16 and query.device.type == "cpu":
        # torch's CPU kernel takes 20 times as long backwards in bfloat16 as in float32 (torch 2.13).
        query, key, value = query.float(), key.float(), value.float()
    # Autocast does not know the meta device, on which models are counted (poseglass.cost.flops).
    with torch.autocast("cpu" if query.is_meta else query.device.type, enabled=False):
        if WIDE and dtype == torch.bfloat16 and _plain(query):
            out = _by_map(query, key, value)
        else:
            out = F.scaled_dot_product_attention(query, key, value)
    return out.to(dtype).transpose(1, 2).reshape(shape)


def _by_head(x: Float[Tensor, "b *n c"], heads: int, axis: int) -> Float[Tensor, "r h n d"]:
    """A view in which the tokens along `axis` come last but one: rows, heads of all the places after it, tokens."""
    width = x.shape[-1] // heads
    rows = x.flatten(0, axis - 1)
    return rows.reshape(*rows.shape[:2], -1, width).transpose(1, 2)


def _by_map(
    query: Float[Tensor, "r h n d"], key: Float[Tensor, "r h m d"], value: Float[Tensor, "r h m d"]
) -> Float[Tensor, "r h n d"]:
    """Attention by two plain products, some maps at a time: in bfloat16 1.5 times as fast as torch's one kernel."""
    shape, scale, nothing = query.shape, query.shape[-1] ** -0.5, query.new_empty(())
    maps = max(MAP // (query.shape[2] * key.shape[2]), 1)
    parts = zip(*(x.flatten(0, 1).split(maps) for x in (query, key, value)), strict=True)
    out = [torch.baddbmm(nothing, q, k.mT, beta=0, alpha=scale).softmax(-1) @ v for q, k, v in parts]
    return (out[0] if len(out) == 1 else torch.cat(out)).view(shape)


def attention_received(
    query: Float[Tensor, "b *n c"], key: Float[Tensor, "b *m c"], heads: int, *, axis: int = 1
) -> Float[Tensor, "r m"]:
    """How much attention each of the m tokens along `axis` receives: the mean of the map over all but rows and tokens.

    A row is a place along the axes before `axis`. It is for looking at, so no gradient comes back through it, and it
    is never coarser than float32.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    query, key = (_by_head(x.detach().to(dtype), heads, axis) for x in (query, key))
    with torch.autocast(query.device.type, enabled=False):
        attention: Tensor = (query @ key.mT / key.shape[-1] ** 0.5).softmax(-1)
    return attention.mean((-3, -2))


class Attention(nn.Module):
    """Multi-head self-attention along one axis of the tokens, with one fused weight for query, key and value."""

    def __init__(self, dim: int, *, heads: int = 8, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = Linear(dim, 3 * dim, bias=bias)
        self.proj = Linear(dim, dim)

    def forward(
        self, x: Float[Tensor, "b *n c"], received: list[Float[Tensor, "r n"]] | None = None, *, axis: int = 1
    ) -> Float[Tensor, "b *n c"]:
        """Tokens (b n c) or (b f s c) in and out, as :func:`attend` mixes them.

        A list `received` gets what :func:`attention_received` says.
        """
        # Three products and not one: then no axis has to be moved, for tokens along any axis are a view of each.
        query, key, value = self.qkv.parts(x, 3)
        if received is not None:
            received.append(attention_received(query, key, self.heads, axis=axis))
        out: Tensor = self.proj(attend(query, key, value, self.heads, axis=axis))
        return out


class CrossAttention(nn.Module):
    """Multi-head attention of queries to other tokens, each with a projection of its own."""

    def __init__(self, dim: int, *, heads: int = 8, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.query = Linear(dim, dim, bias=bias)
        self.key = Linear(dim, dim, bias=bias)
        self.value = Linear(dim, dim, bias=bias)
        self.proj = Linear(dim, dim)

    def forward(
        self,
        queries: Float[Tensor, "q n c"],
        x: Float[Tensor, "b m *s c"],
        values: Float[Tensor, "b m *s c"] | None = None,
        *,
        received: list[Float[Tensor, "b m"]] | None = None,
    ) -> Float[Tensor, "b n *s c"]:
        """Queries (1 n c), shared by all, or (b n c), to tokens (b m c), which are their own values if none are given.

        Tokens may also be (b m s c): then those of each slot are on their own, and the queries are the same for all.
        Shared queries are projected once, not once per clip. A list `received` gets what :func:`attention_received`
        says.
        """
        query, key = self.query(queries), self.key(x)
        if x.ndim == 4:
            query = query[:, :, None]
        query = query.expand(x.shape[0], -1, *x.shape[2:])
        if received is not None:
            received.append(attention_received(query, key, self.heads))
        out: Tensor = self.proj(attend(query, key, self.value(x if values is None else values), self.heads))
        return out


class Mlp(nn.Module):
    """Linear, GELU, Linear."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = Linear(dim, hidden)
        self.fc2 = Linear(hidden, dim)

    def forward(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Each token (c) on its own."""
        out: Tensor = self.fc2(self.fc1(x, then="gelu"))
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

    def forward(self, x: Float[Tensor, "b *n c"], *, axis: int = 1) -> Float[Tensor, "b *n c"]:
        """The branch itself in evaluation and where the rate is 0; a sample is what is mixed along `axis`."""
        if not self.training or self.rate == 0:
            return x
        sample = [1 if place in (axis, x.ndim - 1) else size for place, size in enumerate(x.shape)]
        keep = x.new_empty(sample).bernoulli_(1 - self.rate)
        return x * keep / (1 - self.rate)


class Block(nn.Module):
    """Pre-norm transformer block along one axis: x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, dim: int, hidden: int, *, heads: int = 8, bias: bool = True, eps: float = 1e-6, drop: float = 0):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = Attention(dim, heads=heads, bias=bias)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.mlp = Mlp(dim, hidden)
        self.drop = StochasticDepth(drop)

    def forward(
        self, x: Float[Tensor, "b *n c"], received: list[Float[Tensor, "r n"]] | None = None, *, axis: int = 1
    ) -> Float[Tensor, "b *n c"]:
        """Tokens (b n c) or (b f s c) in and out; `received` and `axis` are for :class:`Attention`."""
        x = x + self.drop(self.attn(self.norm1(x), received, axis=axis), axis=axis)
        # The sum is this block's own, so that it may be written over where nothing is learned.
        return torch.add(x, self.drop(self.mlp(self.norm2(x)), axis=axis), out=x if _plain(x) else None)
