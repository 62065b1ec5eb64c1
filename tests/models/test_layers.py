"""Attention along an axis against plain loops; linear layers and blocks with and without gradients."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from poseglass.models import kernels
from poseglass.models.layers import (
    Attention,
    Block,
    CrossAttention,
    Linear,
    StochasticDepth,
    attend,
    attention_received,
)

TOKENS = (2, 5, 3, 8)  # b f s c


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def naive(query: np.ndarray, key: np.ndarray, value: np.ndarray, heads: int) -> tuple[np.ndarray, np.ndarray]:
    """Attention of tokens (n c) to tokens (m c), head by head and token by token, and the map (h n m)."""
    width = query.shape[1] // heads
    out, shares = np.zeros_like(query), np.zeros((heads, len(query), len(key)))
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        for token, q in enumerate(query[:, part]):
            weights = np.exp(key[:, part] @ q / np.sqrt(width))
            shares[head, token] = weights / weights.sum()
            out[token, part] = shares[head, token] @ value[:, part]
    return out, shares


class TestAttend:
    @pytest.mark.parametrize("learning", [True, False])
    @pytest.mark.parametrize("axis", [1, 2])
    def test_only_tokens_along_the_axis_attend_to_each_other(self, axis: int, learning: bool) -> None:
        query, key, value = torch.randn(3, *TOKENS, dtype=torch.float64)
        with torch.set_grad_enabled(learning):
            out = attend(query, key, value, 2, axis=axis)
        for clip in range(2):
            for other in range(TOKENS[3 - axis]):
                at = (clip, slice(None), other) if axis == 1 else (clip, other)
                expected, _ = naive(query[at].numpy(), key[at].numpy(), value[at].numpy(), 2)
                np.testing.assert_allclose(out[at].numpy(), expected, atol=1e-12)

    def test_received_attention_is_the_mean_over_heads_queries_and_slots(self) -> None:
        query, key = torch.randn(2, *TOKENS, dtype=torch.float64)
        received = attention_received(query, key, 2, axis=1)
        for clip in range(2):
            maps = [
                naive(query[clip, :, s].numpy(), key[clip, :, s].numpy(), key[clip, :, s].numpy(), 2)[1]
                for s in range(3)
            ]
            np.testing.assert_allclose(received[clip].numpy(), np.mean(maps, (0, 1, 2)), atol=1e-12)

    def test_shared_queries_attend_to_each_slot_separately(self) -> None:
        attention = CrossAttention(8, heads=2)
        queries, tokens = torch.randn(1, 7, 8), torch.randn(*TOKENS)
        together = attention(queries, tokens)
        for slot in range(3):
            assert_close(together[:, :, slot], attention(queries, tokens[:, :, slot]))


class TestLinear:
    @pytest.mark.parametrize("then", ["none", "gelu"])
    @pytest.mark.parametrize("bias", [True, False])
    def test_results_with_and_without_gradients_agree(self, then: str, bias: bool) -> None:
        linear, x = Linear(24, 12, bias=bias), torch.randn(2, 5, 24)
        learning = linear(x, then=then)
        expected = x.double() @ linear.weight.double().T + (0 if linear.bias is None else linear.bias.double())
        expected = nn.functional.gelu(expected) if then == "gelu" else expected
        assert learning.requires_grad
        assert_close(learning.double(), expected, atol=1e-6, rtol=1e-5)
        with torch.inference_mode():
            assert_close(linear(x, then=then).double(), expected, atol=1e-6, rtol=1e-5)

    @pytest.mark.parametrize("learning", [True, False])
    def test_the_parts_of_a_linear_layer_concatenate_to_its_output(self, learning: bool) -> None:
        linear, x = Linear(24, 12), torch.randn(2, 5, 24)
        with torch.set_grad_enabled(learning):
            parts = linear.parts(x, 3)
            assert [part.shape[-1] for part in parts] == [4, 4, 4]
            assert_close(torch.cat(parts, -1), linear(x), atol=1e-6, rtol=1e-5)

    def test_torch_treats_it_as_an_ordinary_linear_layer(self) -> None:
        linear = Linear(4, 6)
        assert set(linear.state_dict()) == {"weight", "bias"}
        x = torch.randn(3, 4)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            linear(x)
        assert counter.get_total_flops() == 2 * 3 * 4 * 6
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            assert linear(x).dtype == torch.bfloat16


class TestAttention:
    @pytest.mark.parametrize("clips", [1, 2])
    @pytest.mark.parametrize("axis", [1, 2])
    def test_one_product_and_three_give_the_same_queries_keys_and_values(self, axis: int, clips: int) -> None:
        attention, x = Attention(8, heads=2), torch.randn(clips, *TOKENS[1:])
        received: list[torch.Tensor] = []
        expected = attention(x, received, axis=axis)
        with torch.inference_mode():
            assert_close(attention(x, received, axis=axis), expected.detach(), atol=1e-5, rtol=1e-5)
        assert_close(*received, atol=1e-6, rtol=1e-5)


class TestBlock:
    @pytest.mark.parametrize("axis", [1, 2])
    def test_results_with_and_without_gradients_agree_and_the_input_is_unchanged(self, axis: int) -> None:
        block, x = Block(8, 16, heads=2).eval(), torch.randn(*TOKENS)
        given, expected = x.clone(), block(x, axis=axis)
        with torch.inference_mode():
            assert_close(block(x, axis=axis), expected.detach(), atol=1e-5, rtol=1e-5)
        assert torch.equal(x, given)

    def test_the_two_token_axes_are_interchangeable(self) -> None:
        block, x = Block(8, 16, heads=2).eval(), torch.randn(*TOKENS)
        assert_close(block(x, axis=2), block(x.transpose(1, 2), axis=1).transpose(1, 2))

    def test_tokens_may_lack_the_slot_axis(self) -> None:
        attention, x = Attention(8, heads=2), torch.randn(2, 5, 8)
        assert_close(attention(x), attention(x[:, :, None], axis=1)[:, :, 0])


@pytest.mark.parametrize("axis", [1, 2])
def test_stochastic_depth_drops_whole_samples(axis: int) -> None:
    dropped = StochasticDepth(0.5).train()(torch.ones(40, 5, 3, 8), axis=axis)
    assert set(dropped.unique().tolist()) == {0, 2}
    samples = dropped.movedim(axis, -1).flatten(2)  # all values mixed along the axis, with their channels
    assert (samples == samples[..., :1]).all()
    kept = samples[..., 0] > 0
    assert 0.3 < kept.float().mean() < 0.7
    assert (kept != kept[:, :1]).any(), "each index of the other axis is a separate sample"


def test_stochastic_depth_drops_at_its_rate_and_keeps_the_mean() -> None:
    dropped = StochasticDepth(0.2).train()(torch.ones(5000, 1, 1))
    assert_close(dropped.unique(), torch.tensor([0, 1 / 0.8]))
    assert (dropped == 0).float().mean() == pytest.approx(0.2, abs=0.02)
    assert dropped.mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("axis", "products"), [(1, 4), (2, 2)])
def test_a_gpu_projects_with_one_product_where_heads_are_views_of_it(axis, products, monkeypatch):
    """`meta` stands for a GPU."""
    widths = []
    linear = kernels.linear
    monkeypatch.setattr(
        kernels, "linear", lambda x, weight, *rest: widths.append(len(weight)) or linear(x, weight, *rest)
    )
    with torch.device("meta"):
        out = Attention(8, heads=2)(torch.zeros(TOKENS), axis=axis)
    assert out.shape == TOKENS
    assert len(widths) == products
    assert sum(widths) == 4 * 8


@pytest.mark.parametrize("name", ["cpu", "meta"])
def test_under_autocast_linear_layers_do_not_cast_their_input_back(name, monkeypatch):
    """The input stays in bfloat16; torch casts the weight."""
    dtypes = []
    linear = kernels.linear
    monkeypatch.setattr(kernels, "linear", lambda x, *rest: dtypes.append(x.dtype) or linear(x, *rest))
    layer, x = Linear(4, 6, device=name), torch.zeros(2, 4, device=name, dtype=torch.bfloat16)
    if name == "cpu":  # there is no autocast of values on meta
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16
        assert dtypes == [torch.bfloat16]
    dtypes.clear()
    assert layer(x).dtype == torch.float32
    assert dtypes == [torch.float32]
