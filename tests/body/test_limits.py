"""Numbers that are not finite, or larger than any pose's, are stopped where poses begin."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import poseglass as pg
from poseglass.body.limits import bounded_points, check_rate, check_size, check_times
from poseglass.errors import PoseError
from poseglass.files.outputs import WRITERS
from poseglass.show.viewer import write_page

UNKNOWN = pg.PoseSequence(np.full((5, 17, 3), np.nan), pg.H36M_17, "camera", fps=30)
FLAT = pg.PoseSequence(np.full((5, 17, 2), np.inf), pg.COCO_17, "pixels", fps=30)
PUBLIC = {
    "smooth": lambda poses: pg.smooth(poses, "savgol"),
    "fit_rig": pg.fit_rig,
    "joint_angles": pg.joint_angles,
    "gait_events": pg.gait_events,
    "render": lambda poses: pg.render(poses, "x.png"),
    "render a video": lambda poses: pg.render(poses, "x.mp4"),
    "write_page": lambda poses: write_page(poses, "x.html"),
    "view": pg.view,
    **{f"save {suffix}": lambda poses, suffix=suffix: poses.save(f"x{suffix}") for suffix in WRITERS},
}


@pytest.mark.parametrize("door", PUBLIC)
def test_poses_of_which_nothing_is_known_are_refused(door, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PoseError, match=r"known|needs all 17 joints"):
        PUBLIC[door](UNKNOWN)
    assert not [*Path().iterdir()]


def test_keypoints_of_which_nothing_is_known_are_refused():
    with pytest.raises(pg.PoseglassError, match="none of the 5 frames shows a person"):
        pg.lift(FLAT, model=pg.create_model("mixste-tiny", frames=9, inputs=3))


def test_an_empty_sequence_and_one_with_a_known_joint_are_not_refused():
    UNKNOWN[:0].require_known("save")
    points = UNKNOWN.points.copy()
    points[2, 3] = 0
    replace(UNKNOWN, points=points, scores=None).require_known("save")
    with pytest.raises(PoseError, match="cannot save these poses: no joint of the 5 frames is known"):
        replace(UNKNOWN, points=points, scores=np.zeros((5, 17))).require_known("save")


@pytest.mark.parametrize("value", [1e8, -1e30, 1e300])
def test_coordinates_beyond_any_image_or_room_are_refused(value):
    points = np.zeros((2, 17, 3))
    points[1, 4, 2] = value
    with pytest.raises(PoseError, match=r"coordinates must be below 1e.07 pixels or metres"):
        pg.PoseSequence(points, pg.H36M_17, "camera")


def test_infinite_and_far_coordinates_of_unknown_joints_become_nan():
    points, scores = np.zeros((2, 17, 3)), np.ones((2, 17))
    points[0, 1, 0], points[1, 2], scores[1, 2] = np.inf, -1e30, 0
    poses = pg.PoseSequence(points, pg.H36M_17, "camera", scores=scores)
    assert [*map(tuple, np.argwhere(np.isnan(poses.points)))] == [(0, 1, 0), (1, 2, 0), (1, 2, 1), (1, 2, 2)]
    assert poses.confidence[0, 1] == 0
    assert np.isinf(points[0, 1, 0]), "the caller's array is unchanged"


def test_points_are_numbers():
    assert bounded_points([[1, 2], [3, 1e7]], None).dtype == np.float32
    for wrong in ([["1", "2"]], [[None, 1]], [[1j, 2]], [[{}, 2]], [[10**400, 2]]):
        with pytest.raises(PoseError, match="points must be numbers"):
            bounded_points(wrong, None)


@pytest.mark.parametrize("fps", [0, -1, 1e-9, 1e9, float("inf"), float("nan")])
def test_impossible_rates_are_refused(fps):
    with pytest.raises(PoseError, match="fps must be a positive number from 1e-06"):
        check_rate(fps, fps)
    check_rate(0.05, 0.05)


@pytest.mark.parametrize("size", [(0, 480), (640, 10**400), (1e12, 5), (float("nan"), 5), (5,), (1, 2, 3)])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(PoseError, match="size must be"):
        check_size(size)
    assert check_size((640.0, 480)) == (640, 480)


def test_impossible_times_are_refused():
    with pytest.raises(PoseError, match="times must be finite"):
        check_times(float("nan"))
    with pytest.raises(PoseError, match=r"below 1e.12, got 1e.15"):
        pg.PoseSequence(np.zeros((2, 17, 3)), pg.H36M_17, "camera", timestamps=np.array([0, 1e15]))
