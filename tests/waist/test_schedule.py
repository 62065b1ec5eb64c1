"""Other numbers of frames before the same layers."""

import numpy as np
import pytest
import torch

from poseglass.errors import ModelError
from poseglass.models import create_model
from poseglass.waist import schedule
from poseglass.waist.hourglass import funnel, hourglass
from poseglass.waist.schedule import frame_range, rescheduled


@pytest.mark.parametrize(
    ("before", "keep", "expected"),
    [
        ({1: 9}, 4, {1: 4}),
        ({1: 9}, 1, {1: 1}),
        ({1: 9}, 1.0, {1: 27}),
        ({1: 9}, 0.2, {1: 5}),
        ({1: 9}, {1: 0.5}, {1: 14}),
        ({1: 18, 2: 9}, 9, {1: 9, 2: 4}),
        ({1: 18, 2: 9}, 1.0, {1: 27, 2: 14}),
        ({1: 18, 2: 6}, 1, {1: 1, 2: 1}),
        ({1: 18, 2: 9}, {2: 3, 1: 0.5}, {1: 14, 2: 3}),
    ],
)
def test_the_first_stage_keeps_what_is_given_and_later_ones_their_proportion(before, keep, expected):
    changed = rescheduled(before, keep, create_model("mixste-tiny", frames=27))
    assert changed == expected
    assert [*changed] == [*expected], "layers stay in order"


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (0, "layer 1 can keep 1 to 27 frames, not 0"),
        (28, "layer 1 can keep 1 to 27 frames, not 28"),
        (-3, "not -3"),
        (0.001, "not 0"),
        (1.5, "share of the clip must be above 0 and at most 1, not 1.5"),
        (float("nan"), "not nan"),
        ({2: 9}, r"prunes before layers \[1\], so keep must name these, not \[2\]"),
        ({1: 9, 2: 3}, r"must name these, not \[1, 2\]"),
        ({}, r"must name these, not \[\]"),
    ],
)
def test_numbers_out_of_range_and_other_layers_are_refused(keep, words):
    for model in (hourglass("mixste-tiny", keep=9, at=1), funnel("mixste-tiny", keep=9, at=1)):
        with pytest.raises(ModelError, match=words):
            model.with_keep(keep)


# Not through `with_keep`, whose types the tests check.
@pytest.mark.parametrize("keep", ["0.3", True, [9], None, torch.tensor(9)])
def test_what_is_no_number_is_refused(keep):
    with pytest.raises(ModelError, match=r"a count \(an int\) or a share of the clip \(a float\), not"):
        schedule._count(1, keep, 27)


def test_a_layer_that_is_no_number_is_refused():
    with pytest.raises(ModelError, match="a layer must be a whole number, not '1'"):
        schedule._count("1", 9, 27)


@pytest.mark.parametrize(("keep", "frames"), [(np.int64(9), 9), (np.float32(0.3), 8), (np.float64(0.3), 8)])
def test_numbers_of_numpy_count_as_numbers(keep, frames):
    count = schedule._count(1, keep, 27)
    assert count == frames
    assert type(count) is int, "so that the schedule can be saved"


@pytest.mark.parametrize("build", [hourglass, funnel])
def test_a_second_change_keeps_the_proportions_that_the_waist_was_built_with(build):
    model = build("mixste-tiny", frames=27, keep={1: 9, 2: 3})
    assert model.with_keep(1).with_keep(9).schedule == {1: 9, 2: 3}


def test_a_stage_may_not_keep_more_than_the_one_before():
    with pytest.raises(ModelError, match="layer 2 can keep 1 to 5 frames, not 6"):
        hourglass("mixste-tiny", keep={1: 18, 2: 9}).with_keep({1: 5, 2: 6})


def test_layers_built_for_fixed_numbers_of_frames_are_refused():
    model = hourglass("motionagformer-tiny", keep=9, at=1)
    assert model.with_keep(9).schedule == {1: 9}
    words = r"layers of this MotionAGFormer are built for fixed numbers of frames, \{1: 9\}.*cannot keep \{1: 5\}"
    with pytest.raises(ModelError, match=words):
        model.with_keep(5)


def test_a_range_of_shares_is_a_range_of_frames_with_both_ends():
    assert [*frame_range((0.1, 0.2), 81)] == [8, 9, 10, 11, 12, 13, 14, 15, 16]
    assert [*frame_range((0.01, 1.0), 3)] == [1, 2, 3], "at least one frame"
    assert [*frame_range((0.5, 0.5), 81)] == [40]
