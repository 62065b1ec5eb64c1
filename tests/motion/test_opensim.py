"""OpenSim's coordinates, against a model made of its rotations: applied to it, they give the limbs' directions back.

The axes and their order were checked with OpenSim 4.6 and Rajagopal2016.osim: docs/files.md.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import H36M_17, PoseSequence
from poseglass.body.geometry import to_y_up
from poseglass.mocap.rotations import euler_rotations
from poseglass.motion.opensim import coordinates
from samples.animations import placed_walk
from samples.mocap_files import rotation

DOWN, RIGHT = np.array([0, -1, 0]), np.array([0, 0, 1])


def tumbling(frames: int = 12) -> PoseSequence:
    """A walk whose body turns through all directions while it leans to all sides."""
    generator = np.random.default_rng(0)
    points = to_y_up(placed_walk(frames).points.astype(float), "-y")
    leaning = generator.normal(0, 0.3, (frames, 2))
    turn = euler_rotations("yxz", np.concatenate([np.linspace(0, 7, frames)[:, None], leaning], 1))
    return PoseSequence(np.einsum("fab,fjb->fja", turn, points) + np.array([3, 1, 2]), H36M_17, "world", fps=30)


@pytest.fixture
def motion() -> PoseSequence:
    return tumbling()


def pelvis(row: dict[str, float]) -> np.ndarray:
    """OpenSim's joint between ground and pelvis: rotations about Z, X and Y."""
    tilt, aside, turned = (row[f"pelvis_{name}"] for name in ("tilt", "list", "rotation"))
    return rotation("z", tilt) @ rotation("x", aside) @ rotation("y", turned)


def rows(motion: PoseSequence) -> list[dict[str, float]]:
    columns = coordinates(motion)
    return [dict(zip(columns.names, values.tolist(), strict=True)) for values in columns.values]


def direction(motion: PoseSequence, frame: int, start: str, end: str) -> np.ndarray:
    vector = motion.joint(end)[frame].astype(float) - motion.joint(start)[frame]
    return vector / np.linalg.norm(vector)


def test_the_pelvis_turns_and_moves_as_in_the_world(motion):
    for frame, row in enumerate(rows(motion)):
        assert_allclose(pelvis(row) @ RIGHT, direction(motion, frame, "left_hip", "right_hip"), atol=1e-5)
        place = [row[f"pelvis_t{axis}"] for axis in "xyz"]
        assert_allclose(place, motion.joint("pelvis")[frame], atol=1e-6)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_legs_point_as_in_the_world(motion, side):
    """OpenSim mirrors the left leg: adduction and rotation turn the other way."""
    mirror, short = (1, "r") if side == "right" else (-1, "l")
    for frame, row in enumerate(rows(motion)):
        flexion, adduction, turned = (row[f"hip_{name}_{short}"] for name in ("flexion", "adduction", "rotation"))
        turn = pelvis(row) @ rotation("z", flexion) @ rotation("x", mirror * adduction)
        assert_allclose(turn @ DOWN, direction(motion, frame, f"{side}_hip", f"{side}_knee"), atol=1e-5)
        if row[f"knee_angle_{short}"] > 20:  # a straight leg does not show how it is rotated
            turn = turn @ rotation("y", mirror * turned) @ rotation("z", -row[f"knee_angle_{short}"])
            assert_allclose(turn @ DOWN, direction(motion, frame, f"{side}_knee", f"{side}_ankle"), atol=1e-5)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_arms_point_as_in_the_world(motion, side):
    mirror, short = (1, "r") if side == "right" else (-1, "l")
    for frame, row in enumerate(rows(motion)):
        bent, aside, turned = (row[f"lumbar_{name}"] for name in ("extension", "bending", "rotation"))
        thorax = pelvis(row) @ rotation("z", bent) @ rotation("x", aside) @ rotation("y", turned)
        turn = thorax @ rotation("z", row[f"arm_flex_{short}"]) @ rotation("x", mirror * row[f"arm_add_{short}"])
        assert_allclose(turn @ DOWN, direction(motion, frame, f"{side}_shoulder", f"{side}_elbow"), atol=1e-5)
        if row[f"elbow_flex_{short}"] > 20:
            turn = turn @ rotation("y", mirror * row[f"arm_rot_{short}"]) @ rotation("z", row[f"elbow_flex_{short}"])
            assert_allclose(turn @ DOWN, direction(motion, frame, f"{side}_elbow", f"{side}_wrist"), atol=1e-5)


def test_unknown_angles_are_interpolated(motion):
    gap = motion.points.copy()
    gap[4:6, H36M_17.index("right_knee")] = np.nan
    names, values = coordinates(replace(motion, points=gap, scores=None))[:2]
    whole = coordinates(motion).values
    column = names.index("hip_flexion_r")
    between = np.interp([4, 5], [3, 6], whole[[3, 6], column])
    assert_allclose(values[4:6, column], between, atol=1e-6)
    assert np.isfinite(values).all()


def test_without_a_place_in_the_world_the_pelvis_is_left_out():
    names = coordinates(replace(placed_walk(9), trajectory=None)).names
    assert "knee_angle_r" in names
    assert not [name for name in names if name.startswith("pelvis")]
