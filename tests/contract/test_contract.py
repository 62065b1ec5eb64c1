"""The contract of backbones, pruners and recoverers in every combination, with one stage and with a pyramid."""

import re
from itertools import product

import pytest
import stand_ins
import torch
from stand_ins import BACKBONES, CLIPS, FRAMES, SCHEDULES, clips, filled, stand_in
from torch import Tensor, nn

from poseglass.models import (
    MODELS,
    MixSTE,
    create_model,
)
from poseglass.waist.hourglass import Hourglass, hourglass
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS
from poseglass.weights import files as weights

backbone, build_for, one_thread = stand_ins.backbone, stand_ins.build_for, stand_ins.one_thread  # fixtures
COMBINATIONS = list(product(BACKBONES, PRUNERS, RECOVERERS, SCHEDULES))


def waisted(backbone: str, prune: str, recover: str, schedule: str) -> Hourglass:
    """One combination, with no branch switched off."""
    torch.manual_seed(0)
    model = hourglass(stand_in(backbone, SCHEDULES[schedule]), keep=SCHEDULES[schedule], prune=prune, recover=recover)
    return filled(model).eval()


@pytest.fixture(params=COMBINATIONS, ids=", ".join)
def model(request) -> Hourglass:
    return waisted(*request.param)


def test_every_model_has_a_stand_in():
    with torch.device("meta"):
        classes = {type(create_model(name)).__name__ for name in MODELS}
    assert classes == set(BACKBONES)


class TestHourglass:
    def test_an_hourglass_returns_every_frame(self, model):
        assert model(clips()).shape == (CLIPS, FRAMES, 17, 3)
        assert model.frames == FRAMES
        assert model.inputs == 2

    def test_kept_frames_are_sorted_and_counted_as_scheduled(self, model):
        trace = model.trace(clips())
        assert {layer: kept.shape for layer, kept in trace.kept.items()} == {
            layer: (CLIPS, keep) for layer, keep in model.schedule.items()
        }
        outer = torch.arange(FRAMES).expand(CLIPS, -1)
        for kept in trace.kept.values():
            assert (kept.diff(dim=1) > 0).all()
            for row, within in zip(kept.tolist(), outer.tolist(), strict=True):
                assert set(row) <= set(within), "a pyramid only ever drops frames"
            outer = kept

    def test_repeated_evaluation_gives_the_same_bits(self, model):
        with torch.inference_mode():
            first, second = model.trace(clips()), model.trace(clips())
        assert torch.equal(first.pose3d, second.pose3d)
        assert all(torch.equal(kept, second.kept[layer]) for layer, kept in first.kept.items())

    def test_a_clip_keeps_the_same_frames_alone_and_in_a_batch(self, model):
        with torch.inference_mode():
            together = model.trace(clips())
            for number in range(CLIPS):
                alone = model.trace(clips()[number : number + 1])
                torch.testing.assert_close(alone.pose3d[0], together.pose3d[number], atol=1e-5, rtol=1e-4)
                for layer, kept in alone.kept.items():
                    assert torch.equal(kept[0], together.kept[layer][number])

    def test_gradients_reach_every_parameter(self, model):
        model.train()(clips()).square().sum().backward()
        without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        # A key's bias adds the same to all logits of a query, so softmax cancels it; BatchNorm cancels a bias
        # right before it. Their gradients are rounding errors or zero.
        assert all(
            re.search(r"attention(s\.\d)?\.key\.bias|embeddings\.\d\.0\.bias|head_norm\.bias", n) for n in without
        )

    def test_given_kept_frames_reproduce_the_output(self, model):
        trace = model.trace(clips())
        other = model.trace(clips(seed=5), kept=trace.kept)
        assert all(torch.equal(kept, trace.kept[layer]) for layer, kept in other.kept.items())
        again = model.trace(clips(), kept=trace.kept)
        assert torch.equal(again.pose3d, trace.pose3d)

    def test_a_state_dict_restores_the_model(self, model):
        fresh = stand_in(type(model.backbone).__name__, model.schedule)
        recover = type(model.recoverer).for_backbone(fresh)
        twin = hourglass(fresh, keep=model.schedule, prune=type(model.pruner)(), recover=recover).eval()
        twin.load_state_dict(model.state_dict())
        assert torch.equal(twin(clips()), model(clips()))

    @pytest.mark.parametrize("half", [False, True])
    def test_a_saved_model_is_restored(self, model, half, tmp_path):
        back = weights.load(weights.save(model, tmp_path, half=half))
        assert isinstance(back, Hourglass)
        assert (back.schedule, type(back.pruner), type(back.recoverer)) == (
            model.schedule,
            type(model.pruner),
            type(model.recoverer),
        )
        trace = model.trace(clips())
        result = back.trace(clips(), kept=trace.kept).pose3d
        if half:
            torch.testing.assert_close(result, trace.pose3d, atol=0.02, rtol=0.02)
        else:
            assert torch.equal(result, trace.pose3d)

    @pytest.mark.parametrize("keep", [5, FRAMES])
    def test_the_backbone_is_wrapped_and_not_changed(self, build_for, keep):
        backbone = build_for({2: keep})
        whole = backbone.lengths is None or keep == FRAMES  # it can also run without its waist
        before = {name: value.clone() for name, value in backbone.state_dict().items()}
        plain = backbone(clips()) if whole else None
        wrapped = hourglass(backbone, keep=keep, at=2)
        wrapped(clips())
        assert wrapped.backbone is backbone
        assert plain is None or torch.equal(backbone(clips()), plain)
        assert all(torch.equal(value, backbone.state_dict()[name]) for name, value in before.items())
        own = sum(p.numel() for p in wrapped.own_parameters())
        assert own == sum(p.numel() for p in wrapped.parameters()) - sum(p.numel() for p in backbone.parameters())

    def test_bfloat16_stays_close_to_float32(self, model):
        autocast = len(model.schedule) > 1  # a pyramid with autocast, a single stage by casting the model
        with torch.inference_mode():
            plain = model.trace(clips())
            dtype = torch.float32 if autocast else torch.bfloat16
            half = model.to(dtype)
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                own = half.trace(clips().to(dtype))
                same = half.trace(clips().to(dtype), kept=plain.kept).pose3d
        assert own.pose3d.isfinite().all()
        assert {layer: kept.shape for layer, kept in own.kept.items()} == {
            n: (CLIPS, k) for n, k in half.schedule.items()
        }
        # It may keep other frames where scores nearly tie. With the same frames, only rounding differs.
        assert (same.float() - plain.pose3d).norm() < 0.05 * plain.pose3d.norm()

    @pytest.mark.parametrize("prune", PRUNERS)
    @pytest.mark.parametrize("recover", ["interpolate", "nearest"])
    @pytest.mark.parametrize("schedule", [{2: FRAMES}, {1: FRAMES, 3: FRAMES}])
    def test_a_waist_that_keeps_all_frames_changes_nothing(self, backbone, prune, recover, schedule):
        wide = hourglass(backbone, keep=schedule, prune=prune, recover=recover)
        with torch.inference_mode():
            trace = wide.trace(clips())
            assert torch.equal(trace.pose3d, backbone(clips()))
        assert all(kept.tolist() == [list(range(FRAMES))] * CLIPS for kept in trace.kept.values())

    def test_the_embedding_of_kept_frames_starts_at_zero_and_has_an_effect(self, build_for):
        fast = hourglass(build_for({2: 5}), keep=5, at=2, recover="interpolate")
        assert fast.kept_embedding["2"].shape == (1, 5, 1, 16)
        assert not fast.kept_embedding["2"].any()
        before = fast(clips())
        nn.init.normal_(fast.kept_embedding["2"])
        assert not torch.equal(fast(clips()), before)

    def test_layers_before_the_waist_get_all_frames_and_later_ones_the_kept(self, model, monkeypatch):
        frames_at: dict[int, int] = {}
        layer = model.backbone.layer

        reporting: set[int] = set()

        def spy(index: int, tokens: Tensor, received: list[Tensor] | None = None) -> Tensor:
            frames_at[index] = tokens.shape[1]
            reporting.update([] if received is None else [index])
            return layer(index, tokens, received)

        monkeypatch.setattr(model.backbone, "layer", spy)
        model(clips())
        frames = FRAMES
        for index in range(model.backbone.depth):
            frames = model.schedule.get(index, frames)
            assert frames_at[index] == frames
        # Attention maps are computed only where needed.
        assert reporting == ({layer - 1 for layer in model.schedule} if model.pruner.needs_attention else set())
        kept = model.trace(clips()).kept
        reporting.clear()
        model.trace(clips(), kept=kept)
        assert not reporting, "no frames are chosen, so no attention is needed"


