"""Fast kernels for the processor, each next to its plain form.

A fast form returns the same values as its plain form, up to rounding. It runs only where :func:`usable` allows: on
plain CPU tensors, without gradients, autocast or tracing. The oneDNN forms also need AVX-512. Otherwise the plain form
runs.
"""

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.flop_counter import flop_registry

from poseglass.models import devices

__all__ = [
    "WIDE",
    "Activation",
    "add_branch",
    "attention",
    "fuse",
    "linear",
    "normed_linear",
    "nth_largest",
    "similarities",
    "usable",
]

Activation = Literal["none", "gelu", "tanh"]

# Whether torch has oneDNN and the processor has AVX-512. On an EPYC with AVX2, oneDNN's products were slower than
# torch's own (benchmarks/products.py).
WIDE = torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
if WIDE:  # torch's FLOP counter has no formula for this operator and would count nothing
    flop_registry.setdefault(
        torch.ops.mkldnn._linear_pointwise, lambda x, weight, *_, out_val, **__: 2 * x.numel() * weight.shape[0]
    )
# Numbers in the attention maps that are computed at a time, so that they stay in the cache. Of 2^16 to 2^22, 2^20 was
# as fast as any for 17 joints and for 243 frames (benchmarks/products.py, EPYC Turin).
MAPS = 1 << 20
# The smallest and largest sum of exponentials that :func:`attention_by_maps` divides by, well within bfloat16's range
# of 1e-38 to 3e38: nothing overflows, and an exponential that underflows is below 1e-18 of its row's sum.
SUMS = 1e-20, 1e20
# The largest n for which :func:`nth_largest` merges: it took 2.4 ms where torch.topk took 8.9 (benchmarks/products.py).
CANDIDATES = 8


def usable(*tensors: Tensor) -> bool:
    """Whether the fast forms may be used on these tensors."""
    return (
        all(type(x) in (Tensor, nn.Parameter) and x.device.type == "cpu" for x in tensors)
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and torch._C._get_tracing_state() is None
    )


# Linear layers


def linear(
    x: Float[Tensor, "*b _"], weight: Float[Tensor, "c _"], bias: Float[Tensor, " c"] | None, then: Activation = "none"
) -> Float[Tensor, "*b c"]:
    """``then(x @ weight.T + bias)``."""
    fast = WIDE and usable(x, weight) and x.dtype == weight.dtype and x.dtype in (torch.float32, torch.bfloat16)
    return onednn_linear(x, weight, bias, then) if fast else plain_linear(x, weight, bias, then)


def plain_linear(x: Tensor, weight: Tensor, bias: Tensor | None, then: Activation) -> Tensor:
    """The product, then the activation."""
    out = F.linear(x, weight, bias)
    if then == "none":
        return out
    return F.gelu(out) if then == "gelu" else out.tanh()


def onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None, then: Activation) -> Tensor:
    """Product and activation in one oneDNN operation."""
    # The last argument is GELU's algorithm: "none" is the exact one.
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, then, [], "none" if then == "gelu" else "")
    return out


def normed_linear(
    x: Float[Tensor, "b f _"], norm: nn.BatchNorm1d, weight: Float[Tensor, "c _"], bias: Float[Tensor, " c"] | None
) -> Float[Tensor, "b f c"]:
    """Normalise the channels of `x` with a batch norm, then apply a linear layer."""
    fast = not norm.training and x.dtype == torch.float32 and usable(x, weight)
    return folded_linear(x, norm, weight, bias) if fast else plain_normed_linear(x, norm, weight, bias)


