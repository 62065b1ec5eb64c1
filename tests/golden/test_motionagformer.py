"""MotionAGFormer against an independent computation at other sizes; its graphs and layer lengths."""

import numpy as np
import pytest
import torch
from parity import assert_same_poses
from torch import nn

import poseglass as pg
from oracle import motionagformer as oracle
from oracle import published
from poseglass.errors import ModelError, WeightsError
from poseglass.models import MODELS, MotionAGFormer, create_model
from poseglass.models.motionagformer import GraphMixer, most_similar, skeleton_graph
from poseglass.waist.hourglass import Hourglass, hourglass
from poseglass.weights import files as weights

PLAIN, WAIST = (9, 9, 9), (9, 9, 4)


def state(lengths=PLAIN, *, waist=False, dim=16, **changes):
    return published.filled(published.motionagformer_shapes(lengths=lengths, dim=dim, waist=waist, **changes))


def clips(frames: int, inputs: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, frames, 17, inputs)).astype(np.float32)


@pytest.mark.parametrize(
    ("lengths", "sizes", "heads", "neighbours", "at"),
    [
        ((13, 13, 13, 13), {"dim": 16}, None, None, None),
        ((9, 9), {"dim": 24, "inputs": 2, "hidden": 40, "rep": 7}, 3, 1, None),
        ((27,), {"dim": 8}, 1, 5, None),
        ((5, 5), {"dim": 16}, 2, 9, None),
        ((13, 13, 6, 6), {"dim": 16}, None, None, 2),
        ((9, 4, 4), {"dim": 24, "inputs": 2, "hidden": 40}, 8, 2, 1),
        ((9, 9, 1), {"dim": 8}, 2, 3, 2),
    ],
)
def test_other_sizes_match_an_independent_computation(tmp_path, lengths, sizes, heads, neighbours, at):
    checkpoint = state(lengths, waist=at is not None, **sizes)
    model = weights.load(published.write(checkpoint, tmp_path / "x.pth"), heads=heads, neighbours=neighbours)
    default_heads, default_neighbours = (8, 2) if at is None else (4, 4)
    slow = oracle.Published(
        checkpoint, heads=heads or default_heads, neighbours=neighbours or default_neighbours, at=at
    )
    assert_same_poses(model, slow, clips(lengths[0], sizes.get("inputs", 3)))


def test_still_frames_tie_as_in_the_independent_computation(tmp_path):
    # One layer only: its BatchNorm makes frames differ slightly, so rounding would decide ties in the next layer.
    checkpoint = state((9,))
    model = weights.load(published.write(checkpoint, tmp_path / "x.pth"))
    clip = clips(9)[0]
    clip[:4], clip[7:] = clip[4], clip[6]  # like the padded windows at the ends of a sequence
    with torch.inference_mode():
        pose3d = model(torch.from_numpy(clip)[None])[0].numpy()
    assert np.abs(pose3d - oracle.Published(checkpoint, heads=8, neighbours=2)(clip)[0]).max() < 2e-5


def test_every_norm_has_the_published_eps(tmp_path):
    # With nearly constant inputs, eps of 1e-6 and 1e-5 give very different norms; golden values do not show that.
    checkpoint = state(WAIST, waist=True)
    for key in checkpoint:
        if key.startswith(("joints_embed", "pos_embed")) or "layer_scale" in key:
            checkpoint[key] = checkpoint[key] * np.float32(2e-3)
    model = weights.load(published.write(checkpoint, tmp_path / "flat.pth"))
    clip = clips(9)[0]
    with torch.inference_mode():
        pose3d = model(torch.from_numpy(clip)[None])[0].numpy()
    right, wrong = (oracle.Published(checkpoint, heads=4, neighbours=4, at=2, eps=eps)(clip)[0] for eps in (1e-5, 1e-6))
    assert np.abs(pose3d - right).max() < 2e-5
    assert np.abs(wrong - right).max() > 5e-4


def test_received_attention_is_the_mean_over_joints_heads_and_queries():
    torch.manual_seed(0)
    model = MotionAGFormer(frames=[6, 4], dim=16, depth=2, heads=4).eval()
    mixer, inputs, received = model.layers[1].temporal_attention.mixer, [], []
    mixer.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    tokens = torch.randn(3, 4, 17, 16)
    with torch.inference_mode():
        assert torch.equal(model.layer(1, tokens, received), model.layer(1, tokens))
        query, key, _ = mixer.qkv(inputs[0]).double().numpy().reshape(3, 4, 17, 3, 4, 4).transpose(3, 0, 2, 4, 1, 5)
    logits = query @ key.swapaxes(-1, -2) / 2  # b j h f f
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    (attention,) = received
    np.testing.assert_allclose(attention.numpy(), shares.mean((1, 2, 3)), atol=1e-6)


