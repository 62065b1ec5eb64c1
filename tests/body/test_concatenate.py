"""Joining parts of a motion; the laws are in tests/laws/test_sequence_laws.py."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from conftest import make_walk
from poseglass import COCO_17, H36M_17, PoseSequence
from poseglass.body.concatenate import concatenate
from poseglass.errors import PoseError


def test_concatenating_slices_restores_the_sequence(walk):
    whole = concatenate([walk[:10], walk[10:10], walk[10:53], walk[53:]])
    assert (whole.rate, whole.start, whole.timestamps, whole.size) == (walk.rate, 0.0, None, walk.size)
    assert_array_equal(whole.points, walk.points)
    assert_array_equal(whole.kept, walk.kept)
    assert_array_equal(whole.validity, walk.validity)
    assert_array_equal(whole.pose2d.points, walk.pose2d.points)
    assert whole.pose2d.timestamps is None


def test_a_gap_between_parts_gives_timestamps(walk):
    parts = [walk[:10], walk[20:30]]
    whole = concatenate(parts)
    assert_allclose(whole.timestamps, np.r_[np.arange(10), np.arange(20, 30)] / 30)
    assert whole.rate == 30


def test_parts_with_different_frame_rates_give_timestamps(walk):
    whole = concatenate([walk[:10], walk[10:40:3]])
    assert_allclose(whole.timestamps, np.r_[np.arange(10), np.arange(10, 40, 3)] / 30)
    assert whole.rate == pytest.approx(19 / (37 / 30))


def test_a_part_with_timestamps_gives_timestamps(walk):
    whole = concatenate([walk[:10], replace(walk[10:20], timestamps=walk.times[10:20])])
    assert_array_equal(whole.timestamps, walk.times[:20])


def test_a_field_that_one_part_lacks_is_dropped(walk):
    whole = concatenate([walk[:10], replace(walk[10:], kept=None, pose2d=None)])
    assert whole.kept is None
    assert whole.pose2d is None


def test_empty_parts_give_an_empty_sequence(walk):
    assert len(concatenate([walk[:0], walk[5:5]])) == 0


def test_parts_that_do_not_match_are_refused(walk):
    points = np.zeros((3, 17, 2))
    with pytest.raises(PoseError, match="at least one"):
        concatenate([])
    with pytest.raises(PoseError, match=r"same skeleton, .*h36m17.*coco17"):
        concatenate([PoseSequence(points, skeleton, "pixels") for skeleton in (H36M_17, COCO_17)])
    with pytest.raises(PoseError, match="same space, got pixels and normalised"):
        concatenate([PoseSequence(points, H36M_17, space) for space in ("pixels", "normalised")])
    with pytest.raises(PoseError, match="same size"):
        concatenate([walk, replace(walk, size=(1, 1))])
    with pytest.raises(PoseError, match="overlap"):
        concatenate([make_walk(10), make_walk(10)])
