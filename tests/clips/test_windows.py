"""Cutting sequences into clips and stitching them together, against plain loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from oracle import motion as oracle
from poseglass.clips.windows import blend_weights, cut, padding, seq2frame_starts, seq2seq_starts, starts, stitch


@pytest.mark.parametrize("frames", [1, 5, 8, 9, 10, 17, 26, 27, 100])
@pytest.mark.parametrize(("clip", "stride"), [(9, 6), (9, 9), (9, 1), (1, 1)])
def test_clips_cover_every_frame_and_stay_inside(frames, clip, stride):
    places = starts(frames, clip, stride)
    covered = {start + i for start in places for i in range(clip)}
    assert covered >= set(range(frames))
    assert places[0] == 0
    assert places[-1] == max(frames - clip, 0)
    assert (np.diff(places) > 0).all()
    assert (np.diff(places) <= stride).all()


def test_a_short_sequence_repeats_its_last_frame():
    clips = cut(np.arange(4.0), 6, np.array([0]))
    assert clips.tolist() == [[0, 1, 2, 3, 3, 3]]


def test_seq2seq_clips_match_known_values():
    # 10 frames in three clips of 4: one padding frame at each end.
    places = seq2seq_starts(10, 4)
    assert places.tolist() == [-1, 3, 7]
    assert cut(np.arange(10.0), 4, places).tolist() == [[0, 0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 9]]
    assert np.argwhere(padding(places, 4, 10)).tolist() == [[0, 0], [2, 3]]
    assert seq2seq_starts(8, 4).tolist() == [0, 4]
    assert seq2seq_starts(3, 8).tolist() == [-2]
    assert seq2seq_starts(20, 9, 4).tolist() == [0, 4, 8, 12], "one padding frame, at the end"
    frames = cut(np.arange(4.0), 5, seq2frame_starts(4, 5))
    assert frames.tolist() == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 3, 3]]


def test_cutting_and_stitching_match_plain_loops():
    rng = np.random.default_rng(0)
    places, weights = np.array([0, 4, 8, 11]), rng.uniform(0.1, 1, 9)
    clips = rng.normal(size=(4, 9, 17, 3))
    assert_allclose(stitch(clips, places, 20, weights), oracle.stitch(clips, places, 20, weights))
    assert_allclose(stitch(clips, places, 15, weights), oracle.stitch(clips, places, 15, weights))


@pytest.mark.parametrize(("clip", "overlap"), [(27, 9), (27, 0), (9, 8), (1, 0)])
def test_blending_weights_fall_towards_both_ends_but_stay_positive(clip, overlap):
    weights = blend_weights(clip, overlap)
    assert_allclose(weights, weights[::-1])
    assert (weights > 0).all()
    assert weights.max() <= 1
    assert (np.diff(weights[: (clip + 1) // 2]) >= -1e-12).all()
    assert_allclose(weights[overlap : clip - overlap], 1)


def test_neighbouring_clips_share_their_overlap_evenly():
    # Where two clips overlap, their weights add up to one, so no frame counts more than another.
    weights = blend_weights(27, 9)
    assert_allclose(weights[-9:] + weights[:9], 1)