class TestGraphs:
    @pytest.mark.parametrize("neighbours", [1, 2, 4, 50])
    @pytest.mark.parametrize(("frames", "dim"), [(9, 64), (12, 16), (27, 128)])
    def test_frames_that_tie_are_all_linked(self, frames, dim, neighbours):
        x = torch.randn(5, frames, dim, generator=torch.Generator().manual_seed(0))
        x = x[:, torch.arange(frames) // 3]  # three of each
        links = most_similar(x, neighbours)
        for graph, nodes in zip(links, x.double().numpy(), strict=True):
            assert np.array_equal(graph.numpy(), oracle.temporal_links(nodes, neighbours))
        assert (links.sum(-1) % 3 == 0).all()

    def test_equal_frames_are_all_linked(self):
        assert most_similar(torch.ones(2, 7, 8), 2).all()
        assert most_similar(torch.zeros(2, 7, 8), 2).all()

    def test_a_frame_need_not_link_to_itself_and_links_need_not_be_mutual(self):
        links = most_similar(torch.tensor([[[1.0, 0.0], [3.0, 0.0], [2.0, 0.0]]]), 1)
        assert links[0].tolist() == [[False, True, False]] * 3

    def test_a_mixer_follows_the_direction_of_links(self):
        torch.manual_seed(0)
        mixer = GraphMixer(4, 3, neighbours=2).eval()
        x = torch.tensor([[[[1.0, 0, 0, 0], [3.0, 0, 0, 0], [2.0, 0, 0, 0]]]])  # all frames link to the last two
        with torch.inference_mode():
            links = np.array([[0, 1, 1]] * 3, float)
            gathered = torch.from_numpy(oracle.normalised(links)).float() @ mixer.others(x)
            expected = torch.relu(x + mixer.norm((gathered + mixer.own(x))[0])[None])
            torch.testing.assert_close(mixer(x), expected)

    def test_the_graph_of_the_skeleton_is_directed(self):
        graph = skeleton_graph()
        np.testing.assert_allclose(graph.numpy(), oracle.normalised(oracle.spatial_links()), atol=1e-7)
        for leaf, root in ((4, 0), (11, 8), (14, 8)):
            assert graph[leaf, root] > 0
            assert graph[root, leaf] == 0

    def test_the_choice_of_neighbours_has_no_gradient_and_ignores_autocast(self):
        x = torch.randn(2, 9, 8, requires_grad=True)
        links = most_similar(x, 2)
        assert not links.requires_grad
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(most_similar(x, 2), links)

    def test_it_trains_in_bfloat16(self):
        model = create_model("motionagformer-tiny", frames=9)
        with torch.autocast("cpu", torch.bfloat16):
            model(torch.randn(2, 9, 17, 3)).float().square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


class TestLengths:
    def test_every_layer_is_built_for_its_own_number_of_frames(self):
        model = MotionAGFormer(frames=[9, 9, 4], dim=16, depth=3)
        assert (model.frames, model.lengths, model.config["frames"]) == (9, (9, 9, 4), [9, 9, 4])
        assert MotionAGFormer(frames=9, dim=16, depth=3).lengths == (9, 9, 9)
        tokens = torch.zeros(1, 9, 17, 16)
        assert model.layer(1, tokens).shape == tokens.shape
        with pytest.raises(ModelError, match=r"layer 2 of this MotionAGFormer takes 4 frames and got 9.*hourglass"):
            model.layer(2, tokens)
        with pytest.raises(ModelError, match="layer 2"):
            model(torch.zeros(1, 9, 17, 3))

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"frames": [9, 9]}, "one number for each of 3 layers .*, not 2"),
            ({"frames": [9, 4, 5]}, "should never increase"),
            ({"frames": [9, 4, 0]}, "the last should be 1 or more"),
            ({"frames": 0}, "the last should be 1 or more"),
            ({"depth": 0}, "each of 0 layers"),
            ({"heads": 5}, "5 heads do not divide 16"),
            ({"neighbours": 0}, "should be 1 or more .*, not 0"),
        ],
    )
    def test_impossible_sizes_are_refused(self, settings, says):
        with pytest.raises(ModelError, match=says):
            MotionAGFormer(**{"frames": 9, "dim": 16, "depth": 3} | settings)

    @pytest.mark.parametrize("schedule", [{1: 4}, {2: 3}, {1: 9, 2: 8}, {1: 6, 2: 4}])
    def test_a_waist_of_another_schedule_is_refused(self, schedule):
        model = MotionAGFormer(frames=[9, 9, 4], dim=16, depth=3)
        assert hourglass(model, keep=4, at=2)(torch.zeros(1, 9, 17, 3)).shape == (1, 9, 17, 3)
        needed = [9, schedule.get(1, 9), schedule.get(2, schedule.get(1, 9))]
        with pytest.raises(ModelError, match=r"build it with frames=\[{}, {}, {}\]".format(*needed)):
            hourglass(model, keep=schedule)

    def test_a_named_size_is_built_for_the_lengths_of_the_schedule(self):
        fast = pg.hourglass("motionagformer-xs", keep=9, at=3)
        assert fast.backbone.lengths == (27,) * 3 + (9,) * 9
        assert fast(torch.zeros(1, 27, 17, 3)).shape == (1, 27, 17, 3)
        assert pg.hourglass("motionagformer-tiny", keep={1: 0.5, 2: 3}, frames=12).backbone.lengths == (12, 6, 3)
        with pytest.raises(ModelError, match="before its layers 1 to 2, not 3"):
            pg.hourglass("motionagformer-tiny", keep=9, at=3)
        with pytest.raises(ModelError, match="keep 1 to 27 frames, not 28"):
            pg.hourglass("motionagformer-tiny", keep=28, at=1)

    def test_a_named_size_of_another_backbone_equals_create_model(self):
        torch.manual_seed(0)
        wrapped = pg.hourglass("mixste-tiny", keep=3, at=1, frames=9)
        torch.manual_seed(0)
        plain = create_model("mixste-tiny", frames=9)
        assert wrapped.backbone.config == plain.config
        assert all(
            torch.equal(value, plain.state_dict()[name]) for name, value in wrapped.backbone.state_dict().items()
        )
        with pytest.raises(
            ModelError, match=r"frames= is only for a model given by name; this MixSTE already has 9 frames"
        ):
            hourglass(plain, keep=3, at=1, frames=9)
        with pytest.raises(ModelError, match="no model is called"):
            hourglass("mixst", keep=3, at=1)

    def test_layer_lengths_are_saved_and_restored(self, tmp_path):
        model = hourglass("motionagformer-tiny", keep={1: 5, 2: 2}, frames=9).eval()
        nn.init.normal_(model.recoverer.queries)
        back = weights.load(weights.save(model, tmp_path))
        assert back.backbone.lengths == (9, 5, 2)
        assert torch.equal(back(torch.ones(1, 9, 17, 3)), model(torch.ones(1, 9, 17, 3)))


