"""Parity with the published architectures: golden values at full size, independent computations at other sizes."""

import json

import numpy as np
import pytest
import torch
from parity import assert_same_poses

from oracle import published
from oracle.mixste import EPS, Published
from poseglass.models import MixSTE
from poseglass.waist.hourglass import Hourglass, funnel
from poseglass.weights import files as weights

TINY = {"frames": 13, "dim": 16, "depth": 4}


# The layers before which the published models prune.
AT = {"hot_mixste": 3, "hot_motionbert": 1, "hot_motionagformer": 7}
# The choice of neighbours turns rounding into differences of 1e-2 on a few frames, so the median difference counts.
ILL_CONDITIONED = ("motionagformer", "hot_motionagformer")


@pytest.mark.parametrize(
    ("name", "wrapping", "choices"),
    [
        ("mixste", "model_pos of module.", {}),
        ("hot_mixste", "bare", {}),
        ("motionbert", "best_epoch.bin", {}),
        ("hot_motionbert", "bare", {}),
        ("mhformer", "module.", {}),
        ("motionagformer", "model of module.", {"heads": 4, "neighbours": 4}),
        ("hot_motionagformer", "bare", {}),
        ("motionagformer_small", "model", {}),
    ],
)
def test_published_architectures_give_the_golden_values(tmp_path, name, wrapping, choices):
    state = published.filled(published.golden_shapes(name))
    model = weights.load(published.write(state, tmp_path / "epoch.pth", wrapping), **choices)
    truth = np.load(published.GOLDEN / f"{name}.npz")
    record = json.loads((published.GOLDEN / f"{name}.json").read_text())
    assert sum(p.numel() for p in model.parameters()) == record["params"]
    with torch.inference_mode():
        if isinstance(model, Hourglass):
            trace = model.trace(torch.from_numpy(truth["input"]))
            assert list(trace.kept) == [AT[name]]
            assert np.array_equal(trace.kept[AT[name]].numpy(), truth["kept"])
            output = trace.pose3d.numpy()
        else:
            output = model(torch.from_numpy(truth["input"])).numpy()
    difference = np.abs(output - truth["output"])
    assert (np.median(difference) if name in ILL_CONDITIONED else difference.max()) <= 1e-4


@pytest.mark.parametrize(("name", "keep", "at", "always"), [("tpc_mixste", 61, 7, 121), ("tpc_mhformer", 117, 1, None)])
def test_published_architectures_for_one_frame_give_the_golden_values(tmp_path, name, keep, at, always):
    state = published.filled(published.golden_shapes(name))
    model = funnel(weights.load(published.write(state, tmp_path / "x.pth")), keep=keep, at=at, always=always)
    truth = np.load(published.GOLDEN / f"{name}.npz")
    record = json.loads((published.GOLDEN / f"{name}.json").read_text())
    assert sum(p.numel() for p in model.parameters()) == record["params"]
    with torch.inference_mode():
        trace = model.trace(torch.from_numpy(truth["input"]))
    assert list(trace.kept) == [at]
    assert np.array_equal(trace.kept[at].numpy(), truth["kept"])
    assert model.frames // 2 in truth["kept"]
    assert np.abs(trace.pose3d.numpy() - truth["output"]).max() <= 1e-4


def small(keep: int | None = None, **changes: int) -> dict[str, np.ndarray]:
    return published.filled(published.mixste_shapes(**(TINY | changes), keep=keep))


@pytest.mark.parametrize("keep", [None, 5])
@pytest.mark.parametrize(("inputs", "heads", "frames", "dim"), [(2, 8, 13, 16), (3, 4, 9, 24), (2, 1, 27, 8)])
def test_other_sizes_match_an_independent_computation(tmp_path, keep, inputs, heads, frames, dim):
    state = small(keep, inputs=inputs, frames=frames, dim=dim)
    model = weights.load(published.write(state, tmp_path / "x.pth"), heads=heads, at=2)
    clips = np.random.default_rng(0).normal(size=(3, frames, 17, inputs)).astype(np.float32)
    slow = Published(state, heads=heads, at=None if keep is None else 2)
    assert_same_poses(model, slow, clips)


@pytest.mark.parametrize("wrapping", published.WRAPPINGS)
@pytest.mark.parametrize("keep", [None, 5])
def test_every_published_wrapping_is_read(tmp_path, wrapping, keep):
    plain = weights.load(published.write(small(keep), tmp_path / "plain.pth"))
    wrapped = weights.load(published.write(small(keep), tmp_path / "wrapped.bin", wrapping))
    assert isinstance(wrapped, Hourglass if keep else MixSTE)
    assert not wrapped.training
    ours = wrapped.state_dict()
    assert all(torch.equal(value, ours[name]) for name, value in plain.state_dict().items())


@pytest.mark.parametrize("kind", EPS)
def test_every_norm_has_the_published_eps(tmp_path, kind):
    # With nearly constant inputs, eps of 1e-6 and 1e-5 give very different norms; golden values do not show that.
    state = small(5)
    for key in state:
        flat = ("Spatial_", "Temporal_", "pos_embed_token", "x_token", "cross_attention.proj")
        if key.startswith(flat) or "attn.proj" in key or "mlp.fc2" in key:
            state[key] = state[key] * np.float32(2e-3)
    model = weights.load(published.write(state, tmp_path / "flat.pth"))
    clip = np.random.default_rng(1).normal(size=(13, 17, 2)).astype(np.float32)
    with torch.inference_mode():
        trace = model.trace(torch.from_numpy(clip)[None])
    right, kept = Published(state, heads=8, at=3)(clip)
    wrong, _ = Published(state, heads=8, at=3, eps=EPS | {kind: 1e-5 if EPS[kind] == 1e-6 else 1e-6})(clip)
    assert trace.kept[3][0].tolist() == kept
    assert np.abs(trace.pose3d[0].numpy() - right).max() < 2e-5
    assert np.abs(wrong - right).max() > 5e-4