def plain_normed_linear(x: Tensor, norm: nn.BatchNorm1d, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The norm, which takes channels as the second axis, then the product."""
    return F.linear(norm(x.mT).mT, weight, bias)


def folded_linear(x: Tensor, norm: nn.BatchNorm1d, weight: Tensor, bias: Tensor | None) -> Tensor:
    """One product: in evaluation mode the norm is a scale and a shift, which fold into the weight and bias."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    offset = weight @ shift
    return linear(x, weight * scale, offset if bias is None else bias + offset)


# Attention


def attention(
    query: Float[Tensor, "*b n c"], key: Float[Tensor, "*b m c"], value: Float[Tensor, "*b m c"]
) -> Float[Tensor, "*b n c"]:
    """``softmax(query @ key.T / sqrt(c)) @ value``, with two axes before (n c): rows and heads."""
    fast = WIDE and usable(query, key, value) and query.dtype == torch.bfloat16
    return attention_by_maps(query, key, value) if fast else plain_attention(query, key, value)


def plain_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Torch's own attention kernel."""
    dtype = query.dtype
    if query.requires_grad and dtype == torch.bfloat16 and query.device.type == "cpu":
        # Backwards, torch's CPU kernel takes 20 times as long in bfloat16 as in float32 (torch 2.13).
        query, key, value = query.float(), key.float(), value.float()
    return F.scaled_dot_product_attention(query, key, value).to(dtype)


def attention_by_maps(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Two products with exponentials in between, over as many attention maps at a time as fit in the cache.

    The exponentials are divided by their sum after the second product, which is smaller than the map. The largest score
    is not subtracted first: if any sum of a step leaves the range of `SUMS`, the step is repeated with a softmax. In
    bfloat16 it takes about a third of the time of torch's kernel (benchmarks/products.py).
    """
    scale, out = query.shape[-1] ** -0.5, torch.empty_like(query)
    count = max(MAPS // (query.shape[1] * query.shape[-2] * key.shape[-2]), 1)
    # Split before flattening, which copies the heads of a fused projection: the copies then stay in the cache too.
    for *rows, part in zip(*(x.split(count) for x in (query, key, value, out)), strict=True):
        q, k, v = (x.flatten(0, 1) for x in rows)  # (b h) n c
        q = q * scale
        weights = torch.bmm(q, k.mT).exp_()
        sums = weights.sum(-1, keepdim=True)  # (b h) n 1
        least, largest = sums.aminmax()
        if SUMS[0] < least and largest < SUMS[1]:
            torch.div((weights @ v).view(part.shape), sums.view(*part.shape[:-1], 1), out=part)  # b h n c
        else:  # also if a number is NaN, which torch's kernel would hide
            weights = torch.bmm(q, k.mT).softmax(-1, dtype=torch.float32).to(q.dtype)
            part.copy_((weights @ v).view(part.shape))
    return out


# Residual sums


def add_branch(
    x: Float[Tensor, "*b c"], branch: Float[Tensor, "*b c"], scale: Float[Tensor, " c"] | None = None
) -> Float[Tensor, "*b c"]:
    """``x + scale * branch`` in the dtype of `x`. It may overwrite `branch`, which nothing else may use."""
    form = add_branch_in_place if usable(x, branch) and branch.is_contiguous() else plain_add_branch
    return form(x, branch, scale)


def plain_add_branch(x: Tensor, branch: Tensor, scale: Tensor | None) -> Tensor:
    """The sum, in new memory."""
    return x + branch if scale is None else torch.addcmul(x, scale, branch)


def add_branch_in_place(x: Tensor, branch: Tensor, scale: Tensor | None) -> Tensor:
    """Cast the branch, then write the sum over it. It takes half the time of the plain form in bfloat16."""
    branch = branch.to(x.dtype)
    return torch.add(x, branch, out=branch) if scale is None else torch.addcmul(x, scale, branch, out=branch)


# Fusion of two streams


def fuse(
    first: Float[Tensor, "*b c"],
    second: Float[Tensor, "*b c"],
    weight: Float[Tensor, "2 _"],
    bias: Float[Tensor, " 2"],
) -> Float[Tensor, "*b c"]:
    """The mean of two streams, weighted per token by ``softmax(weight @ [first, second] + bias)``."""
    form = fuse_by_difference if usable(first, second, weight) else plain_fuse
    return form(first, second, weight, bias)


def plain_fuse(first: Tensor, second: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The formula as printed in the papers."""
    share = F.linear(torch.cat([first, second], -1), weight, bias).softmax(-1)
    return share[..., :1] * first + share[..., 1:] * second


def fuse_by_difference(first: Tensor, second: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The softmax of two numbers is the sigmoid of their difference, so nothing is concatenated: half the passes."""
    channels, difference = first.shape[-1], weight[0] - weight[1]
    logit = first @ difference[:channels] + second @ difference[channels:] + (bias[0] - bias[1])
    return torch.lerp(second, first, logit.sigmoid().unsqueeze(-1))


# Similarity


def similarities(x: Float[Tensor, "b n c"]) -> Float[Tensor, "b n n"]:
    """``x @ x.T``, rounded to float32 from float64: products with equal tokens are equal, in any order of summation.

    On devices without float64, products are float32, and tokens that are equally similar may differ by rounding.
    """
    if not devices.has_float64(x.device):
        with devices.autocast(x.device, enabled=False):
            return plain_similarities(x.float())
    exact = x.double()
    return similarities_by_halves(exact) if usable(exact) else plain_similarities(exact)


def plain_similarities(exact: Tensor) -> Tensor:
    """One product."""
    return (exact @ exact.mT).float()


def similarities_by_halves(exact: Tensor) -> Tensor:
    """Multiply in four steps on and above the diagonal, 5/8 of the square, and mirror the rest."""
    count = exact.shape[1]
    out = exact.new_empty(len(exact), count, count, dtype=torch.float32)
    step = max(-(-count // 4), 1)
    for start in range(0, count, step):
        end = min(start + step, count)
        product = exact[:, start:end] @ exact[:, start:].mT
        out[:, start:end, start:] = product
        out[:, end:, start:end] = product[:, :, end - start :].mT
    return out


# The n-th largest number


def nth_largest(x: Float[Tensor, "b n m"], count: int) -> Float[Tensor, "b 1 m"]:
    """The `count`-th largest number of each column. Equal numbers count separately."""
    form = nth_largest_by_merging if count <= CANDIDATES and usable(x) else plain_nth_largest
    return form(x, count)


def plain_nth_largest(x: Tensor, count: int) -> Tensor:
    """The last of the `count` largest, which torch sorts."""
    return x.topk(count, dim=1).values[:, -1:]


def nth_largest_by_merging(x: Tensor, count: int) -> Tensor:
    """Merge sorted lists in pairs, all columns at once, with maxima and minima of whole blocks of rows.

    `largest` holds the candidates of each group of rows in descending order. Each round halves the number of groups.
    It takes a third of the time of torch.topk (benchmarks/products.py).
    """
    largest, partnerless = [x], []
    while (groups := largest[0].shape[1]) > 1:
        if groups % 2:
            partnerless.append([rows[:, -1:] for rows in largest])
        half = groups // 2
        largest = _merge([rows[:, :half] for rows in largest], [rows[:, half : 2 * half] for rows in largest], count)
    for group in partnerless:
        largest = _merge(largest, group, count)
    return largest[count - 1]


def _merge(first: list[Tensor], second: list[Tensor], count: int) -> list[Tensor]:
    """Merge two descending lists into one, element by element, and keep its first `count`."""
    # If the k largest are i of the first list and k - i of the second, the k-th is the smaller of the two parts' last
    # elements. Any other i gives no larger number, so the k-th is the maximum over all i.
    out = []
    for place in range(min(len(first) + len(second), count)):
        best: Tensor | None = None
        for i in range(max(place + 1 - len(second), 0), min(place + 1, len(first)) + 1):
            taken = [*first[i - 1 : i], *second[place - i : place + 1 - i]] if i else [second[place]]
            least = taken[0] if len(taken) == 1 else torch.minimum(*taken)
            best = least if best is None else torch.maximum(best, least)
        assert best is not None
        out.append(best)
    return out
