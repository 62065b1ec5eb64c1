"""The promises of backbones, pruners and recoverers, in every combination, with one stage and with a pyramid."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from poseglass.errors import ModelError
from poseglass.models import (
    MODELS,
    MHFormer,
    MixSTE,
    MotionAGFormer,
    MotionBERT,
    PoseTransformer,
    create_model,
    list_models,
)
from poseglass.waist.hourglass import Funnel, Hourglass, funnel, hourglass
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS
from poseglass.weights import files as weights

FRAMES, CLIPS = 12, 3
SCHEDULES = {"one stage": {2: 5}, "pyramid": {1: 7, 2: 7, 3: 4}}


def tiny_mixste(inputs: int) -> MixSTE:
    return MixSTE(frames=FRAMES, dim=16, depth=4, heads=4, inputs=inputs)


def tiny_motionbert(inputs: int) -> MotionBERT:
    return MotionBERT(frames=FRAMES, dim=16, rep=24, depth=4, heads=4, mlp_ratio=2, inputs=inputs)


def tiny_mhformer(inputs: int) -> MHFormer:
    return MHFormer(frames=FRAMES, dim=16, depth=4, heads=4, hidden=24, encoder_depth=1, encoder_heads=3, inputs=inputs)


def tiny_motionagformer(inputs: int, frames: int | list[int] = FRAMES) -> MotionAGFormer:
    return MotionAGFormer(frames=frames, dim=16, depth=4, heads=4, inputs=inputs, rep=24)


# A small stand-in for each class of MODELS; a class without one fails `test_every_model_has_a_stand_in`.
BACKBONES = {
    "MixSTE": tiny_mixste,
    "MotionBERT": tiny_motionbert,
    "MHFormer": tiny_mhformer,
    "MotionAGFormer": tiny_motionagformer,
}
COMBINATIONS = list(product(BACKBONES, PRUNERS, RECOVERERS, SCHEDULES))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def stand_in(name: str, schedule: Mapping[int, int]) -> PoseTransformer:
    """The stand-in of that name, its layers built for the frames of a schedule if that matters."""
    plain = BACKBONES[name](2)
    if plain.lengths is None:
        return plain
    return BACKBONES[name](2, [min([FRAMES, *(k for n, k in schedule.items() if n <= i)]) for i in range(plain.depth)])


def filled(model: nn.Module) -> nn.Module:
    """Fill all parameters near zero with random numbers, so that no branch is switched off."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.abs().max() < 1e-4:
            nn.init.normal_(parameter, std=0.5)
    return model


def waisted(backbone: str, prune: str, recover: str, schedule: str) -> Hourglass:
    """One of the combinations, with no branch switched off."""
    torch.manual_seed(0)
    model = hourglass(stand_in(backbone, SCHEDULES[schedule]), keep=SCHEDULES[schedule], prune=prune, recover=recover)
    return filled(model).eval()


@pytest.fixture(params=COMBINATIONS, ids=", ".join)
def model(request) -> Hourglass:
    return waisted(*request.param)


@pytest.fixture(params=BACKBONES)
def build_for(request) -> Callable[[Mapping[int, int]], PoseTransformer]:
    """A function that builds a backbone for a schedule."""

    def make(schedule: Mapping[int, int]) -> PoseTransformer:
        torch.manual_seed(0)
        return filled(stand_in(request.param, schedule)).eval()

    return make


@pytest.fixture
def backbone(build_for) -> PoseTransformer:
    return build_for({})


