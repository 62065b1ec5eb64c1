"""MHFormer against an independent computation, where golden values do not reach."""

import re

import numpy as np
import pytest
import torch
from parity import assert_same_poses

from oracle import mhformer as oracle
from oracle import published
from oracle.mhformer import EPS
from poseglass.errors import ModelError, WeightsError
from poseglass.models import MHFormer
from poseglass.waist.hourglass import funnel
from poseglass.weights import files as weights

TINY = {"frames": 9, "dim": 16, "hidden": 24, "blocks": 1}


def small(**changes: int) -> dict[str, np.ndarray]:
    return published.filled(oracle.shapes(**(TINY | changes)))


@pytest.mark.parametrize("pruned", [None, {"keep": 5, "at": 1, "always": 4}, {"keep": 4, "at": 2, "always": 0}])
@pytest.mark.parametrize(
    ("frames", "dim", "hidden", "refinements", "blocks", "inputs", "heads"),
    [(9, 16, 24, 2, 1, 2, 8), (27, 8, 40, 3, 2, 3, 4), (36, 8, 16, 2, 4, 2, 2), (81, 4, 8, 2, 1, 2, 1)],
)
def test_other_sizes_match_an_independent_computation(
    tmp_path, pruned, frames, dim, hidden, refinements, blocks, inputs, heads
):
    state = small(frames=frames, dim=dim, hidden=hidden, refinements=refinements, blocks=blocks, inputs=inputs)
    model = weights.load(published.write(state, tmp_path / "x.pth"), heads=heads)
    assert isinstance(model, MHFormer)
    assert (model.card.coordinates, model.card.answers) == ("screen", "centre"), "it was published for the centre frame"
    assert (model.frames, model.dim, model.depth, model.inputs) == (frames, dim, refinements + 1, inputs)
    clips = np.random.default_rng(0).normal(size=(3, frames, 17, inputs)).astype(np.float32)
    slow = oracle.Published(state, heads=heads, **(pruned or {}))
    assert_same_poses(funnel(model, **pruned) if pruned else model, slow, clips)


@pytest.mark.parametrize("kind", EPS)
def test_every_norm_has_the_published_eps(tmp_path, kind):
    # With nearly constant inputs, eps of 1e-6 and 1e-5 give very different norms; golden values do not show that.
    state = small(blocks=2)
    flat = (
        r"norm_\d|.*(pos_embed|encoder_.\.norm|proj|fc2)|embedding_.*(bias|1\.weight|mean)|regression.0.(weight|.*mean)"
    )
    for key, value in state.items():
        if key.endswith("running_var"):
            state[key] = value * np.float32(1e-5)
        elif re.match(flat, key):
            state[key] = value * np.float32(2e-3)
    model = weights.load(published.write(state, tmp_path / "flat.pth"))
    clip = (2e-3 * np.random.default_rng(1).normal(size=(9, 17, 2))).astype(np.float32)
    with torch.inference_mode():
        fast = model(torch.from_numpy(clip)[None])[0].numpy()
    right, _ = oracle.Published(state, heads=8)(clip)
    wrong, _ = oracle.Published(state, heads=8, eps=EPS | {kind: 1e-5 if EPS[kind] == 1e-6 else 1e-6})(clip)
    assert np.abs(fast - right).max() < 2e-5
    assert np.abs(wrong - right).max() > 5e-4


@pytest.mark.parametrize(
    "key",
    [
        "Transformer_encoder_2.blocks.0.attn.qkv.bias",
        "Transformer_hypothesis.pos_embed_3",
        "Transformer_hypothesis.SHR_blocks.1.norm1_2.weight",
        "Transformer_hypothesis.CHI_blocks.0.norm3_23.weight",
        "Transformer_hypothesis.CHI_blocks.0.attn_3.linear_v.weight",
        "embedding_1.1.running_var",
        "regression.0.num_batches_tracked",
    ],
)
def test_missing_keys_are_listed_by_their_published_names(tmp_path, key):
    broken = small()
    del broken[key]
    with pytest.raises(WeightsError, match=rf"1 missing: {key}$"):
        weights.load(published.write(broken, tmp_path / "x.pth"))


def test_heads_must_divide_the_channels():
    with pytest.raises(ModelError, match=r"9 heads do not divide 80 channels.* frames .* encoder_heads"):
        MHFormer(frames=80)
    with pytest.raises(ModelError, match="5 heads do not divide 16 channels"):
        MHFormer(frames=9, dim=16, heads=5)


def test_all_three_streams_report_their_attention():
    torch.manual_seed(0)
    model = MHFormer(frames=9, dim=16, heads=4, hidden=24, encoder_depth=1).eval()
    with torch.inference_mode():
        tokens = model.embed(torch.randn(2, 9, 17, 2))
        for index in range(model.depth):
            received: list[torch.Tensor] = []
            reporting = model.layer(index, tokens, received)
            assert [tuple(frames.shape) for frames in received] == [(2, 9)] * 3
            for frames in received:
                torch.testing.assert_close(frames.sum(1), torch.ones(2))
            assert torch.equal(reporting, model.layer(index, tokens))


def test_only_the_layers_have_dropout_and_stochastic_depth():
    model = MHFormer(frames=9, dim=16, hidden=24, depth=3, drop=0.2, dropout=0.1)
    layers = [*model.refine, model.interact]
    assert [(layer.drop[0].p, round(layer.drop[1].rate, 3)) for layer in layers] == [(0.1, 0), (0.1, 0.1), (0.1, 0.2)]
    assert all(block.drop.rate == 0 for encoder in model.encoders for block in encoder.blocks)
    assert all(part[-1].p == 0.25 for part in model.embeddings)
