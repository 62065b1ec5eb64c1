"""The table of a motion holds what the functions compute, and only what is known."""

import csv
from pathlib import Path

import numpy as np
import pytest

import poseglass as pg
from poseglass.body.trajectory import Trajectory

RNG = np.random.default_rng(2)


def rows(path: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    with path.open(newline="") as file:
        header, *lines = csv.reader(file)
    values = np.array([[float(cell or "nan") for cell in line] for line in lines]).reshape(len(lines), len(header))
    return header, dict(zip(header, values.T, strict=True))


def walker(frames: int = 120, **fields) -> pg.PoseSequence:
    """A body whose ankles swing, in camera space."""
    points = np.repeat(RNG.normal(0, 0.3, (1, 17, 3)), frames, 0)
    points[:, [0, 1, 4, 8]] = [[0, 0, 0], [-0.1, 0, 0], [0.1, 0, 0], [0, -0.5, 0]]
    swing = 0.4 * np.cos(2 * np.pi * np.arange(frames) / 33)
    points[:, 6], points[:, 3] = np.array([0.1, 0.8, 0]), np.array([-0.1, 0.8, 0])
    points[:, 6, 2], points[:, 3, 2] = swing, -swing
    points[:, [2, 5]] = [[-0.1, 0.4, 0], [0.1, 0.4, 0]]
    return pg.PoseSequence(points, pg.H36M_17, "camera", fps=30, **fields)


def test_angles_and_events_are_columns(tmp_path):
    motion = walker()
    _, table = rows(motion.save(tmp_path / "walk.csv"))
    angles = pg.joint_angles(motion)
    for name in angles.names:
        np.testing.assert_allclose(table[name], angles[name], rtol=1e-5, err_msg=name)
    events = pg.gait_events(motion)
    assert len(events) > 8
    for event in events:
        assert table[f"{event.side}_{event.kind}"][event.frame] == 1
    marked = sum(table[f"{side}_{kind}"].sum() for side in ("left", "right") for kind in ("heel_strike", "toe_off"))
    assert marked == len(events)


def test_order_of_the_columns(tmp_path):
    path = Trajectory(RNG.normal(size=(20, 3)), contact=RNG.random((20, 2)))
    motion = walker(20, trajectory=path, uncertainty=RNG.random((20, 17)))
    header, table = rows(motion.save(tmp_path / "walk.csv"))
    firsts = ["frame", "pelvis_x", "root_x", "contact_left", "pelvis_radius", "trunk_flexion", "left_heel_strike"]
    assert [header.index(name) for name in firsts] == sorted(header.index(name) for name in firsts)
    np.testing.assert_allclose(table["root_y"], motion.root[:, 1], rtol=1e-4)
    np.testing.assert_allclose(table["left_knee_radius"], motion.uncertainty[:, 5], rtol=1e-4)
    assert len({*header}) == len(header)


@pytest.mark.parametrize("space", ["pixels", "normalised"])
def test_keypoints_have_no_angles(tmp_path, space):
    poses = pg.PoseSequence(RNG.random((3, 17, 2)), pg.COCO_17, space)
    header, _ = rows(poses.save(tmp_path / "walk.csv"))
    assert header[-3:] == ["right_ankle_x", "right_ankle_y", "right_ankle_score"]


def test_a_skeleton_that_does_not_convert_has_no_angles(tmp_path):
    stick = pg.Skeleton("stick", ("a", "b"), (("b", "a"),), root="a")
    header, _ = rows(pg.PoseSequence(np.zeros((2, 2, 3)), stick, "world").save(tmp_path / "stick.csv"))
    assert header[-1] == "b_score"


def test_an_empty_motion_has_a_header(tmp_path):
    header, table = rows(walker()[:0].save(tmp_path / "none.csv"))
    assert "left_knee_flexion" in header
    assert len(table["frame"]) == 0
