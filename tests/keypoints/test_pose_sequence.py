"""2D poses that `PoseSequence.save` wrote."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17, H36M_17, HALPE_26, PoseSequence
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from samples.keypoint_files import SIZE, person


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_saved_poses_are_read_back(tmp_path, suffix):
    points = np.stack([person(26, x=100 + n)[:, :2] for n in range(9)])
    valid = np.arange(9) != 4
    points[4] = np.nan
    scores = np.random.default_rng(0).uniform(0.1, 1, (9, 26)).round(3)
    saved = PoseSequence(points, HALPE_26, "pixels", fps=24, scores=scores, valid=valid, size=SIZE)
    poses = read_keypoints(saved.save(tmp_path / f"walk{suffix}"))
    assert poses.skeleton == HALPE_26
    assert poses.rate == pytest.approx(24, rel=1e-4)
    assert poses.validity.tolist() == valid.tolist()
    assert_allclose(poses.points, saved.points, rtol=1e-4)
    assert_allclose(poses.confidence, saved.confidence, atol=1e-6)


def test_timestamps_are_kept_unless_a_frame_rate_is_given(tmp_path):
    times = np.array([0, 0.04, 0.1])
    points = np.repeat(person(17)[None, :, :2], 3, 0)
    path = PoseSequence(points, COCO_17, "pixels", timestamps=times).save(tmp_path / "walk.npz")
    assert_allclose(read_keypoints(path).times, times)
    assert_allclose(read_keypoints(path, fps=10).times, [0, 0.1, 0.2])


def test_lifted_motion_is_refused(tmp_path):
    motion = PoseSequence(np.zeros((3, 17, 3)), H36M_17, "camera")
    with pytest.raises(
        FormatError, match=r"expected, but these are in camera space \(metres\); this motion is lifted already"
    ):
        read_keypoints(motion.save(tmp_path / "motion.npz"))
    with pytest.raises(FormatError, match="the table is three-dimensional"):
        read_keypoints(motion.save(tmp_path / "motion.csv"))


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_a_slice_keeps_its_times(tmp_path, suffix):
    poses = PoseSequence(np.repeat(person(17)[None, :, :2], 90, 0), COCO_17, "pixels", fps=30)
    part = read_keypoints(poses[30:60].save(tmp_path / f"part{suffix}"))
    assert part.timestamps is None
    assert_allclose(part.times, poses.times[30:60], atol=1e-6)
    assert read_keypoints(tmp_path / f"part{suffix}", fps=10).start == 0


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_uneven_times_are_kept(tmp_path, suffix):
    times = 7 + np.array([0, 0.04, 0.1, 0.13])
    points = np.repeat(person(17)[None, :, :2], 4, 0)
    path = PoseSequence(points, COCO_17, "pixels", timestamps=times).save(tmp_path / f"walk{suffix}")
    assert_allclose(read_keypoints(path).timestamps, times, atol=1e-6)


def test_the_layout_of_a_file_cannot_be_overruled(tmp_path):
    path = PoseSequence(person(17)[None, :, :2], COCO_17, "pixels").save(tmp_path / "walk.npz")
    assert read_keypoints(path, layout="coco17").skeleton == COCO_17
    with pytest.raises(FormatError, match="the file says that its joints are coco17, not h36m17"):
        read_keypoints(path, layout="h36m17")
    with pytest.raises(FormatError, match="17 joints are given but halpe26 has 26"):
        read_keypoints(path, layout="halpe26")


def test_normalised_poses_are_refused(tmp_path):
    path = PoseSequence(np.zeros((3, 17, 2)), COCO_17, "normalised").save(tmp_path / "walk.npz")
    with pytest.raises(FormatError, match=r"these are in normalised space \(half widths\)$"):
        read_keypoints(path)
