"""`fit_rig` against rigs posed by forward kinematics, and the laws of mirrors, turns and time."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import poseglass as pg
from oracle.rigs import about, pose_rig, random_turns
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError

seeds = st.integers(0, 2**32 - 1)
JOINTS = pg.H36M_17.joints


def posed(turns: list[dict], *, root=(0, 0.9, 0), space="world", **fields) -> pg.PoseSequence:
    points = np.array([pose_rig(frame, np.array(root, float), JOINTS) for frame in turns])
    return pg.PoseSequence(points, pg.H36M_17, space, **fields)


def local(motion: pg.PoseSequence) -> dict[str, np.ndarray]:
    animation = pg.fit_rig(motion).animation
    return {name: animation.rotations[:, animation.index(name)] for name in animation.names}


def largest_step(rotations: np.ndarray) -> float:
    """The largest angle, in degrees, between rotations of successive frames."""
    relative = rotations[:-1].swapaxes(-1, -2) @ rotations[1:]
    return float(np.degrees(np.arccos(np.clip((np.trace(relative, axis1=-2, axis2=-1) - 1) / 2, -1, 1))).max())


def test_the_t_pose_has_no_rotations_and_its_own_rest():
    rig = pg.fit_rig(posed([{}] * 3))
    assert_allclose(rig.animation.rotations, np.tile(np.eye(3), (3, len(rig.animation.names), 1, 1)), atol=1e-5)
    assert_allclose(rig.animation.root, [[0, 0.9, 0]] * 3, atol=1e-6)
    hand = rig.animation.positions[0, rig.animation.index("LeftHand")]
    assert_allclose(hand, [0.68, 0.9 + 0.47, 0], atol=1e-6)


@given(seeds)
def test_points_of_a_rig_give_its_points_and_rotations_back(seed):
    rng = np.random.default_rng(seed)
    turns = [random_turns(rng) for _ in range(6)]
    motion = posed(turns)
    rig = pg.fit_rig(motion)
    assert rig.distances.max() < 1e-5
    assert_allclose(rig.points, motion.points, atol=1e-5)
    fitted = local(motion)
    for name in fitted:
        assert_allclose(fitted[name], [frame.get(name, np.eye(3)) for frame in turns], atol=2e-4, err_msg=name)


@given(seeds)
def test_points_come_back_even_from_straight_limbs(seed):
    rng = np.random.default_rng(seed)
    motion = posed([random_turns(rng, (0, 0.5)) for _ in range(8)])
    assert pg.fit_rig(motion).distances.max() < 1e-5


def test_one_frame_is_enough():
    turns = random_turns(np.random.default_rng(7))
    fitted = local(posed([turns]))
    for name, turn in turns.items():
        assert_allclose(fitted[name][0], turn, atol=2e-4, err_msg=name)


def test_the_head_nods_as_far_as_the_points_do():
    # The rest pose of neck and head is their median, so most frames must show it.
    angles = [0.0] * 11 + [0.1, 0.2, 0.4]
    turns = [{"Head": about((1, 0, 0), angle)} for angle in angles]
    assert_allclose(local(posed(turns))["Head"], [turn["Head"] for turn in turns], atol=1e-4)


@given(seeds)
def test_a_mirrored_person_has_mirrored_rotations(seed):
    rng = np.random.default_rng(seed)
    motion = posed([random_turns(rng) for _ in range(4)])
    mirrored = pg.PoseSequence(pg.flip(motion.points), pg.H36M_17, "world")
    mirror = np.diag([-1.0, 1, 1])
    one, other = local(motion), local(mirrored)
    for name, turn in one.items():
        swapped = name.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
        assert_allclose(other[swapped], mirror @ turn @ mirror, atol=5e-4, err_msg=name)


@given(seeds)
def test_turning_and_moving_the_whole_body_changes_the_root_only(seed):
    rng = np.random.default_rng(seed)
    motion = posed([random_turns(rng, (0, 2)) for _ in range(4)])
    turn, move = about(rng.normal(size=3), rng.uniform(0, 3)), rng.normal(size=3)
    moved = pg.PoseSequence(motion.points @ turn.T + move, pg.H36M_17, "world")
    one, other = pg.fit_rig(motion).animation, pg.fit_rig(moved).animation
    assert_allclose(other.rotations[:, 0], turn @ one.rotations[:, 0], atol=1e-3)
    assert_allclose(other.rotations[:, 1:], one.rotations[:, 1:], atol=1e-3)
    assert_allclose(other.root, one.root @ turn.T + move, atol=1e-4)


def test_time_backwards_gives_the_same_rotations_backwards():
    rng = np.random.default_rng(4)
    motion = posed([random_turns(rng, (0, 1)) for _ in range(30)])
    back = pg.PoseSequence(motion.points[::-1], pg.H36M_17, "world")
    assert_allclose(pg.fit_rig(back).animation.rotations, pg.fit_rig(motion).animation.rotations[::-1], atol=1e-5)


def test_bones_keep_one_length_and_the_sides_share_it():
    rng = np.random.default_rng(1)
    motion = posed([random_turns(rng) for _ in range(20)])
    noisy = pg.PoseSequence(motion.points + rng.normal(0, 0.02, motion.points.shape), pg.H36M_17, "world")
    rig = pg.fit_rig(noisy)
    lengths = dict(zip(rig.animation.names, np.linalg.norm(rig.animation.rest, axis=-1), strict=True))
    assert lengths["LeftForeArm"] == lengths["RightForeArm"] == pytest.approx(0.28, abs=0.01)
    bones = rig.points[:, JOINTS.index("left_wrist")] - rig.points[:, JOINTS.index("left_elbow")]
    assert_allclose(np.linalg.norm(bones, axis=-1), lengths["LeftHand"], atol=1e-6)
    # A joint moves by less than its noise, whose mean length is 32 mm.
    assert 0.01 < rig.distances.mean() < 0.025
    assert_allclose(rig.distances, np.linalg.norm(rig.points - noisy.points, axis=-1), atol=1e-6)


def test_a_few_wild_frames_do_not_change_the_lengths():
    rng = np.random.default_rng(1)
    motion = posed([random_turns(rng) for _ in range(20)])
    points = motion.points.copy()
    points[3:6] *= 4
    wild = pg.fit_rig(pg.PoseSequence(points, pg.H36M_17, "world"))
    assert_allclose(wild.animation.rest, pg.fit_rig(motion).animation.rest, atol=1e-5)


def test_lengths_come_from_valid_frames():
    rng = np.random.default_rng(1)
    motion = posed([random_turns(rng) for _ in range(9)])
    points, valid = motion.points.copy(), np.arange(9) < 3
    points[3:] *= 2
    rig = pg.fit_rig(pg.PoseSequence(points, pg.H36M_17, "world", valid=valid))
    assert_allclose(rig.animation.rest, pg.fit_rig(motion).animation.rest, atol=1e-5)
    nobody = pg.PoseSequence(motion.points, pg.H36M_17, "world", valid=np.zeros(9, bool))
    assert_allclose(pg.fit_rig(nobody).animation.rest, rig.animation.rest, atol=1e-5)


def test_a_straight_limb_carries_its_twist_through():
    """An elbow bends, straightens with a trembling hand, and bends again about the same axis."""
    rng = np.random.default_rng(2)
    flexion = np.concatenate([np.linspace(1.2, 0, 20), np.zeros(30), np.linspace(0, 1.2, 20)])
    arm = about((1, 0, 0), 0.9) @ about((0, 0, 1), -1.0)
    motion = posed([{"LeftArm": arm, "LeftForeArm": about((0, -1, 0), angle)} for angle in flexion])
    trembling = pg.PoseSequence(motion.points + rng.normal(0, 0.001, motion.points.shape), pg.H36M_17, "world")
    turns = local(trembling)
    assert largest_step(turns["LeftArm"]) < 6
    assert_allclose(turns["LeftArm"][[0, -1]], [arm, arm], atol=0.04)


def test_straight_legs_turn_with_the_body():
    """A pirouette in the T-pose turns the hips only."""
    turns = local(posed([{"Hips": about((0, 1, 0), angle)} for angle in np.linspace(0, 12, 60)]))
    for name in turns:
        if name != "Hips":
            assert_allclose(turns[name], np.tile(np.eye(3), (60, 1, 1)), atol=1e-4, err_msg=name)


def test_a_head_without_a_nose_faces_where_the_chest_does():
    motion = posed([{"Hips": about((0, 1, 0), angle)} for angle in (0.0, 0.2, 0.5)])
    points = motion.points.copy()
    points[:, 9] = (points[:, 8] + points[:, 10]) / 2
    turns = local(pg.PoseSequence(points, pg.H36M_17, "world"))
    assert_allclose(turns["Neck"], np.tile(np.eye(3), (3, 1, 1)), atol=1e-4)


def test_camera_space_is_turned_upright():
    """Someone who faces a camera stands upright in y up, facing +z."""
    facing_camera = posed([{}] * 2, root=(0, 0, 0)).points * [1, -1, -1]
    motion = pg.PoseSequence(facing_camera, pg.H36M_17, "camera")
    animation = pg.fit_rig(motion).animation
    assert_allclose(animation.rotations[:, 0], [np.eye(3)] * 2, atol=1e-5)
    assert_allclose(animation.root, 0, atol=1e-6)
    path = Trajectory(np.array([[0.5, 0.25, 4], [0.5, 0.25, 3]]), contact=np.ones((2, 2)))
    animation = pg.fit_rig(pg.PoseSequence(facing_camera, pg.H36M_17, "camera", trajectory=path)).animation
    assert_allclose(animation.root, [[0.5, -0.25, -4], [0.5, -0.25, -3]], atol=1e-6)


def test_a_motion_with_a_place_in_the_world_is_fitted_there():
    rng = np.random.default_rng(3)
    pose = posed([random_turns(rng) for _ in range(5)], root=(0, 0, 0)).points * [1, -1, -1]
    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = about((1, 0, 0), 0.2) @ np.diag([1, -1, -1]), (0, 1.4, 4)
    path = Trajectory(rng.normal((0, 0, 4), 0.1, (5, 3)), contact=np.zeros((5, 2)), to_world=to_world)
    motion = pg.PoseSequence(pose, pg.H36M_17, "camera", trajectory=path)
    assert_allclose(pg.fit_rig(motion).points, motion.world().points, atol=1e-5)


def test_standing_feet_stay_closer_than_free_ones():
    rng = np.random.default_rng(1)
    points = posed([random_turns(rng) for _ in range(40)], root=(0, 0, 0)).points * [1, -1, -1]
    points = points + rng.normal(0, 0.02, points.shape)
    path = Trajectory(np.full((40, 3), 3.0), contact=np.tile([1.0, 0.0], (40, 1)))
    distances = pg.fit_rig(pg.PoseSequence(points, pg.H36M_17, "camera", trajectory=path)).distances.mean(0)
    assert distances[JOINTS.index("left_ankle")] < 0.5 * distances[JOINTS.index("right_ankle")]


def test_unknown_joints_are_filled_with_a_warning(caplog):
    rng = np.random.default_rng(1)
    motion = posed([random_turns(rng)] * 6)
    points = motion.points.copy()
    points[2:4, 13] = np.nan
    points[0, 6] = np.nan
    with caplog.at_level(logging.WARNING, "poseglass"):
        rig = pg.fit_rig(pg.PoseSequence(points, pg.H36M_17, "world"))
    assert "3 of 102 joint positions are unknown" in caplog.text
    assert_allclose(rig.points, motion.points, atol=1e-5)


@pytest.mark.parametrize(
    ("motion", "message"),
    [
        (pg.PoseSequence(np.zeros((3, 17, 2)), pg.H36M_17, "pixels"), "3D poses"),
        (pg.PoseSequence(np.zeros((0, 17, 3)), pg.H36M_17, "world"), "at least one frame"),
        (pg.PoseSequence(np.zeros((3, 17, 3)), pg.H36M_17, "world"), "has no length"),
        (pg.PoseSequence(np.full((3, 17, 3), np.nan), pg.H36M_17, "world"), "pelvis.*unknown in every frame"),
    ],
)
def test_motions_without_a_rig_are_refused(motion, message):
    with pytest.raises(PoseError, match=message):
        pg.fit_rig(motion)


def test_the_same_motion_gives_the_same_rig(walk):
    one, other = pg.fit_rig(walk).animation, pg.fit_rig(walk).animation
    assert (one.rotations == other.rotations).all()


def test_another_skeleton_is_converted(walk):
    order = [pg.H36M_17.index(name) if name != "head" else 9 for name in pg.MPI_INF_3DHP_17.joints]
    other = pg.PoseSequence(walk.points[:, order], pg.MPI_INF_3DHP_17, "camera", fps=walk.fps)
    assert_allclose(
        pg.fit_rig(other).points,
        pg.fit_rig(pg.PoseSequence(walk.points, pg.H36M_17, "camera", fps=walk.fps)).points,
        atol=1e-6,
    )
