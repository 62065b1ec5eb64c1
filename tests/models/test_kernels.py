"""Each fast kernel against its plain form, and the conditions for its use."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from poseglass.models import devices, kernels

pytestmark = pytest.mark.usefixtures("_seed")
WIDE = pytest.mark.skipif(not kernels.WIDE, reason="this processor has no AVX-512, or torch no oneDNN")


@pytest.fixture
def _seed() -> None:
    torch.manual_seed(0)


class TestLinear:
    @WIDE
    @pytest.mark.parametrize("then", ["none", "gelu", "tanh"])
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
    @pytest.mark.parametrize("strided", [True, False])
    def test_onednn_agrees_with_the_plain_form(self, then, bias, dtype, tolerance, strided):
        x = torch.randn(2, 48, 5).mT if strided else torch.randn(2, 5, 48)
        weight, offset = torch.randn(24, 48) / 7, torch.randn(24) if bias else None
        exact = kernels.plain_linear(x.double(), weight.double(), offset.double() if bias else None, then)
        cast = [None if tensor is None else tensor.to(dtype) for tensor in (x, weight, offset)]
        with torch.inference_mode():
            fast = kernels.onednn_linear(*cast, then)
        assert fast.dtype == dtype
        assert_close(fast.double(), exact, atol=tolerance, rtol=tolerance)

    @pytest.mark.parametrize("then", ["none", "gelu", "tanh"])
    def test_results_with_and_without_gradients_agree(self, then):
        x, weight, bias = torch.randn(5, 24), torch.randn(12, 24, requires_grad=True), torch.randn(12)
        learning = kernels.linear(x, weight, bias, then)
        assert learning.requires_grad
        with torch.no_grad():
            assert_close(kernels.linear(x, weight, bias, then), learning.detach(), atol=1e-5, rtol=1e-5)

    def test_torch_counts_the_flops_of_the_fast_form(self):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            kernels.linear(torch.randn(3, 4), torch.randn(6, 4), None)
        assert counter.get_total_flops() == 2 * 3 * 4 * 6


class TestNormedLinear:
    @pytest.fixture
    def norm(self):
        norm = nn.BatchNorm1d(24).eval()
        for value in norm.state_dict().values():
            if value.is_floating_point():
                value.uniform_(0.5, 1.5)
        return norm

    def test_folding_the_norm_agrees_with_the_plain_form(self, norm):
        x, weight, bias = torch.randn(2, 5, 24), torch.randn(12, 24) / 5, torch.randn(12)
        with torch.inference_mode():
            expected = kernels.plain_normed_linear(x, norm, weight, bias)
            assert_close(kernels.folded_linear(x, norm, weight, bias), expected, atol=1e-5, rtol=1e-5)
            assert_close(kernels.normed_linear(x, norm, weight, bias), expected, atol=1e-5, rtol=1e-5)

    def test_training_normalises_by_the_batch(self, norm):
        x, mean = torch.randn(2, 5, 24), norm.running_mean.clone()
        with torch.no_grad():
            kernels.normed_linear(x, norm.train(), torch.randn(12, 24), torch.randn(12))
        assert not torch.equal(norm.running_mean, mean)


class TestAttention:
    @pytest.mark.parametrize("at_once", [1, 50, 1 << 20])
    def test_by_maps_in_bfloat16_is_as_precise_as_torch(self, monkeypatch, at_once):
        monkeypatch.setattr(kernels, "MAPS", at_once)
        query, key, value = torch.randn(3, 2, 4, 9, 8).bfloat16()
        exact = kernels.plain_attention(query.double(), key.double(), value.double())
        fast, plain = (form(query, key, value) for form in (kernels.attention_by_maps, kernels.plain_attention))
        assert fast.dtype == torch.bfloat16
        error, allowed = ((out.double() - exact).abs().max() for out in (fast, plain))
        assert error < 2 * allowed + 1e-2

    @pytest.mark.parametrize("keys", [1, 5, 12])
    def test_by_maps_agrees_with_the_plain_form(self, keys):
        query, key, value = torch.randn(2, 4, 9, 8), torch.randn(2, 4, keys, 8), torch.randn(2, 4, keys, 8)
        expected = kernels.plain_attention(query, key, value)
        assert_close(kernels.attention_by_maps(query, key, value), expected, atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize("offset", [-300, -60, 60, 300])
    @pytest.mark.parametrize("at_once", [1, 1 << 20])
    def test_scores_of_any_size_agree_with_the_plain_form(self, monkeypatch, offset, at_once):
        """Without a maximum subtracted, the exponentials of the first row's scores would overflow or vanish."""
        monkeypatch.setattr(kernels, "MAPS", at_once)
        query, key, value = torch.randn(3, 2, 4, 9, 16)
        query[0, 0, 0], key[0, 0] = offset, torch.rand(9, 16) / 100 + 0.25  # scores near offset, after scaling
        expected = kernels.plain_attention(query, key, value)
        assert_close(kernels.attention_by_maps(query, key, value), expected, atol=1e-4, rtol=1e-4)
        cast = query.bfloat16(), key.bfloat16(), value.bfloat16()
        exact = kernels.plain_attention(*(x.double() for x in cast))
        error = (kernels.attention_by_maps(*cast).double() - exact).abs()
        error[0, 0, 0] = 0  # scores of this size are coarse in bfloat16
        assert error.max() < 3e-2

    def test_only_a_step_with_extreme_scores_takes_a_softmax(self, monkeypatch):
        softmax, steps = Tensor.softmax, []
        monkeypatch.setattr(
            Tensor, "softmax", lambda scores, *args, **kwargs: steps.append(scores) or softmax(scores, *args, **kwargs)
        )
        monkeypatch.setattr(kernels, "MAPS", 1)
        query, key, value = torch.randn(3, 3, 4, 9, 16)
        query[1, 2, 3] *= 1000
        kernels.attention_by_maps(query, key, value)
        assert_close(steps, [query[1] @ key[1].mT / 4])

    @pytest.mark.parametrize("bad", [torch.nan, torch.inf])
    def test_numbers_that_are_not_finite_are_not_hidden(self, bad):
        query, key, value = torch.randn(3, 2, 4, 9, 16)
        query[0, 0, 0, 0] = bad
        out = kernels.attention_by_maps(query, key, value)
        assert out[0, 0, 0].isnan().all()
        assert out[1].isfinite().all()

    def test_the_result_is_laid_out_as_the_query(self):
        """So that joining the heads afterwards is a view."""
        fused = torch.randn(5, 9, 3, 4, 8)  # b n (qkv) h c
        query, key, value = (x.transpose(1, 2) for x in fused.unbind(2))
        out = kernels.attention_by_maps(query, key, value)
        assert out.transpose(1, 2).is_contiguous()
        assert_close(out, kernels.plain_attention(query, key, value), atol=1e-5, rtol=1e-5)


