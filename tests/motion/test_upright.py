"""Motions with y up: in the world if they have a place in it, otherwise in the camera's axes, turned."""

from dataclasses import replace

import pytest
from numpy.testing import assert_allclose

from poseglass.errors import PoseError
from poseglass.motion.upright import has_place, upright
from samples.animations import placed_walk


def test_a_motion_with_a_place_is_taken_to_the_world():
    motion = placed_walk(9)
    assert has_place(motion)
    assert_allclose(upright(motion).points, motion.world().points)
    assert upright(motion.world()).points is motion.world().points or has_place(motion.world())


def test_without_a_place_y_points_up_and_the_pelvis_stays_at_the_origin():
    motion = placed_walk(9)
    moving = replace(motion, trajectory=replace(motion.trajectory, to_world=None))
    for unplaced in (replace(motion, trajectory=None), moving):
        assert not has_place(unplaced)
        turned = upright(unplaced)
        assert turned.space == "world"
        assert_allclose(turned.points, motion.points * [1, -1, -1], atol=1e-7)
        assert_allclose(turned.joint("pelvis"), 0)
        assert (turned.joint("head_top")[:, 1] > 0.6).all()


def test_2d_poses_are_refused():
    with pytest.raises(PoseError, match="expected 3D poses in metres, got poses in pixels: lift them first"):
        upright(placed_walk(9).pose2d)
