"""Resampling to the model's clock and back, for frames of any timing, against plain loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poseglass.lifting.blocks import PoseBlock, Prediction
from poseglass.lifting.resampler import DENSE, FASTEST, MOST, PAUSE, STEADY, TimedBlock, on_model_clock

EVEN = np.arange(100) / 30
LATE = np.concatenate([EVEN, 100 / 30 + np.cumsum(np.random.default_rng(0).uniform(0.005, 0.09, 60))])


def poses_at(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points that move smoothly, (f 17 2) and (f 17 3)."""
    phase = times[:, None, None] + np.arange(17)[:, None] / 17
    return 100 * np.sin(phase + np.arange(2)), np.cos(phase + np.arange(3))


def resampled(
    times: np.ndarray, *, block: int = 1000, scores: np.ndarray | None = None, fastest: float = DENSE
) -> tuple[PoseBlock, Prediction]:
    """The model's input, and the result if the model predicts the x of each joint for all three axes."""
    points, _ = poses_at(times)
    scores = np.ones((len(times), 17)) if scores is None else scores
    cuts = range(0, len(times), block)
    blocks = [TimedBlock(*(part[cut : cut + block] for part in (times, points, scores))) for cut in cuts]
    ticks = []

    def lift(parts):
        for part in parts:
            ticks.append(part)
            pose3d = np.repeat(part.points[..., :1], 3, -1).astype(np.float32)
            start = sum(len(tick.points) for tick in ticks[:-1])
            yield Prediction(pose3d, np.arange(start, start + len(pose3d)) % 2 == 0)

    back = list(on_model_clock(blocks, lift, fastest=fastest))
    whole = PoseBlock(*(np.concatenate(parts) for parts in zip(*ticks, strict=True)))
    return whole, Prediction(np.concatenate([p.pose3d for p in back]), np.concatenate([p.kept for p in back]))


def ticks_of(times: np.ndarray) -> np.ndarray:
    """Thirty ticks per second from the first frame on, and one on the last frame."""
    grid = times[0] + np.arange(int((times[-1] - times[0]) * 30 + 1e-6) + 1) / 30
    return np.append(grid, times[-1]) if times[-1] - grid[-1] > 0.1 / 30 else grid


@pytest.mark.parametrize("fps", [23.6, 24, 25, 29.97, 50, 54.9])
def test_a_steady_rate_that_the_model_knows_is_kept(fps: float) -> None:
    times = 7 + np.arange(80) / fps
    ticks, back = resampled(times)
    assert_array_equal(ticks.points, poses_at(times)[0])
    assert_array_equal(back.pose3d[..., 0], poses_at(times)[0][..., 0].astype(np.float32))
    assert_array_equal(back.kept, np.arange(80) % 2 == 0)


@pytest.mark.parametrize(("fps", "unchanged"), [(60, True), (60.9, True), (61.1, False)])
def test_a_model_of_one_rate_takes_60_frames_per_second_unchanged(fps: float, unchanged: bool) -> None:
    times = np.arange(80) / fps
    ticks, _ = resampled(times, fastest=FASTEST)
    assert (len(ticks.points) == 80) == unchanged


def test_60_frames_per_second_become_every_second_frame() -> None:
    times = 7 + np.arange(81) / 60
    ticks, back = resampled(times)
    assert_allclose(ticks.points, poses_at(times)[0][::2], atol=1e-6)
    assert_allclose(back.pose3d[::2, :, 0], poses_at(times)[0][::2, :, 0], atol=1e-4)


def test_small_jitter_is_kept() -> None:
    times = np.arange(80) / 30 + np.random.default_rng(0).uniform(-0.007, 0.007, 80)
    assert_array_equal(resampled(times)[0].points, poses_at(times)[0])


