"""Cutting, stitching, filling and what a model sees, against plain loops."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from oracle import motion as oracle
from poseglass.clips.person import fill_gaps, person_coordinates
from poseglass.clips.windows import blend_weights, cut, padding, seq2frame_starts, seq2seq_starts, starts, stitch


@pytest.mark.parametrize("frames", [1, 5, 8, 9, 10, 17, 26, 27, 100])
@pytest.mark.parametrize(("clip", "stride"), [(9, 6), (9, 9), (9, 1), (1, 1)])
def test_clips_cover_every_frame_and_stay_inside(frames, clip, stride):
    begins = starts(frames, clip, stride)
    covered = {begin + i for begin in begins for i in range(clip)}
    assert covered >= set(range(frames))
    assert begins[0] == 0
    assert begins[-1] == max(frames - clip, 0)
    assert (np.diff(begins) > 0).all()
    assert (np.diff(begins) <= stride).all()


def test_a_short_sequence_repeats_its_last_frame():
    clips = cut(np.arange(4.0), 6, np.array([0]))
    assert clips.tolist() == [[0, 1, 2, 3, 3, 3]]


def test_the_field_s_clips_by_hand():
    # 10 frames in clips of 4: three of them, two frames too many, one at each end.
    begins = seq2seq_starts(10, 4)
    assert begins.tolist() == [-1, 3, 7]
    assert cut(np.arange(10.0), 4, begins).tolist() == [[0, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 9]]
    assert np.argwhere(padding(begins, 4, 10)).tolist() == [[0, 0], [2, 3]]
    assert seq2seq_starts(8, 4).tolist() == [0, 4]
    assert seq2seq_starts(3, 8).tolist() == [-2]
    assert seq2seq_starts(20, 9, 4).tolist() == [0, 4, 8, 12], "one frame is repeated, at the end"
    frames = cut(np.arange(4.0), 5, seq2frame_starts(4, 5))
    assert frames.tolist() == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 3, 3]]


def test_cut_and_stitch_against_loops():
    rng = np.random.default_rng(0)
    begins, weights = np.array([0, 4, 8, 11]), rng.uniform(0.1, 1, 9)
    clips = rng.normal(size=(4, 9, 17, 3))
    assert_allclose(stitch(clips, begins, 20, weights), oracle.stitch(clips, begins, 20, weights))
    assert_allclose(stitch(clips, begins, 15, weights), oracle.stitch(clips, begins, 15, weights))


@pytest.mark.parametrize(("clip", "overlap"), [(27, 9), (27, 0), (9, 8), (1, 0)])
def test_blending_weights_fall_to_both_ends_and_never_to_nothing(clip, overlap):
    weights = blend_weights(clip, overlap)
    assert_allclose(weights, weights[::-1])
    assert (weights > 0).all()
    assert weights.max() <= 1
    assert (np.diff(weights[: (clip + 1) // 2]) >= -1e-12).all()
    assert_allclose(weights[overlap : clip - overlap], 1)


def test_neighbouring_clips_share_their_overlap_evenly():
    # Where two clips overlap their weights add up to one, so no frame counts more than another.
    weights = blend_weights(27, 9)
    assert_allclose(weights[-9:] + weights[:9], 1)


class TestFillGaps:
    @pytest.mark.parametrize("seed", range(5))
    def test_against_loops(self, seed):
        rng = np.random.default_rng(seed)
        points, known = rng.normal(size=(15, 6, 2)), rng.random((15, 6)) < 0.5
        known[:, 0], known[:, 1] = False, True
        known[:, 2] = np.arange(15) == 7
        points[~known] = np.nan
        assert_allclose(fill_gaps(points, known), oracle.fill_gaps(points, known), atol=1e-12)

    def test_what_is_known_stays_bit_for_bit(self):
        rng = np.random.default_rng(9)
        points, known = rng.normal(size=(15, 6, 2)).astype(np.float32), rng.random((15, 6)) < 0.5
        assert_array_equal(fill_gaps(points, known)[known], points[known])

    def test_batches(self):
        rng = np.random.default_rng(8)
        points, known = rng.normal(size=(2, 3, 9, 6, 3)), rng.random((2, 3, 9, 6)) < 0.5
        filled = fill_gaps(points, known)
        for i in range(2):
            for j in range(3):
                assert_allclose(filled[i, j], fill_gaps(points[i, j], known[i, j]))

    def test_one_frame_and_nothing_known(self):
        assert fill_gaps(np.full((1, 2, 2), np.nan), np.array([[False, False]])).tolist() == [[[0, 0], [0, 0]]]
        assert fill_gaps(np.full((1, 1, 2), 5.0), np.array([[True]])).tolist() == [[[5, 5]]]


class TestPersonCoordinates:
    def sequence(self, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        points = rng.normal(0, 80, (12, 17, 2)) + [900, 500] + 3 * np.arange(12)[:, None, None]
        return points, rng.uniform(0.3, 1, (12, 17))

    @pytest.mark.parametrize("lost", ["none", "some", "pelvis", "one joint", "all but one frame", "everything"])
    def test_against_loops(self, lost):
        points, scores = self.sequence()
        away = {
            "none": np.zeros((12, 17), bool),
            "some": np.random.default_rng(3).random((12, 17)) < 0.4,
            "pelvis": np.arange(17) == 0,
            "one joint": np.arange(17) == 13,
            "all but one frame": (np.arange(12) != 5)[:, None],
            "everything": np.ones((12, 17), bool),
        }[lost]
        scores[np.broadcast_to(away, (12, 17))] = 0
        points[scores == 0] = np.nan
        if lost == "everything":
            assert not person_coordinates(points, scores).any()
        else:
            seen = person_coordinates(points, scores)
            assert seen.dtype == np.float32
            assert_allclose(seen, oracle.person_coordinates(points, scores), atol=1e-5)

    def test_size_and_place_in_the_image_do_not_matter(self):
        points, scores = self.sequence()
        seen = person_coordinates(points, scores)
        assert_allclose(person_coordinates(3.7 * points + [50, -1000], scores), seen, atol=1e-5)

    def test_the_motion_through_the_image_does(self):
        points, scores = self.sequence()
        walking = person_coordinates(points + 30 * np.arange(12)[:, None, None], scores)
        assert walking[-1, 0, 0] - walking[0, 0, 0] > 1

    def test_a_person_in_one_point_is_no_division_by_zero(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            seen = person_coordinates(np.full((4, 17, 2), 300.0), np.ones((4, 17)))
        assert np.isfinite(seen).all()

    def test_a_joint_far_off_is_held_back(self):
        points, scores = self.sequence()
        points[3, 5] = 1e9
        assert np.abs(person_coordinates(points, scores)).max() <= 30

    def test_batches_are_clip_by_clip(self):
        (a, sa), (b, sb) = self.sequence(1), self.sequence(2)
        together = person_coordinates(np.stack([a, b]), np.stack([sa, sb]))
        assert_array_equal(together[0], person_coordinates(a, sa))
        assert_array_equal(together[1], person_coordinates(b, sb))
