"""The rig's tree and rest pose, and joint positions whose bones keep their lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import least_squares

import poseglass as pg
from oracle.rigs import BONES, pose_rig, random_turns
from poseglass.motion import bones
from poseglass.motion.bones import AT, NAMES, PARENTS, constant_bones, rest_pose

JOINTS = pg.H36M_17.joints


def posed(rng: np.random.Generator, frames: int) -> np.ndarray:
    return np.array([pose_rig(random_turns(rng, (0, 2)), np.zeros(3), JOINTS) for _ in range(frames)])


def misfits(points: np.ndarray) -> np.ndarray:
    """How far the bones of one pose are from the lengths of the oracle's rig, in metres, in plain loops."""
    place = dict(zip(JOINTS, points, strict=True))
    across = place["left_hip"] - place["right_hip"]
    spine = place["spine"] - place["pelvis"]
    up = spine - (spine @ across) / (across @ across) * across
    place["lower_back"] = place["pelvis"] + 0.06 * up / np.linalg.norm(up)
    errors = [np.linalg.norm(place[end] - place[start]) - np.linalg.norm(bone) for end, start, bone in BONES]
    middle = place["pelvis"] - (place["left_hip"] + place["right_hip"]) / 2
    return np.array([*errors, *middle])


def test_every_joint_of_human36m_has_its_joint_in_the_tree():
    assert set(AT) == set(JOINTS)
    assert len(set(NAMES)) == len(NAMES)
    assert all(parent < joint for joint, parent in enumerate(PARENTS))
    assert [name for name, parent in zip(NAMES, PARENTS, strict=True) if parent < 0] == ["Hips"]


def test_both_sides_have_the_same_tree():
    parents = {name: NAMES[parent] for name, parent in zip(NAMES, PARENTS, strict=True)}
    for name in NAMES:
        if name.startswith("Left"):
            assert parents["Right" + name[4:]] == parents[name].replace("Left", "Right")


def test_the_rest_pose_is_the_t_pose_of_the_bones():
    rest = dict(zip(NAMES, rest_pose(posed(np.random.default_rng(1), 9)), strict=True))
    for end, start, bone in BONES:
        if end in AT and start in AT and "head" not in end and "neck" not in end:
            name = AT[end]
            assert_allclose(rest[name], bone, atol=1e-9, err_msg=name)
    assert_allclose(rest["Spine"] + rest["Chest"], [0, 0.22, 0], atol=1e-9)
    assert_allclose(rest["LeftShoulder"], rest["Neck"])


def test_the_rest_pose_is_symmetric_and_on_the_floor():
    rest = rest_pose(posed(np.random.default_rng(1), 9) + np.random.default_rng(2).normal(0, 0.02, (9, 17, 3)))
    place = np.zeros_like(rest)
    for joint, parent in enumerate(PARENTS[1:], 1):
        place[joint] = place[parent] + rest[joint]
    for joint, name in enumerate(NAMES):
        if name.startswith("Left"):
            other = place[NAMES.index("Right" + name[4:])]
            assert_allclose(place[joint] * [-1, 1, 1], other, atol=1e-12)
            assert place[joint][0] >= 0
    ankle, ball, tip = (place[NAMES.index(name)] for name in ("LeftFoot", "LeftToeBase", "LeftToeEnd"))
    assert ankle[2] < ball[2] < tip[2]
    assert_allclose(place[:, 1].min(), tip[1])
    assert_allclose(ankle[1] - tip[1], 0.08)


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_points_with_constant_bones_stay(seed):
    points = posed(np.random.default_rng(seed), 3)
    assert_allclose(constant_bones(points, rest_pose(points)), points, atol=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_noisy_points_get_the_lengths_and_stay_nearly_as_close_as_possible(seed):
    rng = np.random.default_rng(seed)
    truth = posed(rng, 5)
    rest = rest_pose(truth)
    noisy = truth[:1] + rng.normal(0, 0.02, (1, 17, 3))
    moved = constant_bones(noisy, rest)[0]
    assert np.abs(misfits(moved)).max() < 2e-4

    def residuals(flat: np.ndarray) -> np.ndarray:
        pose = flat.reshape(17, 3)
        return np.concatenate([flat - noisy.ravel(), 1e4 * misfits(pose)])

    best = least_squares(residuals, noisy.ravel(), xtol=1e-12).x.reshape(17, 3)
    nearest = np.linalg.norm(best - noisy[0], axis=-1)
    distances = np.linalg.norm(moved - noisy[0], axis=-1)
    assert distances.mean() < 1.05 * nearest.mean()
    assert np.sqrt((distances**2).mean()) < 1.2 * np.sqrt((nearest**2).mean())


@pytest.mark.parametrize("block", [4, 2000])
def test_frames_do_not_depend_on_each_other(block, monkeypatch):
    monkeypatch.setattr(bones, "BLOCK", block)
    rng = np.random.default_rng(1)
    points = posed(rng, 6) + rng.normal(0, 0.01, (6, 17, 3))
    rest = rest_pose(points)
    alone = np.concatenate([constant_bones(points[frame : frame + 1], rest) for frame in range(6)])
    assert_allclose(constant_bones(points, rest), alone, atol=1e-5)


def test_joints_that_give_less_move_less():
    rng = np.random.default_rng(1)
    points = posed(rng, 30)
    rest = rest_pose(points)
    points += rng.normal(0, 0.02, points.shape)
    give = np.ones((30, 17))
    give[:, 3] = 0.01
    free, held = (np.linalg.norm(constant_bones(points, rest, g) - points, axis=-1).mean(0) for g in (None, give))
    assert held[3] < 0.2 * free[3]
