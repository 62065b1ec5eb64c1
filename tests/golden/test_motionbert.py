"""MotionBERT against an independent computation at sizes without golden values."""

import numpy as np
import pytest
import torch
from parity import assert_same_poses

from oracle import published
from oracle.motionbert import EPS, Published, shapes
from poseglass.errors import ModelError
from poseglass.models import MotionBERT
from poseglass.waist.hourglass import Hourglass
from poseglass.weights import files as weights

TINY = {"frames": 13, "dim": 16, "hidden": 64, "rep": 24, "depth": 3}


def small(keep: int | None = None, **changes: int) -> dict[str, np.ndarray]:
    return published.filled(shapes(**(TINY | changes), keep=keep))


@pytest.mark.parametrize("keep", [None, 5])
@pytest.mark.parametrize(
    ("heads", "changes"),
    [
        (None, {}),
        (4, {"frames": 9, "dim": 24, "hidden": 48, "rep": 40, "depth": 2}),  # the base size's mlp, 2C
        (1, {"frames": 27, "dim": 8, "hidden": 20, "depth": 4, "inputs": 2}),
    ],
)
def test_other_sizes_match_an_independent_computation(tmp_path, keep, heads, changes):
    state = small(keep, **changes)
    model = weights.load(published.write(state, tmp_path / "x.pth"), heads=heads)
    assert isinstance(model, Hourglass if keep else MotionBERT)
    clips = np.random.default_rng(0).normal(size=(3, model.frames, 17, model.inputs)).astype(np.float32)
    slow = Published(state, heads=heads or 8, at=keep and 1)
    assert_same_poses(model, slow, clips)


@pytest.mark.parametrize("kind", EPS)
def test_every_norm_has_the_published_eps(tmp_path, kind):
    # With nearly constant inputs, eps of 1e-6 and 1e-5 give very different norms; golden values do not show that.
    state = small(5)
    for key in state:
        flat = ("joints_embed", "pos_embed", "temp_embed")
        if key.startswith(flat) or (".attn_" in key and ".proj" in key) or ".fc2" in key:
            state[key] = state[key] * np.float32(2e-3)
    model = weights.load(published.write(state, tmp_path / "flat.pth"))
    clip = np.random.default_rng(1).normal(size=(13, 17, 3)).astype(np.float32)
    with torch.inference_mode():
        trace = model.trace(torch.from_numpy(clip)[None])
    right, kept = Published(state, heads=8, at=1)(clip)
    wrong, _ = Published(state, heads=8, at=1, eps=EPS | {kind: 1e-5})(clip)
    assert trace.kept[1][0].tolist() == kept
    assert np.abs(trace.pose3d[0].numpy() - right).max() < 2e-5
    assert np.abs(wrong - right).max() > 5e-4


def test_each_layer_reports_the_attention_of_both_streams():
    model = MotionBERT(frames=6, dim=8, rep=8, depth=2, heads=2)
    tokens, received = torch.randn(3, 4, 17, 8), []
    model.layer(0, tokens, received)
    assert [attention.shape for attention in received] == [(3, 4), (3, 4)]
    alone = []
    model.layer(0, tokens[1:2], alone)
    for together, own in zip(received, alone, strict=True):
        torch.testing.assert_close(together.sum(1), torch.ones(3))
        torch.testing.assert_close(together[1:2], own)


def test_heads_must_divide_the_channels():
    with pytest.raises(ModelError, match="5 heads do not divide 16"):
        MotionBERT(dim=16, heads=5)


def test_initial_weights_have_the_published_distribution():
    torch.manual_seed(0)
    model = MotionBERT(frames=9, dim=64, depth=2)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            expected = (float(name.endswith("weight")), 0)
        elif name.startswith("fusions"):
            expected = (0.5 * name.endswith("bias"), 0)
        else:
            expected = (0, 0.02 * (not name.endswith("bias")))
        assert (parameter.mean().item(), parameter.std().item()) == pytest.approx(expected, abs=3e-3), name
