"""Feet: heel and toe in the image, the choice between two directions, and feet that stand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import poseglass as pg
from oracle.rigs import about, pose_rig
from poseglass.body.skeleton import SKELETONS
from poseglass.body.trajectory import Trajectory
from poseglass.motion.feet import FOOT, KEYPOINTS, foot_turn, heels_to_toes

SIZE, FOCAL = (1920, 1080), 1500.0
LEG = 0.42 + 0.4  # of the rig in oracle.rigs
LENGTH = FOOT * LEG
TOE = {"blazepose33": "foot_index", "halpe26": "big_toe", "body25": "big_toe"}
LEVEL = np.array([[1, 0, 0, 0], [0, -1, 0, 1.2], [0, 0, -1, 0], [0, 0, 0, 1.0]])


def filmed(
    ankles: list[np.ndarray], *, layout: str = "blazepose33", facing: float = 0.6, sway: float = 0.0, **path
) -> tuple[pg.PoseSequence, np.ndarray]:
    """A person who lifts one knee after the other, filmed by a level camera, and the true directions of both feet.

    Args:
        ankles: Rotations of both feet relative to the shin, per frame.
        layout: The 2D layout.
        facing: Angle of the person to the camera, in radians; 0 faces it.
        sway: Angle by which the person turns over time.
        path: Fields of the trajectory.
    """
    frames = len(ankles)
    points, ends = [], []
    for number, ankle in enumerate(ankles):
        swing = np.sin(2 * np.pi * number / 30)
        turns = {
            "Hips": about((0, 1, 0), facing + sway * number / frames),
            "LeftUpLeg": about((1, 0, 0), -0.4 - 0.4 * swing),
            "LeftLeg": about((1, 0, 0), 0.7 + 0.6 * swing),
            "RightUpLeg": about((1, 0, 0), -0.4 + 0.4 * swing),
            "RightLeg": about((1, 0, 0), 0.7 - 0.6 * swing),
        }
        points.append(pose_rig(turns, np.zeros(3), pg.H36M_17.joints))
        shins = [turns["Hips"] @ turns[side + "UpLeg"] @ turns[side + "Leg"] for side in ("Left", "Right")]
        ends.append([shin @ ankle @ np.array([0, 0, 1.0]) for shin in shins])
    upright, directions = np.array(points), np.array(ends)
    camera = upright * [1, -1, -1]
    root = np.tile([0.8, 0.2, 4.0], (frames, 1))
    skeleton = SKELETONS[layout]
    flat = np.zeros((frames, len(skeleton), 3))
    flat[..., 2] = 1
    for name in skeleton.joints:
        if name in pg.H36M_17.joints:
            flat[:, skeleton.index(name)] = camera[:, pg.H36M_17.index(name)] + root
    if layout in TOE:
        for number, side in enumerate(("left", "right")):
            ankle = camera[:, pg.H36M_17.index(f"{side}_ankle")] + root
            foot = KEYPOINTS * LENGTH * directions[:, number] * [1, -1, -1]
            flat[:, skeleton.index(f"{side}_heel")] = ankle - 0.4 * foot
            flat[:, skeleton.index(f"{side}_{TOE[layout]}")] = ankle + 0.6 * foot
    pixels = FOCAL * flat[..., :2] / flat[..., 2:] + np.array(SIZE) / 2
    fields = {"contact": np.zeros((frames, 2)), "to_world": LEVEL, "focal": FOCAL} | path
    motion = pg.PoseSequence(
        camera,
        pg.H36M_17,
        "camera",
        fps=30,
        size=SIZE,
        pose2d=pg.PoseSequence(pixels, skeleton, "pixels", fps=30, size=SIZE),
        trajectory=Trajectory(root, **fields),
    )
    return motion, directions


def pointing(motion: pg.PoseSequence) -> np.ndarray:
    """Directions of the rig's feet (f 2 3), from heel to toe."""
    animation = pg.fit_rig(motion).animation
    return np.stack(
        [animation.orientations[:, animation.index(side + "Foot")][..., 2] for side in ("Left", "Right")], 1
    )


def off(directions: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((directions * truth).sum(-1), -1, 1)))


def ankles(frames: int = 60) -> list[np.ndarray]:
    """Feet that bend up and down by 25 degrees and turn in and out by 15."""
    time = np.arange(frames) / 30
    return [about((0, 1, 0), 0.26 * np.sin(3 * t)) @ about((1, 0, 0), 0.44 * np.sin(5 * t)) for t in time]


@pytest.mark.parametrize("layout", list(TOE))
def test_feet_point_from_heel_to_toe(layout):
    motion, truth = filmed(ankles(), layout=layout, facing=1.2)
    error = off(pointing(motion), truth)
    neutral = off(pointing(pg.PoseSequence(motion.world().points, pg.H36M_17, "world", fps=30)), truth)
    assert error.mean() < 10
    assert error.mean() < 0.5 * neutral.mean()


