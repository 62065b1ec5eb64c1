"""Cutting takes into clips at gaps and jumps, at an even frame rate."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import H36M_17, PoseSequence
from poseglass.body.resample import resample
from poseglass.own.bodies import BodyMotion
from poseglass.own.cutting import cut_clips
from poseglass.own.description import TakeEntry
from poseglass.own.sources import MotionFile
from samples import motion_files as files


def body(points, *, fps=50.0, times=None, space="world", **facts):
    file = MotionFile(Path("w.csv"), "anna", "walk 1", "walk", "val", TakeEntry("w.csv"), **facts)
    return BodyMotion(file, points, fps, times, 1.0, "y", space)


def test_a_whole_take_is_one_clip_at_60_frames_per_second():
    (clip,) = cut_clips(body(files.people()), licence="ours")
    assert (clip.name, clip.subject, clip.split, clip.licence) == ("anna_walk_1", "anna", "val", "ours")
    expected = resample(PoseSequence(files.people(), H36M_17, "world", fps=50), 60)
    assert_allclose(clip.points, expected.points, atol=1e-6)
    (clip,) = cut_clips(body(files.people()), 25)
    assert_allclose(clip.points, files.people()[::2], atol=1e-6)


def test_cmu_takes_keep_their_name_and_licence():
    (clip,) = cut_clips(body(files.people(), is_cmu=True))
    assert (clip.name, clip.licence) == ("walk 1", "CMU")


def test_takes_are_cut_at_gaps_and_jumps():
    points = files.people(200)
    points[50:60, 4] = np.nan
    points[120:] += [2.0, 0, 0]
    clips = cut_clips(body(points))
    assert [clip.name for clip in clips] == ["anna_walk_1_p0", "anna_walk_1_p1", "anna_walk_1_p2"]
    for clip, steps in zip(clips, (49, 59, 79), strict=True):
        assert abs(len(clip.points) - steps * 60 / 50) < 3
        assert np.isfinite(clip.points).all()


@pytest.mark.parametrize(("frames", "clips"), [(25, 0), (26, 1)])
def test_half_a_second_is_enough_for_a_clip(frames, clips):
    """30 frames at 60 per second are 29 steps: 24.2 steps at 50 per second."""
    assert len(cut_clips(body(files.people(frames)))) == clips


def test_a_take_without_a_usable_frame_has_no_clip():
    assert cut_clips(body(np.full((90, 17, 3), np.nan))) == []
    assert cut_clips(body(files.people(90)[:1])) == []


def test_uneven_time_stamps_override_the_frame_rate():
    points, even = files.people(91), np.arange(91) / 50
    times = even.copy()
    times[1:-1] += np.random.default_rng(0).uniform(-0.004, 0.004, 89)
    moved = np.stack([np.interp(times, even, axis) for axis in points.reshape(91, -1).T], -1).reshape(91, 17, 3)
    (clip,) = cut_clips(body(moved, times=times))
    assert_allclose(clip.points[::6], points[::5], atol=0.01)


@pytest.mark.parametrize(("jitter", "exact"), [(0.04, True), (0.06, False)])
def test_nearly_even_time_stamps_do_not_override_the_frame_rate(jitter, exact):
    """Steps within 5 % of 1 / fps count as rounding, and the rate is exact."""
    times = np.arange(91) / 50
    times[45] += jitter / 50
    (clip,) = cut_clips(body(files.people(91), times=times))
    (even,) = cut_clips(body(files.people(91)))
    assert np.allclose(clip.points, even.points, atol=1e-9) == exact


def test_time_stamps_that_do_not_increase_are_ignored():
    times = np.arange(91) / 50
    times[45] = 0
    assert len(cut_clips(body(files.people(91), times=times))) == 1


def test_camera_space_is_turned_to_y_up():
    points = files.people() * [1, -1, -1] + [0, 0, 5]
    (clip,) = cut_clips(body(points, space="camera"))
    assert_allclose(clip.points[0], files.people()[0] - [0, 0, 5], atol=1e-5)
