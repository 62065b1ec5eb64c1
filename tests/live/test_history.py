"""The newest 2D poses on a model's clock."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.live.history import MOST, History

ONES = np.ones(17)


def history_of(times, clip: int = 9) -> History:
    """Frames in which every coordinate is the time."""
    history = History(clip)
    for time in times:
        history.add(time, np.full((17, 2), time), ONES)
    return history


@pytest.mark.parametrize("fps", [5, 12, 24, 30, 50, 60, 240])
def test_a_window_ends_at_the_newest_frame_at_any_rate(fps):
    times = 7 + np.arange(4 * fps) / fps
    window = history_of(times).window()
    step = 1 / fps if 24 <= fps <= 50 else 1 / 30
    assert_allclose(window.ticks, times[-1] - step * np.arange(8, -1, -1))
    assert_allclose(window.block.points[:, 3, 1], window.ticks)


def test_jitter_in_step_is_kept_and_a_gap_is_bridged():
    times = np.arange(20) / 30
    times[15] += 0.01
    assert history_of(times).window().ticks[4] == times[15]
    window = history_of(np.delete(times, 15)).window()
    assert_allclose(window.ticks, times[-1] - np.arange(8, -1, -1) / 30, atol=1e-4)
    assert_allclose(window.block.points[:, 0, 0], window.ticks)


def test_between_a_known_and_an_unknown_joint_the_nearer_counts():
    history = history_of([0.0, 0.1])
    history.add(0.2, np.full((17, 2), np.nan), 0 * ONES)
    history.add(0.3, np.full((17, 2), 0.3), ONES)
    block = history.window().block
    assert np.isfinite(block.points).all()
    assert_allclose(block.points[-1], 0.3)
    assert set(block.scores[:, 0]) == {0.0, 1.0}


def test_a_rate_at_the_limit_does_not_switch():
    """A camera near 55 frames per second that was lifted unchanged stays so, and one that was not, too."""
    rng = np.random.default_rng(0)
    steps = [*np.full(64, 1 / 50), *rng.normal(1 / 55.2, 1e-4, 80)]
    assert_allclose(np.diff(history_of(np.cumsum(steps)).window().ticks).mean(), 1 / 55.2, rtol=0.01)
    steps = [*np.full(64, 1 / 60), *rng.normal(1 / 55.2, 1e-4, 80)]
    assert_allclose(np.diff(history_of(np.cumsum(steps)).window().ticks), 1 / 30)


def test_frames_are_forgotten():
    assert len(history_of(np.arange(300) / 30)) <= 11
    assert len(history_of(np.arange(2000) / 5000)) == MOST * 9
    history = history_of(np.arange(300) / 50)
    history.clear()
    assert (len(history), round(history.rate)) == (0, 50)


def test_the_first_frame_is_repeated_before_the_start():
    window = history_of([5.0, 5.0 + 1 / 30]).window()
    assert_allclose(window.block.points[:, 0, 0], [5.0] * 8 + [5.0 + 1 / 30])
    assert window.start == 5.0
    assert_allclose(window.at(window.ticks[:, None, None] * np.ones((17, 3)), 5.01), 5.01)


def test_a_corrected_frame_replaces_the_first_one():
    history = history_of(np.arange(12) / 30)
    history.correct(2, np.zeros((17, 2)), 0.5 * ONES)
    history.correct(99, np.zeros((17, 2)), ONES)
    block = history.window().block
    assert block.scores[:, 0].tolist() == [1] * 6 + [0.5, 1, 1]
    assert block.points[6, 0, 0] == 0
