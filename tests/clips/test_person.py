"""Filling gaps, and coordinates in body sizes, against plain loops."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from oracle import motion as oracle
from poseglass.clips import person


def fill_gaps(points: np.ndarray, known: np.ndarray) -> np.ndarray:
    return person.fill_gaps(torch.from_numpy(points), torch.from_numpy(known)).numpy()


def person_coordinates(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return person.person_coordinates(torch.from_numpy(points), torch.from_numpy(scores)).numpy()


def pelvis_path(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return person.pelvis_path(torch.from_numpy(points), torch.from_numpy(scores)).numpy()


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_the_median_of_an_even_count_is_the_mean_of_the_middle_two(count):
    values = np.random.default_rng(count).normal(size=(3, count, 2))
    assert_array_equal(person.median(torch.from_numpy(values), 1), np.median(values, 1, keepdims=True))


class TestFillGaps:
    @pytest.mark.parametrize("seed", range(5))
    def test_filled_gaps_match_plain_loops(self, seed):
        rng = np.random.default_rng(seed)
        points, known = rng.normal(size=(15, 6, 2)), rng.random((15, 6)) < 0.5
        known[:, 0], known[:, 1] = False, True
        known[:, 2] = np.arange(15) == 7
        points[~known] = np.nan
        assert_allclose(fill_gaps(points, known), oracle.fill_gaps(points, known), atol=1e-12)

    def test_known_points_stay_unchanged_to_the_bit(self):
        rng = np.random.default_rng(9)
        points, known = rng.normal(size=(15, 6, 2)).astype(np.float32), rng.random((15, 6)) < 0.5
        assert_array_equal(fill_gaps(points, known)[known], points[known])

    def test_each_clip_of_a_batch_is_filled_independently(self):
        rng = np.random.default_rng(8)
        points, known = rng.normal(size=(2, 3, 9, 6, 3)), rng.random((2, 3, 9, 6)) < 0.5
        filled = fill_gaps(points, known)
        for i in range(2):
            for j in range(3):
                assert_allclose(filled[i, j], fill_gaps(points[i, j], known[i, j]))

    def test_joints_that_are_never_known_become_zero(self):
        assert fill_gaps(np.full((1, 2, 2), np.nan), np.array([[False, False]])).tolist() == [[[0, 0], [0, 0]]]
        assert fill_gaps(np.full((1, 1, 2), 5.0), np.array([[True]])).tolist() == [[[5, 5]]]


class TestPersonCoordinates:
    def sequence(self, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        points = rng.normal(0, 80, (12, 17, 2)) + [900, 500] + 3 * np.arange(12)[:, None, None]
        return points, rng.uniform(0.3, 1, (12, 17))

    @pytest.mark.parametrize("lost", ["none", "some", "pelvis", "one joint", "all but one frame", "everything"])
    def test_person_coordinates_match_plain_loops(self, lost):
        points, scores = self.sequence()
        missing = {
            "none": np.zeros((12, 17), bool),
            "some": np.random.default_rng(3).random((12, 17)) < 0.4,
            "pelvis": np.arange(17) == 0,
            "one joint": np.arange(17) == 13,
            "all but one frame": (np.arange(12) != 5)[:, None],
            "everything": np.ones((12, 17), bool),
        }[lost]
        scores[np.broadcast_to(missing, (12, 17))] = 0
        points[scores == 0] = np.nan
        if lost == "everything":
            assert not person_coordinates(points, scores).any()
        else:
            view = person_coordinates(points, scores)
            assert view.dtype == np.float32
            assert_allclose(view, oracle.person_coordinates(points, scores), atol=1e-5)

    def test_size_and_position_in_the_image_do_not_matter(self):
        points, scores = self.sequence()
        view = person_coordinates(points, scores)
        assert_allclose(person_coordinates(3.7 * points + [50, -1000], scores), view, atol=1e-5)

    def test_motion_through_the_image_matters(self):
        points, scores = self.sequence()
        walking = person_coordinates(points + 30 * np.arange(12)[:, None, None], scores)
        assert walking[-1, 0, 0] - walking[0, 0, 0] > 1

    def test_a_person_collapsed_to_a_point_does_not_divide_by_zero(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            view = person_coordinates(np.full((4, 17, 2), 300.0), np.ones((4, 17)))
        assert np.isfinite(view).all()

    def test_outliers_are_limited(self):
        points, scores = self.sequence()
        points[3, 5] = 1e9
        assert np.abs(person_coordinates(points, scores)).max() <= 30

    def test_clips_of_a_batch_are_independent(self):
        (a, sa), (b, sb) = self.sequence(1), self.sequence(2)
        together = person_coordinates(np.stack([a, b]), np.stack([sa, sb]))
        assert_array_equal(together[0], person_coordinates(a, sa))
        assert_array_equal(together[1], person_coordinates(b, sb))


class TestPelvisPath:
    def test_a_pelvis_that_is_known_is_the_path(self):
        points, scores = np.random.default_rng(0).normal(size=(9, 17, 2)), np.ones((9, 17))
        scores[:, 5] = 0
        assert_array_equal(pelvis_path(points, scores), points[:, 0])

    @pytest.mark.parametrize("joints", [[7], [3, 8, 12]])
    def test_a_pelvis_that_is_never_known_is_the_mean_of_the_known_joints(self, joints):
        points, scores = np.random.default_rng(0).normal(size=(9, 17, 2)), np.zeros((9, 17))
        scores[:, joints] = 1
        expected = [[sum(pose[joint][axis] for joint in joints) / len(joints) for axis in (0, 1)] for pose in points]
        assert_allclose(pelvis_path(points, scores), expected)

    def test_a_clip_without_known_joints_has_no_path(self):
        points, scores = np.zeros((2, 9, 17, 2)), np.ones((2, 9, 17))
        scores[1] = 0
        assert np.isnan(pelvis_path(points, scores)).all((1, 2)).tolist() == [False, True]
