"""Animations: forward kinematics against a loop over joints, and the way to bones and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import PoseError
from poseglass.mocap.animation import Animation
from poseglass.mocap.bvh import read_bvh
from poseglass.mocap.rotations import euler_rotations
from samples.animations import random_animation

DATA = Path(__file__).parents[1] / "samples"


def naive_positions(animation: Animation) -> np.ndarray:
    """Climb from each joint to the root, turning the vector at every joint on the way."""
    positions = np.zeros((len(animation), len(animation.names), 3))
    for frame in range(len(animation)):
        for joint in range(len(animation.names)):
            point, place = np.zeros(3), joint
            while place >= 0:
                point = animation.rotations[frame, place] @ point
                point = point + (animation.rest[place] if place else animation.root[frame])
                place = animation.parents[place]
            positions[frame, joint] = point
    return positions


@pytest.mark.parametrize("seed", range(5))
def test_positions_match_a_climb_to_the_root(seed):
    animation = random_animation(seed)
    assert_allclose(animation.positions, naive_positions(animation), atol=1e-12)


def test_the_identity_is_the_rest_pose():
    animation = random_animation(3)
    still = replace(animation, rotations=np.broadcast_to(np.eye(3), animation.rotations.shape))
    for joint, parent in enumerate(animation.parents[1:], 1):
        bone = still.positions[:, joint] - still.positions[:, parent]
        assert_allclose(bone, np.broadcast_to(animation.rest[joint], bone.shape), atol=1e-12)
    assert_allclose(still.positions[:, 0], animation.root)


def test_orientations_are_products_from_the_root_down():
    animation = random_animation(1)
    assert_allclose(animation.orientations[:, 0], animation.rotations[:, 0])
    last = len(animation.names) - 1
    product, place = np.eye(3), last
    while place >= 0:
        product = animation.rotations[:, place] @ product
        place = animation.parents[place]
    assert_allclose(animation.orientations[:, last], product, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_bones_give_the_animation_back(seed):
    animation = random_animation(seed, leaves_turn=False)
    again = Animation.from_bones(animation.bones())
    assert (again.names, again.parents, again.fps) == (animation.names, animation.parents, animation.fps)
    assert_allclose(again.rest, animation.rest, atol=1e-12)
    assert_allclose(again.root, animation.root, atol=1e-12)
    assert_allclose(again.rotations, animation.rotations, atol=1e-9)


def test_a_real_recording_becomes_an_animation():
    bones = read_bvh(DATA / "cmu_01_03.bvh")
    animation = Animation.from_bones(bones, unit=0.05)
    names = [bones.names.index(name) for name in animation.names]
    assert_allclose(animation.positions, 0.05 * bones.positions[:, names], atol=1e-6)


def test_bones_without_a_unit_need_one():
    with pytest.raises(PoseError, match=r"do not state their unit.*unit=0\.01"):
        Animation.from_bones(read_bvh(DATA / "cmu_01_03.bvh"))


def test_bones_that_stretch_or_turn_apart_are_refused():
    animation = Animation(
        names=("Hips", "LeftUpLeg", "RightUpLeg"),
        parents=(-1, 0, 0),
        rest=np.array([[0, 0, 0], [0.1, 0, 0], [-0.1, 0, 0]]),
        rotations=np.broadcast_to(np.eye(3), (2, 3, 3, 3)),
        root=np.zeros((2, 3)),
        fps=30,
    )
    bones = animation.bones()
    stretched = bones.offsets.copy()
    stretched[1, 1] *= 1.5
    with pytest.raises(PoseError, match="that of LeftUpLeg changes"):
        Animation.from_bones(replace(bones, offsets=stretched))
    turned = bones.rotations.copy()
    turned[:, 2] = euler_rotations("x", np.full((2, 1), 0.5))
    with pytest.raises(PoseError, match="start at Hips must turn together"):
        Animation.from_bones(replace(bones, rotations=turned))


BROKEN = {
    "needs a joint and a frame, got 3 joints and 0 frames": {"root": np.zeros((0, 3))},
    "unique, got a more than once": {"names": ("a", "a", "b")},
    r"one index per joint \(3\), got 2": {"parents": (-1, 0)},
    "first joint must be the root, with parent -1, got 0": {"parents": (0, 0, 1)},
    "parent of b must be an earlier joint, got index 2": {"parents": (-1, 2, 0)},
    "parent of c must be an earlier joint, got index -1": {"parents": (-1, 0, -1)},
    r"rest must have shape \(3, 3\), got \(2, 3\)": {"rest": np.zeros((2, 3))},
    r"rotations must have shape \(1, 3, 3, 3\)": {"rotations": np.zeros((2, 3, 3, 3))},
    "root must hold finite numbers": {"root": np.full((1, 3), np.nan)},
    "root's rest vector must be zero": {"rest": np.ones((3, 3))},
    "must be rotation matrices": {"rotations": np.broadcast_to(2 * np.eye(3), (1, 3, 3, 3))},
    "or they mirror": {"rotations": np.broadcast_to(np.diag([1, 1, -1]), (1, 3, 3, 3))},
    "fps must be a positive number, got 0": {"fps": 0},
}


@pytest.mark.usefixtures("as_used")
@pytest.mark.parametrize("message", BROKEN)
def test_arguments_that_do_not_fit_are_refused(message):
    fits = {
        "names": ("a", "b", "c"),
        "parents": (-1, 0, 1),
        "rest": np.zeros((3, 3)),
        "rotations": np.broadcast_to(np.eye(3), (1, 3, 3, 3)),
        "root": np.zeros((1, 3)),
        "fps": 30,
    }
    Animation(**fits)
    with pytest.raises(PoseError, match=message):
        Animation(**(fits | BROKEN[message]))


def test_an_unknown_joint_is_an_error_that_lists_the_joints():
    with pytest.raises(PoseError, match="no joint 'Nose'; the joints are Joint0, Joint1"):
        random_animation(0).index("Nose")