@pytest.mark.parametrize("fps", [5, 23.4, 55.1, 59.94, 60, 120, 240])
def test_any_other_rate_becomes_30_frames_per_second(fps: float) -> None:
    times = 7 + np.arange(90) / fps
    ticks, back = resampled(times)
    grid = ticks_of(times)
    points = poses_at(times)[0]
    for j in range(17):
        expected = np.interp(grid, times, points[:, j, 0])
        assert_allclose(ticks.points[:, j, 0], expected, atol=1e-9)
        assert_allclose(back.pose3d[:, j, 0], np.interp(times, grid, expected), atol=1e-4)


@pytest.mark.parametrize("lost", [1, 3, 60])
def test_lost_frames_are_filled_at_the_rate_of_the_video(lost: int) -> None:
    times = np.append(np.arange(40), 40 + lost + np.arange(40)) / 25
    ticks, back = resampled(times)
    grid = np.arange(80 + lost) / 25
    assert len(ticks.points) == len(grid)
    for j in range(17):
        assert_allclose(ticks.points[:, j, 0], np.interp(grid, times, poses_at(times)[0][:, j, 0]), atol=1e-6)
        assert_allclose(back.pose3d[:, j, 0], poses_at(times)[0][:, j, 0], atol=1e-3)


def test_frames_that_become_irregular_are_resampled_from_there() -> None:
    ticks, back = resampled(LATE)
    assert_array_equal(ticks.points[:100], poses_at(EVEN)[0])
    grid = ticks_of(LATE)
    points = poses_at(LATE)[0]
    for j in range(17):
        expected = np.interp(grid, LATE, points[:, j, 0])
        assert_allclose(ticks.points[:, j, 0], expected, atol=1e-6)
        assert_allclose(back.pose3d[:, j, 0], np.interp(LATE, grid, expected), atol=1e-3)


def test_frames_that_become_regular_again_are_kept() -> None:
    offset = 100 / 30 + 0.05 + np.arange(50) / 30  # half a step late
    times = np.concatenate([EVEN, offset])
    ticks, _ = resampled(times)
    assert_array_equal(ticks.points[-40:], poses_at(times)[0][-40:])


def test_frames_count_as_regular_after_eight_in_step() -> None:
    times = np.concatenate([EVEN, EVEN[-1] + 2.8 / 30 + np.arange(50) / 30])  # the first of these is out of step
    ticks, points = resampled(times)[0].points, poses_at(times)[0]
    assert_array_equal(ticks[-42:], points[-42:])
    assert (ticks[-43] != points[-43]).all()


def test_the_median_of_the_first_63_steps_sets_the_rate() -> None:
    times = np.cumsum([0] + 32 * [0.04] + 48 * [0.02])  # 32 of 63 steps are of 25 frames per second
    ticks = resampled(times)[0].points
    assert_array_equal(ticks[:33], poses_at(times)[0][:33])
    assert len(ticks) == 33 + 24


@pytest.mark.parametrize(("before", "after"), [(30, 60), (30, 20), (50, 40), (60, 40)])
def test_rounded_times_do_not_decide_whether_a_new_rate_is_in_step(before: float, after: float) -> None:
    times = np.concatenate([np.arange(80) / before, 80 / before + np.arange(80) / after])
    _, exact = resampled(times)
    _, rounded = resampled(times.round(6))
    assert_allclose(rounded.pose3d, exact.pose3d, atol=0.01)
    assert len(resampled(times)[0].points) == len(resampled(times.round(6))[0].points)


@pytest.mark.parametrize("times", [EVEN, LATE, LATE[90:], np.arange(150) / 120, np.arange(20) * 3.0, EVEN[:1]])
def test_the_block_size_does_not_change_a_bit(times: np.ndarray) -> None:
    ticks, back = resampled(times)
    for block in (1, 7, 64):
        other_ticks, other_back = resampled(times, block=block)
        assert other_ticks.points.tobytes() == ticks.points.tobytes()
        assert other_back.pose3d.tobytes() == back.pose3d.tobytes()
        assert_array_equal(other_back.kept, back.kept)