@pytest.mark.parametrize("facing", [-2.5, -1.2, 0.0, 0.6, 3.1])
def test_feet_are_better_than_neutral_ones_from_all_sides(facing):
    motion, truth = filmed(ankles(), facing=facing)
    error = off(pointing(motion), truth)
    neutral = off(pointing(pg.PoseSequence(motion.world().points, pg.H36M_17, "world", fps=30)), truth)
    assert error.mean() < 0.8 * neutral.mean()
    assert np.percentile(error, 95) < 25


def test_a_camera_that_is_not_level_sees_the_same_feet():
    pitch = about((1, 0, 0), 0.35)
    tilted = LEVEL.copy()
    tilted[:3, :3] = pitch @ LEVEL[:3, :3]
    motion, _ = filmed(ankles(), facing=1.2)
    other, _ = filmed(ankles(), facing=1.2, to_world=tilted)
    assert_allclose(pointing(other), pointing(motion) @ pitch.T, atol=1e-4)


def test_a_turning_person_keeps_the_feet_on_the_same_side():
    motion, truth = filmed([np.eye(3)] * 90, facing=0, sway=6)
    assert off(pointing(motion), truth).max() < 12


def test_without_heel_and_toe_a_foot_is_at_right_angles_to_the_shin():
    motion, truth = filmed([np.eye(3)] * 30, layout="coco17")
    assert heels_to_toes(motion) is None
    assert_allclose(pointing(motion), truth, atol=1e-3)


def test_unknown_heels_leave_the_foot_neutral():
    motion, truth = filmed([np.eye(3)] * 30)
    points = motion.pose2d.points.copy()
    points[5:20, pg.BLAZEPOSE_33.index("left_heel")] = np.nan
    hidden = pg.PoseSequence(points, pg.BLAZEPOSE_33, "pixels", fps=30, size=SIZE)
    motion = pg.PoseSequence(
        motion.points, pg.H36M_17, "camera", fps=30, size=SIZE, pose2d=hidden, trajectory=motion.trajectory
    )
    assert off(pointing(motion), truth).max() < 6


def test_a_path_is_found_where_the_motion_has_none():
    motion, truth = filmed(ankles(), facing=1.2)
    lifted = pg.PoseSequence(motion.points, pg.H36M_17, "camera", fps=30, size=SIZE, pose2d=motion.pose2d)
    animation = pg.fit_rig(lifted).animation
    assert_allclose(animation.root, 0, atol=1e-5)
    assert off(pointing(lifted), truth).mean() < 12  # at a focal length that is a guess


def test_standing_feet_are_flat():
    neutral, _ = filmed([np.eye(3)] * 30, layout="coco17", contact=np.zeros((30, 2)))
    standing, _ = filmed([np.eye(3)] * 30, layout="coco17", contact=np.tile([1.0, 0.0], (30, 1)))
    heights = np.abs(pointing(standing)[..., 1])
    assert heights[:, 0].max() < 0.03
    assert_allclose(pointing(standing)[:, 1], pointing(neutral)[:, 1], atol=1e-9)
    assert np.abs(pointing(neutral)[:, 0, 1]).max() > 0.3
    animation = pg.fit_rig(standing).animation
    left = animation.orientations[:, animation.index("LeftFoot")]
    assert_allclose(left[:, 1, 1], 1, atol=1e-3)  # the sole is level, sideways as well


def test_contact_without_gravity_does_not_level_feet():
    motion, truth = filmed([np.eye(3)] * 30, layout="coco17", contact=np.ones((30, 2)), to_world=None)
    assert_allclose(pointing(motion), truth, atol=1e-3)


def test_the_left_foot_is_the_mirror_image_of_the_right():
    motion, _ = filmed(ankles(), facing=0.7)
    flat, path = motion.pose2d, motion.trajectory
    pixels = flat.points[:, list(pg.BLAZEPOSE_33.mirror)] * [-1, 1] + [SIZE[0], 0]
    mirrored = pg.PoseSequence(
        pg.flip(motion.points),
        pg.H36M_17,
        "camera",
        fps=30,
        size=SIZE,
        pose2d=pg.PoseSequence(pixels, pg.BLAZEPOSE_33, "pixels", fps=30, size=SIZE),
        trajectory=Trajectory(path.root * [-1, 1, 1], contact=path.contact, to_world=LEVEL, focal=FOCAL),
    )
    assert_allclose(pointing(mirrored), pointing(motion)[:, ::-1] * [-1, 1, 1], atol=1e-4)


def test_one_frame_is_enough():
    motion, truth = filmed(ankles(1), facing=1.2)
    assert off(pointing(motion), truth).max() < 10


def test_a_foot_without_evidence_turns_with_the_shin():
    shin = np.stack([about((0, 1, 1), angle) for angle in (0.1, 1.0, 2.0)])
    assert foot_turn(shin, None, None, length=LENGTH, fps=30) is shin