@pytest.mark.parametrize("name", BACKBONES)
def test_a_saved_backbone_is_restored(name, tmp_path):
    model = filled(BACKBONES[name](3)).eval()
    back = weights.load(weights.save(model, tmp_path))
    assert type(back) is type(model)
    assert torch.equal(back(clips(3)), model(clips(3)))


def test_parameter_counts_match_the_papers():
    with torch.device("meta"):
        model = create_model("mixste")
        hot = hourglass(model, keep=81, at=3)
        mhformer = create_model("mhformer")
    # MixSTE 33.78 M and HoT w. MixSTE 35.00 M parameters.
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 2) == 33.78
    assert round(sum(p.numel() for p in hot.parameters()) / 1e6, 2) == 35.00
    assert (model.frames, model.inputs, model.dim, model.depth) == (243, 2, 512, 8)
    assert round(sum(p.numel() for p in mhformer.parameters()) / 1e6, 2) == 31.52
    assert (mhformer.frames, mhformer.inputs, mhformer.dim, mhformer.depth) == (351, 2, 512, 3)


def test_stochastic_depth_grows_with_the_layer_and_is_off_in_evaluation():
    model = MixSTE(frames=4, dim=8, depth=5, heads=2, drop=0.4)
    assert [round(block.drop.rate, 3) for block in model.temporal] == [0, 0.1, 0.2, 0.3, 0.4]
    drop = model.spatial[4].drop
    x = torch.ones(20000, 1, 1)
    torch.manual_seed(0)
    dropped = drop.train()(x)
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.6])
    assert dropped.mean() == pytest.approx(1, abs=0.03)
    assert torch.equal(drop.eval()(x), x)
