"""The contract of a funnel with every backbone and pruner, with one stage and with a pyramid."""

from itertools import product

import pytest
import stand_ins
import torch
from stand_ins import BACKBONES, CLIPS, FRAMES, SCHEDULES, clips, filled, stand_in

from poseglass.errors import ModelError
from poseglass.waist.hourglass import Funnel, funnel, hourglass
from poseglass.waist.prune import PRUNERS
from poseglass.weights import files as weights

backbone, build_for, one_thread = stand_ins.backbone, stand_ins.build_for, stand_ins.one_thread  # fixtures


@pytest.fixture(params=list(product(BACKBONES, PRUNERS, SCHEDULES)), ids=", ".join)
def narrow(request) -> Funnel:
    backbone, prune, schedule = request.param
    torch.manual_seed(0)
    # Not the centre: after the first stage, this frame has a different index in each clip of the batch.
    return filled(
        funnel(stand_in(backbone, SCHEDULES[schedule]), keep=SCHEDULES[schedule], prune=prune, always=8)
    ).eval()


class TestFunnel:
    def test_a_funnel_returns_the_kept_frames(self, narrow):
        trace = narrow.trace(clips())
        last = narrow.schedule[max(narrow.schedule)]
        assert narrow(clips()).shape == trace.pose3d.shape == (CLIPS, last, 17, 3)
        assert (narrow.frames, narrow.inputs) == (FRAMES, 2)
        assert {layer: kept.shape for layer, kept in trace.kept.items()} == {
            layer: (CLIPS, keep) for layer, keep in narrow.schedule.items()
        }

    def test_every_stage_keeps_the_frame_given_by_always(self, narrow):
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

    def test_a_funnel_that_keeps_all_frames_changes_nothing(self, backbone):
        wide = funnel(backbone, keep={1: FRAMES, 3: FRAMES})
        assert wide.backbone is backbone
        with torch.inference_mode():
            assert torch.equal(wide(clips()), backbone(clips()))

    def test_poses_of_a_funnel_are_those_of_an_hourglass_before_recovery(self, narrow):
        full = hourglass(narrow.backbone, keep=narrow.schedule, recover="interpolate").eval()
        trace = narrow.trace(clips())
        last = trace.kept[max(trace.kept)]
        wide = full.trace(clips(), kept=trace.kept).pose3d
        assert torch.equal(torch.stack([pose[rows] for pose, rows in zip(wide, last, strict=True)]), trace.pose3d)

    def test_evaluation_repeats_and_clips_are_independent(self, narrow):
        with torch.inference_mode():
            first, second = narrow.trace(clips()), narrow.trace(clips())
            assert torch.equal(first.pose3d, second.pose3d)
            assert all(torch.equal(kept, second.kept[layer]) for layer, kept in first.kept.items())
            for number in range(CLIPS):
                alone = narrow.trace(clips()[number : number + 1])
                torch.testing.assert_close(alone.pose3d[0], first.pose3d[number], atol=1e-5, rtol=1e-4)
                assert all(torch.equal(kept[0], first.kept[layer][number]) for layer, kept in alone.kept.items())

    def test_given_kept_frames_reproduce_the_output(self, narrow):
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

    def test_a_state_dict_restores_the_model(self, narrow):
        plain = stand_in(type(narrow.backbone).__name__, narrow.schedule)
        plain.load_state_dict(narrow.backbone.state_dict())
        assert [f"backbone.{name}" for name in plain.state_dict()] == list(narrow.state_dict())
        twin = funnel(plain, keep=narrow.schedule, prune=narrow.pruner, always=narrow.always).eval()
        assert torch.equal(twin(clips()), narrow(clips()))

    def test_a_saved_model_is_restored(self, narrow, tmp_path):
        back = weights.load(weights.save(narrow, tmp_path))
        assert isinstance(back, Funnel)
        assert (back.schedule, back.always, type(back.pruner)) == (narrow.schedule, 8, type(narrow.pruner))
        assert torch.equal(back(clips()), narrow(clips()))

    @pytest.mark.parametrize("always", [-1, FRAMES])
    def test_a_frame_outside_the_clip_is_refused(self, build_for, always):
        with pytest.raises(ModelError, match=f"from 0 to 11, not {always}"):
            funnel(build_for({2: 5}), keep=5, at=2, always=always)

    def test_a_funnel_takes_the_same_schedules_and_names_as_a_waist(self, build_for, backbone):
        assert funnel(build_for({2: 6}), keep=0.5, at=2).schedule == {2: 6}
        for wrong in ({"keep": {}}, {"keep": 5}, {"keep": 5, "at": 4}, {"keep": 5, "at": 2, "prune": "densty"}):
            with pytest.raises(ModelError):
                funnel(backbone, **wrong)
