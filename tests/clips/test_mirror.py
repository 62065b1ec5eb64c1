"""The mirror image of poses."""

import numpy as np
from numpy.testing import assert_array_equal

from poseglass import H36M_17, HALPE_26
from poseglass.clips.mirror import flip


def test_mirroring_negates_x_and_exchanges_the_sides():
    pose = np.arange(17 * 3.0).reshape(17, 3)
    mirrored = flip(pose)
    for joint, name in enumerate(H36M_17.joints):
        other = name.replace("left", "LEFT").replace("right", "left").replace("LEFT", "right")
        assert_array_equal(mirrored[joint], pose[H36M_17.index(other)] * [-1, 1, 1])


def test_the_input_is_not_changed():
    pose = np.ones((2, 17, 2))
    flip(pose)
    assert pose.all()


def test_scores_are_mirrored_with_joints_of_any_skeleton():
    pose = np.random.default_rng(0).normal(size=(4, 26, 3))
    assert_array_equal(flip(pose, HALPE_26)[..., 2], pose[:, list(HALPE_26.mirror), 2])