def clips(inputs: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(CLIPS, FRAMES, 17, inputs, generator=torch.Generator().manual_seed(seed))


def test_every_model_has_a_stand_in():
    with torch.device("meta"):
        classes = {type(create_model(name)).__name__ for name in MODELS}
    assert classes == set(BACKBONES)


class TestHourglass:
    def test_full_length_out(self, model):
        assert model(clips()).shape == (CLIPS, FRAMES, 17, 3)
        assert model.frames == FRAMES
        assert model.inputs == 2

    def test_kept_frames_rise_and_number_as_scheduled(self, model):
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

    def test_evaluation_repeats_bit_for_bit(self, model):
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
        # A key's bias adds the same to all of a query's logits, so softmax cancels it, and BatchNorm cancels a bias
        # right before it. Their gradients are rounding, or nothing.
        assert all(
            re.search(r"attention(s\.\d)?\.key\.bias|embeddings\.\d\.0\.bias|head_norm\.bias", n) for n in without
        )

    def test_kept_frames_are_used_again(self, model):
        trace = model.trace(clips())
        other = model.trace(clips(seed=5), kept=trace.kept)
        assert all(torch.equal(kept, trace.kept[layer]) for layer, kept in other.kept.items())
        again = model.trace(clips(), kept=trace.kept)
        assert torch.equal(again.pose3d, trace.pose3d)

    def test_state_dict_round_trip(self, model):
        fresh = stand_in(type(model.backbone).__name__, model.schedule)
        recover = type(model.recoverer).for_backbone(fresh)
        twin = hourglass(fresh, keep=model.schedule, prune=type(model.pruner)(), recover=recover).eval()
        twin.load_state_dict(model.state_dict())
        assert torch.equal(twin(clips()), model(clips()))

    @pytest.mark.parametrize("half", [False, True])
    def test_save_and_load(self, model, half, tmp_path):
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
        whole = backbone.lengths is None or keep == FRAMES  # it also runs without its waist
        before = {name: value.clone() for name, value in backbone.state_dict().items()}
        plain = backbone(clips()) if whole else None
        wrapped = hourglass(backbone, keep=keep, at=2)
        wrapped(clips())
        assert wrapped.backbone is backbone
        assert plain is None or torch.equal(backbone(clips()), plain)
        assert all(torch.equal(value, backbone.state_dict()[name]) for name, value in before.items())
        own = sum(p.numel() for p in wrapped.own_parameters())
        assert own == sum(p.numel() for p in wrapped.parameters()) - sum(p.numel() for p in backbone.parameters())

    def test_bfloat16_is_close(self, model):
        autocast = len(model.schedule) > 1  # a pyramid by autocast, one stage by casting the whole model
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
        # It may keep other frames where scores nearly tie. With the same frames it differs by rounding only.
        assert (same.float() - plain.pose3d).norm() < 0.05 * plain.pose3d.norm()

    @pytest.mark.parametrize("prune", PRUNERS)
    @pytest.mark.parametrize("recover", ["interpolate", "nearest"])
    @pytest.mark.parametrize("schedule", [{2: FRAMES}, {1: FRAMES, 3: FRAMES}])
    def test_a_waist_that_keeps_all_changes_nothing(self, backbone, prune, recover, schedule):
        wide = hourglass(backbone, keep=schedule, prune=prune, recover=recover)
        with torch.inference_mode():
            trace = wide.trace(clips())
            assert torch.equal(trace.pose3d, backbone(clips()))
        assert all(kept.tolist() == [list(range(FRAMES))] * CLIPS for kept in trace.kept.values())

    def test_the_embedding_of_kept_frames_starts_at_zero_and_takes_part(self, build_for):
        fast = hourglass(build_for({2: 5}), keep=5, at=2, recover="interpolate")
        assert fast.kept_embedding["2"].shape == (1, 5, 1, 16)
        assert not fast.kept_embedding["2"].any()
        before = fast(clips())
        nn.init.normal_(fast.kept_embedding["2"])
        assert not torch.equal(fast(clips()), before)

    def test_layers_before_the_waist_see_all_frames_and_those_after_it_few(self, model, monkeypatch):
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
        # Attention maps are computed only where they are needed.
        assert reporting == ({layer - 1 for layer in model.schedule} if model.pruner.needs_attention else set())
        kept = model.trace(clips()).kept
        reporting.clear()
        model.trace(clips(), kept=kept)
        assert not reporting, "no frames are chosen, so no attention is needed"


@pytest.fixture(params=list(product(BACKBONES, PRUNERS, SCHEDULES)), ids=", ".join)
def narrow(request) -> Funnel:
    backbone, prune, schedule = request.param
    torch.manual_seed(0)
    # Not the centre: after the first stage, this frame is at another index in each clip of the batch.
    return filled(
        funnel(stand_in(backbone, SCHEDULES[schedule]), keep=SCHEDULES[schedule], prune=prune, always=8)
    ).eval()


class TestFunnel:
    def test_the_kept_frames_out(self, narrow):
        trace = narrow.trace(clips())
        last = narrow.schedule[max(narrow.schedule)]
        assert narrow(clips()).shape == trace.pose3d.shape == (CLIPS, last, 17, 3)
        assert (narrow.frames, narrow.inputs) == (FRAMES, 2)
        assert {layer: kept.shape for layer, kept in trace.kept.items()} == {
            layer: (CLIPS, keep) for layer, keep in narrow.schedule.items()
        }

    def test_every_stage_keeps_the_frame_always(self, narrow):
        for always in range(FRAMES):
            narrow.always = always
            outer = torch.arange(FRAMES).expand(CLIPS, -1)
            for kept in narrow.trace(clips(seed=always)).kept.values():
                assert (kept.diff(dim=1) > 0).all()
                assert (kept == always).any(1).all()
                for row, within in zip(kept.tolist(), outer.tolist(), strict=True):
                    assert set(row) <= set(within), "a pyramid only ever drops frames"
                outer = kept

    def test_the_centre_is_kept_by_default(self, build_for):
        assert funnel(build_for({2: 5}), keep=5, at=2).always == FRAMES // 2
        assert funnel(build_for({2: 5}), keep=5, at=2, always=0).always == 0
        assert (funnel(build_for({2: 1}), keep=1, at=2).trace(clips()).kept[2] == FRAMES // 2).all()

    def test_one_that_keeps_all_changes_nothing(self, backbone):
        wide = funnel(backbone, keep={1: FRAMES, 3: FRAMES})
        assert wide.backbone is backbone
        with torch.inference_mode():
            assert torch.equal(wide(clips()), backbone(clips()))

    def test_the_poses_are_those_of_an_hourglass_before_it_widens(self, narrow):
        full = hourglass(narrow.backbone, keep=narrow.schedule, recover="interpolate").eval()
        trace = narrow.trace(clips())
        last = trace.kept[max(trace.kept)]
        wide = full.trace(clips(), kept=trace.kept).pose3d
        assert torch.equal(torch.stack([pose[rows] for pose, rows in zip(wide, last, strict=True)]), trace.pose3d)

    def test_evaluation_repeats_and_clips_do_not_affect_each_other(self, narrow):
        with torch.inference_mode():
            first, second = narrow.trace(clips()), narrow.trace(clips())
            assert torch.equal(first.pose3d, second.pose3d)
            assert all(torch.equal(kept, second.kept[layer]) for layer, kept in first.kept.items())
            for number in range(CLIPS):
                alone = narrow.trace(clips()[number : number + 1])
                torch.testing.assert_close(alone.pose3d[0], first.pose3d[number], atol=1e-5, rtol=1e-4)
                assert all(torch.equal(kept[0], first.kept[layer][number]) for layer, kept in alone.kept.items())

    def test_kept_frames_are_used_again(self, narrow):
        trace = narrow.trace(clips())
        other = narrow.trace(clips(seed=5), kept=trace.kept)
        assert all(torch.equal(kept, trace.kept[layer]) for layer, kept in other.kept.items())
        assert torch.equal(narrow.trace(clips(), kept=trace.kept).pose3d, trace.pose3d)
        without = {
            layer: torch.tensor([[f for f in range(FRAMES) if f != narrow.always][:keep]] * CLIPS)
            for layer, keep in narrow.schedule.items()
        }
        with pytest.raises(ModelError, match="must contain frame 8"):
            narrow.trace(clips(), kept=without)

    def test_state_dict_round_trip(self, narrow):
        plain = stand_in(type(narrow.backbone).__name__, narrow.schedule)
        plain.load_state_dict(narrow.backbone.state_dict())
        assert [f"backbone.{name}" for name in plain.state_dict()] == list(narrow.state_dict())
        twin = funnel(plain, keep=narrow.schedule, prune=narrow.pruner, always=narrow.always).eval()
        assert torch.equal(twin(clips()), narrow(clips()))

    def test_save_and_load(self, narrow, tmp_path):
        back = weights.load(weights.save(narrow, tmp_path))
        assert isinstance(back, Funnel)
        assert (back.schedule, back.always, type(back.pruner)) == (narrow.schedule, 8, type(narrow.pruner))
        assert torch.equal(back(clips()), narrow(clips()))

    @pytest.mark.parametrize("always", [-1, FRAMES])
    def test_a_frame_that_is_not_there(self, build_for, always):
        with pytest.raises(ModelError, match=f"from 0 to 11, not {always}"):
            funnel(build_for({2: 5}), keep=5, at=2, always=always)

    def test_schedules_and_names_as_for_a_waist(self, build_for, backbone):
        assert funnel(build_for({2: 6}), keep=0.5, at=2).schedule == {2: 6}
        for wrong in ({"keep": {}}, {"keep": 5}, {"keep": 5, "at": 4}, {"keep": 5, "at": 2, "prune": "densty"}):
            with pytest.raises(ModelError):
                funnel(backbone, **wrong)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_comes_back_from_disk(name, tmp_path):
    model = filled(BACKBONES[name](3)).eval()
    back = weights.load(weights.save(model, tmp_path))
    assert type(back) is type(model)
    assert torch.equal(back(clips(3)), model(clips(3)))


class TestErrors:
    @pytest.mark.parametrize(
        ("shape", "says"),
        [
            ((1, FRAMES + 1, 17, 2), "built for 12 frames and got 13; build it with frames=13 or cut"),
            ((1, FRAMES, 17, 3), r"expects x, y for each joint, got 3 numbers"),
            ((FRAMES, 17, 2), r"expects \(clips, frames, joints, 2\), got shape \(12, 17, 2\)"),
            ((1, FRAMES, 16, 2), "17 joints and got 16"),
            ((1, FRAMES, 1, 2), "17 joints and got 1"),
        ],
    )
    @pytest.mark.parametrize("waist", [False, True])
    def test_inputs(self, build_for, waist, shape, says, as_used):
        model = hourglass(build_for({2: 5}), keep=5, at=2) if waist else build_for({})
        with pytest.raises(ModelError, match=says):
            model(torch.zeros(shape))

    def test_inputs_with_scores(self, as_used):
        for make in BACKBONES.values():
            assert make(3)(clips(3)).shape == (CLIPS, FRAMES, 17, 3)
            with pytest.raises(ModelError, match="expects x, y, score for each joint, got 2"):
                make(3)(clips(2))

    @pytest.mark.parametrize(
        ("schedule", "says"),
        [
            ({}, "empty"),
            ({0: 5}, r"before its layers 1 to 3, not 0"),
            ({4: 5}, "not 4"),
            ({2: 13}, "layer 2 can keep 1 to 12 frames, not 13"),
            ({2: 0}, "1 to 12 frames, not 0"),
            ({1: 5, 2: 6}, "layer 2 can keep 1 to 5 frames, not 6"),
            ({2: 5, 1: 3}, "must increase"),
        ],
    )
    def test_schedules(self, backbone, schedule, says):
        with pytest.raises(ModelError, match=says):
            hourglass(backbone, keep=schedule)

    def test_arguments(self, backbone):
        with pytest.raises(ModelError, match="leave out at="):
            hourglass(backbone, keep={2: 5}, at=2)
        with pytest.raises(ModelError, match="at=3"):
            hourglass(backbone, keep=5)
        with pytest.raises(ModelError, match=r"'densty'.*density, attention, motion, uniform"):
            hourglass(backbone, keep=5, at=2, prune="densty")
        with pytest.raises(ModelError, match=r"'nearly'.*attention, interpolate, nearest"):
            hourglass(backbone, keep=5, at=2, recover="nearly")

    def test_shares_of_the_clip(self, build_for):
        assert hourglass(build_for({2: 6}), keep=0.5, at=2).schedule == {2: 6}
        assert hourglass(build_for({1: 12, 2: 3}), keep={1: 1.0, 2: 0.25}).schedule == {1: 12, 2: 3}
        assert hourglass(build_for({2: 12}), keep=12, at=2).schedule == {2: 12}
        with pytest.raises(ModelError, match=r"not 2\.0"):
            hourglass(build_for({}), keep=2.0, at=2)

    @pytest.mark.parametrize(
        ("kept", "says"),
        [
            ({}, "shapes"),
            ({1: [0, 1, 2, 3, 4]}, "shapes"),
            ({1: [0, 2, 4, 6, 8], 2: [0, 2, 4]}, r"\{1: \(1, 5\), 3: \(1, 3\)\}"),
            ({1: [0, 2, 4, 6], 3: [0, 2, 4]}, "shapes"),
            ({1: [0, 2, 4, 6, 12], 3: [0, 2, 4]}, r"kept\[1\] must be strictly increasing and stay within 0..11"),
            ({1: [-1, 2, 4, 6, 8], 3: [2, 4, 6]}, r"kept\[1\]"),
            ({1: [0, 2, 2, 6, 8], 3: [0, 2, 6]}, r"kept\[1\]"),
            ({1: [0, 2, 4, 6, 8], 3: [4, 2, 0]}, r"kept\[3\]"),
            ({1: [0, 2, 4, 6, 8], 3: [0, 3, 4]}, r"kept\[3\] must be a subset of the frames"),
        ],
    )
    def test_kept_frames_that_do_not_follow_the_schedule(self, build_for, kept, says, as_used):
        fast = hourglass(build_for({1: 5, 3: 3}), keep={1: 5, 3: 3})
        with pytest.raises(ModelError, match=says):
            fast.trace(clips()[:1], kept={layer: torch.tensor([frames]) for layer, frames in kept.items()})

    def test_names_of_models(self):
        assert list_models() == list(MODELS)
        assert "mixste" in list_models()
        with pytest.raises(ModelError, match=r"'mixst'.*mixste"):
            create_model("mixst")

    def test_heads_that_do_not_divide(self):
        with pytest.raises(ModelError, match="5 heads do not divide 16"):
            MixSTE(dim=16, heads=5)


def test_the_sizes_are_the_published_ones():
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