class TestAddBranch:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    @pytest.mark.parametrize("scaled", [True, False])
    @pytest.mark.parametrize("strided", [True, False])
    def test_agrees_with_the_plain_form(self, dtype, scaled, strided):
        x, branch = torch.randn(2, 5, 3, 8), torch.randn(2, 5, 3, 8).to(dtype)
        if strided:
            branch = branch.transpose(1, 2).contiguous().transpose(1, 2)
        scale = torch.randn(8) if scaled else None
        before = x.clone()
        with torch.inference_mode():
            expected = kernels.plain_add_branch(x, branch, scale)
            out = kernels.add_branch(x, branch, scale)
        assert out.dtype == torch.float32
        assert_close(out, expected, atol=1e-6, rtol=1e-6)
        assert torch.equal(x, before)

    def test_sums_in_the_memory_of_the_branch(self):
        x, branch = torch.randn(2, 5, 8), torch.randn(2, 5, 8)
        with torch.inference_mode():
            assert kernels.add_branch(x, branch).data_ptr() == branch.data_ptr()

    def test_overwrites_nothing_that_a_gradient_needs(self):
        x, branch = torch.randn(2, 5, 8, requires_grad=True), torch.randn(2, 5, 8)
        before = branch.clone()
        assert kernels.add_branch(x, branch).requires_grad
        assert torch.equal(branch, before)


def test_fusion_by_difference_agrees_with_the_plain_form():
    first, second = torch.randn(2, 2, 5, 3, 8)
    weight, bias = torch.randn(2, 16), torch.randn(2)
    exact = kernels.plain_fuse(first.double(), second.double(), weight.double(), bias.double())
    assert_close(kernels.fuse_by_difference(first, second, weight, bias).double(), exact, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 17, 81, 243])
def test_similarities_by_halves_agree_with_the_plain_form(count):
    x = torch.randn(2, count, 8)
    x[:, -1] = x[:, 0]
    with torch.inference_mode():
        fast = kernels.similarities(x)
        assert torch.equal(fast, kernels.similarities_by_halves(x.double()))
    assert fast.dtype == torch.float32
    assert_close(fast, kernels.plain_similarities(x.double()), atol=1e-6, rtol=1e-6)
    assert torch.equal(fast, fast.mT), "symmetric to the bit"
    assert torch.equal(fast[:, -1], fast[:, 0]), "equal tokens are equally similar to the others"


class TestNthLargest:
    @pytest.mark.parametrize("rows", [1, 2, 3, 7, 17, 64, 81, 243])
    @pytest.mark.parametrize("ties", [False, True])
    def test_every_count_agrees_with_sorting(self, rows, ties):
        x = torch.randn(2, rows, 5)
        x = x.round() if ties else x
        for count in range(1, min(rows, 6) + 1):
            expected = np.sort(x.numpy(), axis=1)[:, rows - count][:, None]
            for form in (kernels.plain_nth_largest, kernels.nth_largest_by_merging, kernels.nth_largest):
                assert np.array_equal(form(x, count).numpy(), expected), (form.__name__, count)


class TestUsable:
    def test_fast_forms_run_only_without_gradients_on_the_cpu_and_without_autocast(self):
        x, weight = torch.zeros(2), nn.Parameter(torch.zeros(2))
        assert not kernels.usable(x), "gradients are on"
        with torch.no_grad():
            assert kernels.usable(x, weight)
            assert not kernels.usable(x.to("meta"))
            with torch.autocast("cpu", torch.bfloat16):
                assert not kernels.usable(x)

    @pytest.mark.filterwarnings("ignore:`torch.jit.trace` is deprecated")
    def test_fast_forms_do_not_run_in_a_trace(self):
        def allowed(x):
            return x + float(kernels.usable(x))

        with torch.no_grad():
            assert allowed(torch.zeros(1)) == 1
            assert torch.jit.trace(allowed, torch.zeros(1), check_trace=False)(torch.zeros(1)) == 0


def test_similarities_without_float64_are_the_same_to_rounding(monkeypatch):
    x = torch.randn(2, 30, 16, generator=torch.Generator().manual_seed(0))
    expected = kernels.similarities(x)
    monkeypatch.setattr(devices, "SINGLE", ("cpu",))
    with torch.autocast("cpu", torch.bfloat16):
        single = kernels.similarities(x)
    assert single.dtype == torch.float32
    assert_close(single, expected, rtol=1e-5, atol=1e-5)
