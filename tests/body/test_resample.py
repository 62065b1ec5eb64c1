"""Changes of frame rate against numpy's one-dimensional interpolation of each coordinate."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import H36M_17, PoseSequence
from poseglass.body.resample import resample
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError


def interpolated(poses: PoseSequence, times: np.ndarray) -> np.ndarray:
    columns = poses.points.reshape(len(poses), -1).T.astype(float)
    return np.stack([np.interp(times, poses.times, column) for column in columns], 1).reshape(len(times), 17, -1)


@pytest.mark.parametrize("fps", [7.0, 15.0, 30.0, 48.0, 60.0])
@pytest.mark.parametrize("even", [True, False])
def test_points_are_interpolated_linearly_in_time(walk, fps, even):
    poses = walk[9:40]
    if not even:
        poses = replace(poses, timestamps=poses.times + np.random.default_rng(0).uniform(0, 0.03, 31).round(4))
    resampled = resample(poses, fps)
    times = poses.times[0] + np.arange(int(np.ptp(poses.times) * fps + 1e-6) + 1) / fps
    assert (resampled.rate, resampled.timestamps, resampled.kept) == (fps, None, None)
    assert_allclose(resampled.times, times)
    assert_allclose(resampled.points, interpolated(poses, times), atol=1e-5)


@pytest.mark.parametrize("start", [0, 1])
def test_frames_at_original_times_are_the_original_frames(walk, start):
    walk = walk[start:]
    half = resample(walk, 15)
    assert_array_equal(half.points, walk.points[::2])
    assert_array_equal(half.confidence, walk.confidence[::2])
    assert_array_equal(half.validity, walk.validity[::2])
    assert_array_equal(half.pose2d.points, walk.pose2d.points[::2])


def test_an_interpolated_frame_is_valid_if_both_neighbours_are_and_takes_the_lower_score():
    scores = np.repeat([[1.0], [0.5], [0.75]], 17, 1)
    poses = PoseSequence(
        np.zeros((3, 17, 3)), H36M_17, "world", fps=10, scores=scores, valid=np.array([True, True, False])
    )
    double = resample(poses, 20)
    assert double.validity.tolist() == [True, True, True, False, False]
    assert_allclose(double.confidence[:, 0], [1, 0.5, 0.5, 0.5, 0.75])


def test_2d_poses_are_resampled_to_the_times_of_the_3d_poses(walk):
    assert_allclose(resample(walk[30:], 24).pose2d.times, resample(walk[30:], 24).times)


def test_an_empty_sequence_is_resampled_with_its_2d_poses(walk):
    none = resample(walk[40:40], 24)
    assert (len(none), none.rate, none.pose2d.rate, none.kept) == (0, 24, 24, None)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_the_frame_rate_must_be_a_positive_number(walk, fps):
    with pytest.raises(PoseError, match=f"fps must be a positive number, got {fps}"):
        resample(walk, fps)


def test_the_rate_may_be_below_one_frame_per_second(walk):
    assert len(resample(walk, 0.5)) == 2


def test_the_trajectory_and_the_uncertainty_are_resampled(walk):
    seconds = walk.times[:, None]
    path = Trajectory(seconds * [1, 2, 3], contact=np.repeat(np.abs(np.sin(seconds)), 2, 1), focal=1000)
    placed = replace(walk, trajectory=path, uncertainty=np.tile(np.arange(90.0)[:, None], 17))
    faster = resample(placed, 48)
    assert_allclose(faster.root, faster.times[:, None] * [1, 2, 3], atol=1e-5)
    assert faster.trajectory.focal == 1000
    assert_allclose(faster.contact[:, 0], np.interp(faster.times, placed.times, path.contact[:, 0]), atol=1e-6)
    assert_allclose(faster.uncertainty[:, 0], np.ceil(faster.times * 30 - 1e-6))