@pytest.mark.parametrize(("pause", "counted"), [(9.9, 9.9), (10.0, 10.0), (10.1, 10.0), (86400.0, 10.0)])
def test_a_pause_counts_for_at_most_ten_seconds(pause: float, counted: float) -> None:
    assert PAUSE == 10
    times = np.concatenate([EVEN, EVEN[-1] + pause + EVEN])
    ticks, back = resampled(times)
    assert len(ticks.points) == 99 + round(counted * 30) + 100
    assert_allclose(back.pose3d[:, 0, 0], poses_at(times)[0][:, 0, 0], atol=1e-3)


def test_each_pause_counts_separately() -> None:
    times = np.concatenate([EVEN + 1000 * take for take in range(3)])
    assert len(resampled(times)[0].points) == 3 * 99 + 2 * 300 + 1


@pytest.mark.parametrize("step", [1.5, 20.0, 1e6])
def test_slow_frames_count_for_a_second_each(step: float) -> None:
    assert MOST / STEADY == 1
    times = np.concatenate([EVEN, EVEN[-1] + step * np.arange(1, 200)])
    for slow, allowance in ((times[99:], 0), (times, 300)):
        ticks, back = resampled(slow)
        assert len(ticks.points) <= allowance + MOST * len(slow)
        assert_allclose(back.pose3d[:, 0, 0], poses_at(slow)[0][:, 0, 0], atol=1e-3)


def test_between_a_known_and_an_unknown_joint_the_nearer_counts() -> None:
    times, scores = np.array([0.0, 0.1]), np.ones((2, 17))
    scores[0, 3] = scores[1, 4] = 0
    ticks, _ = resampled(times, scores=scores)
    for joint, known in ((3, [0, 0, 1, 1]), (4, [1, 1, 0, 0])):
        first, last = poses_at(times)[0][:, joint]
        assert_allclose(ticks.points[:, joint], [first, first, last, last])
        assert_allclose(ticks.scores[:, joint], known)


def test_scores_of_known_joints_are_interpolated() -> None:
    scores = np.repeat([[0.2], [0.8]], 17, 1)
    ticks, _ = resampled(np.array([0.0, 0.1]), scores=scores)
    assert_allclose(ticks.scores, np.repeat([[0.2], [0.4], [0.6], [0.8]], 17, 1))


@pytest.mark.parametrize("fps", [59.94, 60, 120])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 70])
def test_the_model_sees_the_first_and_the_last_frame(fps: float, frames: int) -> None:
    times = np.arange(frames) / fps
    ticks, back = resampled(times)
    points = poses_at(times)[0]
    assert_allclose(ticks.points[[0, -1]], points[[0, -1]], atol=0.01)
    assert_allclose(back.pose3d[[0, -1], :, 0], points[[0, -1], :, 0], atol=0.01)
    assert len(back.pose3d) == len(back.kept) == frames


@pytest.mark.parametrize("first", [0, 1, 7, 61])
@pytest.mark.parametrize("block", [1, 16, 1000])
def test_a_person_in_every_second_frame_only_is_seen(first: int, block: int) -> None:
    times = 7 + np.arange(100) / 60
    scores = np.zeros((100, 17))
    scores[first::2] = 1
    ticks, back = resampled(times, scores=scores, block=block)
    assert (ticks.scores[first // 2 : -1] == 1).all()
    assert_allclose(back.pose3d[first::2][:19, :, 0], poses_at(times)[0][first::2][:19, :, 0], atol=1e-3)


@pytest.mark.parametrize("frames", [2, 3])
def test_a_person_in_the_last_frame_only_is_seen(frames: int) -> None:
    scores = np.zeros((frames, 17))
    scores[-1] = 1
    ticks, _ = resampled(np.arange(frames) / 60, scores=scores)
    assert (ticks.scores[-1] == 1).all()


def test_no_frames_give_no_blocks() -> None:
    assert list(on_model_clock([], lambda parts: (pytest.fail("a frame") for _ in parts))) == []