class TestCheckpoints:
    @pytest.mark.parametrize("wrapping", published.WRAPPINGS)
    def test_every_published_wrapping_is_read(self, tmp_path, wrapping):
        model = weights.load(published.write(state(WAIST, waist=True), tmp_path / "x.pth.tr", wrapping))
        assert isinstance(model, Hourglass)
        assert (model.schedule, model.backbone.lengths) == ({2: 4}, WAIST)
        assert (model.backbone.heads, model.recoverer.attention.heads) == (4, 4)
        assert model.backbone.config["neighbours"] == 4
        plain = weights.load(published.write(state(), tmp_path / "x.pth.tr", wrapping))
        assert isinstance(plain, MotionAGFormer)
        assert (plain.heads, plain.config["neighbours"], plain.lengths) == (8, 2, PLAIN)

    def test_the_lengths_show_which_layer_prunes(self, tmp_path):
        path = published.write(state(WAIST, waist=True), tmp_path / "x.pth")
        assert weights.load(path, at=2).schedule == {2: 4}
        for wrong in (0, 1, 3):
            with pytest.raises(WeightsError, match=rf"prunes before layer 2, as its layers' lengths show, not {wrong}"):
                weights.load(path, at=wrong)
        even = published.write(
            state(waist=True), tmp_path / "even.pth"
        )  # it keeps all frames, so the lengths do not show where
        assert weights.load(even, at=1).schedule == {1: 9}

    @pytest.mark.parametrize("lengths", [(9, 9, 5), (9, 6, 4), (9, 9, 9)])
    def test_lengths_that_do_not_fit_the_waist_are_refused(self, tmp_path, lengths):
        broken = state(lengths, waist=True) | {"pos_embed_token": np.zeros((1, 4, 16), np.float32)}
        with pytest.raises(WeightsError, match="pos_embed_token is for 4 frames"):
            weights.load(published.write(broken, tmp_path / "x.pth"))

    @pytest.mark.parametrize(
        "key",
        [
            "layers.1.graph_temporal.mixer.batch_norm.weight",
            "layers.0.graph_spatial.mixer.batch_norm.num_batches_tracked",
            "layers.2.att_spatial.layer_scale_2",
            "layers.1.graph_spatial.mixer.U.bias",
            "layers.1.fusion.weight",
            "rep_logit.fc.bias",
            "pos_embed",
        ],
    )
    def test_missing_keys_are_listed_by_their_published_names(self, tmp_path, key):
        broken = state()
        del broken[key]
        with pytest.raises(WeightsError, match=rf"1 missing: {key}$"):
            weights.load(published.write(broken, tmp_path / "x.pth"))


def test_parameter_counts_match_the_papers():
    sizes = {"xs": (12, 64, 27, 2.2), "s": (26, 64, 81, 4.8), "b": (16, 128, 243, 11.7), "l": (26, 128, 243, 19.0)}
    with torch.device("meta"):
        for name, (depth, dim, frames, millions) in sizes.items():
            model = create_model(f"motionagformer-{name}")
            assert (model.depth, model.dim, model.frames, model.heads) == (depth, dim, frames, 8)
            assert round(sum(p.numel() for p in model.parameters()) / 1e6, 1) == millions
        hot = hourglass(MODELS["motionagformer-hot"](frames=[243] * 7 + [81] * 9), keep=81, at=7)
    # MotionAGFormer 11.72 M and HoT w. MotionAGFormer 11.83 M parameters.
    assert round(sum(p.numel() for p in hot.parameters()) / 1e6, 2) == 11.83
    assert round(sum(p.numel() for p in hot.backbone.parameters()) / 1e6, 2) == 11.72
