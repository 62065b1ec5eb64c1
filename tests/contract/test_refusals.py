"""Inputs, schedules and arguments that models with and without a waist refuse."""

import pytest
import stand_ins
import torch
from stand_ins import BACKBONES, CLIPS, FRAMES, clips

from poseglass.errors import ModelError
from poseglass.models import (
    MODELS,
    MixSTE,
    create_model,
    list_models,
)
from poseglass.waist.hourglass import hourglass

backbone, build_for, one_thread = stand_ins.backbone, stand_ins.build_for, stand_ins.one_thread  # fixtures


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
def test_inputs_of_the_wrong_shape_are_refused(build_for, waist, shape, says, as_used):
    model = hourglass(build_for({2: 5}), keep=5, at=2) if waist else build_for({})
    with pytest.raises(ModelError, match=says):
        model(torch.zeros(shape))


def test_a_model_that_needs_scores_refuses_input_without_them(as_used):
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
def test_impossible_schedules_are_refused(backbone, schedule, says):
    with pytest.raises(ModelError, match=says):
        hourglass(backbone, keep=schedule)


def test_contradictory_and_unknown_arguments_are_refused(backbone):
    with pytest.raises(ModelError, match="leave out at="):
        hourglass(backbone, keep={2: 5}, at=2)
    with pytest.raises(ModelError, match="at=3"):
        hourglass(backbone, keep=5)
    with pytest.raises(ModelError, match=r"'densty'.*density, attention, motion, uniform"):
        hourglass(backbone, keep=5, at=2, prune="densty")
    with pytest.raises(ModelError, match=r"'nearly'.*attention, interpolate, nearest"):
        hourglass(backbone, keep=5, at=2, recover="nearly")


def test_shares_of_the_clip_become_frame_counts(build_for):
    assert hourglass(build_for({2: 6}), keep=0.5, at=2).schedule == {2: 6}
    assert hourglass(build_for({1: 12, 2: 3}), keep={1: 1.0, 2: 0.25}).schedule == {1: 12, 2: 3}
    assert hourglass(build_for({2: 12}), keep=12, at=2).schedule == {2: 12}
    for share in (2.0, 0.0):
        with pytest.raises(ModelError, match=rf"a share of the clip must be above 0 and at most 1, not {share}"):
            hourglass(build_for({}), keep=share, at=2)


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
def test_given_kept_frames_must_follow_the_schedule(build_for, kept, says, as_used):
    fast = hourglass(build_for({1: 5, 3: 3}), keep={1: 5, 3: 3})
    with pytest.raises(ModelError, match=says):
        fast.trace(clips()[:1], kept={layer: torch.tensor([frames]) for layer, frames in kept.items()})


def test_model_names_are_listed_and_unknown_ones_refused():
    assert list_models() == list(MODELS)
    assert "mixste" in list_models()
    with pytest.raises(ModelError, match=r"'mixst'.*mixste"):
        create_model("mixst")


def test_heads_must_divide_the_channels():
    with pytest.raises(ModelError, match="5 heads do not divide 16"):
        MixSTE(dim=16, heads=5)
