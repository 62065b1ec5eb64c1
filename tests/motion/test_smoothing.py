"""Filters against their definitions, and what smoothing leaves alone."""

from dataclasses import replace

import numpy as np
import pytest

import poseglass as pg
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError
from poseglass.motion.smoothing import FILTERS, jitter, parse_filter, smooth

RNG = np.random.default_rng(3)
NO_LAG = ["butterworth:6", "savgol"]
EVERY = ["one-euro", *NO_LAG]


def motion(points: np.ndarray, rate: float = 30, **fields) -> pg.PoseSequence:
    """A motion whose joints all follow `points` (f 3) or have their own (f 17 3)."""
    points = np.broadcast_to(points[:, None], (len(points), 17, 3)) if points.ndim == 2 else points
    return pg.PoseSequence(points, pg.H36M_17, "camera", fps=None if "timestamps" in fields else rate, **fields)


def wave(times: np.ndarray, frequency: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * times)[:, None] * [0.3, 0.2, -0.1]


def noise(frames: int = 120) -> np.ndarray:
    return np.cumsum(RNG.normal(0, 0.01, (frames, 17, 3)), 0) + RNG.normal(0, 0.02, (frames, 17, 3))


def naive_one_euro(values: np.ndarray, rate: float, cutoff: float, beta: float) -> np.ndarray:
    """Casiez et al. 2012, algorithm 1 and 2, for one point, with the speed of the point instead of an axis."""

    def alpha(frequency: float) -> float:
        tau = 1 / (2 * np.pi * frequency)
        return 1 / (1 + tau * rate)

    out, velocity = [values[0]], np.zeros(3)
    for value in values[1:]:
        velocity = alpha(1.0) * (value - out[-1]) * rate + (1 - alpha(1.0)) * velocity
        a = alpha(cutoff + beta * np.sqrt((velocity**2).sum()))
        out.append(a * value + (1 - a) * out[-1])
    return np.array(out)


def test_one_euro_is_the_published_algorithm():
    points = noise(50)
    smoothed = smooth(motion(points, 60), "one-euro:1.5").points
    for joint in (0, 7, 16):
        np.testing.assert_allclose(smoothed[:, joint], naive_one_euro(points[:, joint], 60, 1.5, 5.0), atol=1e-6)


def test_one_euro_does_not_depend_on_the_axes():
    points, turn = noise(40), np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    one, other = (smooth(motion(x), "one-euro").points for x in (points @ turn, points))
    np.testing.assert_allclose(one, other @ turn, atol=1e-5)


def test_one_euro_sees_no_later_frame():
    points = noise(60)
    np.testing.assert_array_equal(
        smooth(motion(points), "one-euro").points[:30], smooth(motion(points[:30]), "one-euro").points
    )


@pytest.mark.parametrize(("cutoff", "rate"), [(3, 30), (6, 30), (6, 60), (10, 50)])
def test_butterworth_halves_the_power_at_its_cutoff_without_lag(cutoff, rate):
    times = np.arange(40 * rate) / rate
    points = wave(times, cutoff)
    smoothed = smooth(motion(points, rate), f"butterworth:{cutoff}").points[:, 0]
    middle = slice(10 * rate, 30 * rate)
    np.testing.assert_allclose(smoothed[middle], points[middle] / np.sqrt(2), atol=0.002)


def test_savgol_fits_a_cubic_around_each_frame():
    points = noise(60)
    smoothed = smooth(motion(points), "savgol:0.3").points  # nine frames at 30 frames per second
    steps = np.arange(-4, 5)
    for frame in (10, 33):
        fit = np.polyfit(steps, points[frame - 4 : frame + 5, 5], 3)
        np.testing.assert_allclose(smoothed[frame, 5], fit[-1], atol=1e-6)


@pytest.mark.parametrize("by", EVERY)
def test_noise_falls_and_slow_motion_stays(by):
    times = np.arange(300) / 30
    slow = wave(times, 0.3)
    noisy = slow[:, None] + RNG.normal(0, 0.01, (300, 17, 3))
    before, after = motion(noisy), smooth(motion(noisy), by)
    assert jitter(after) < 0.5 * jitter(before)
    if by in NO_LAG:
        error = np.linalg.norm(after.points - slow[:, None], axis=-1).mean()
        assert error < 0.8 * np.linalg.norm(before.points - slow[:, None], axis=-1).mean()


@pytest.mark.parametrize("by", EVERY)
def test_a_person_who_stands_still_stays_where_they_are(by):
    still = motion(np.full((50, 17, 3), 0.7))
    np.testing.assert_allclose(smooth(still, by).points, 0.7, rtol=1e-6)


@pytest.mark.parametrize("by", EVERY)
def test_the_path_is_smoothed_and_everything_else_kept(by):
    pose2d = pg.PoseSequence(RNG.random((60, 17, 2)), pg.H36M_17, "pixels", fps=30)
    root = np.cumsum(RNG.normal(0, 0.02, (60, 3)), 0)
    path = Trajectory(root, contact=RNG.random((60, 2)), focal=900.0)
    before = motion(
        noise(60), trajectory=path, pose2d=pose2d, scores=RNG.random((60, 17)), uncertainty=RNG.random((60, 17))
    )
    after = smooth(before, by)
    np.testing.assert_allclose(after.root, smooth(motion(root), by).points[:, 0], atol=1e-6)
    assert after.pose2d is pose2d
    for name in ("confidence", "contact", "uncertainty", "times"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_array_equal(before.root, root.astype(np.float32))  # the input is unchanged


@pytest.mark.parametrize("by", EVERY)
@pytest.mark.parametrize("frames", [0, 1, 2, 3, 4, 7])
def test_short_clips(by, frames):
    before = motion(noise(10)[:frames])
    after = smooth(before, by)
    assert after.points.shape == before.points.shape
    assert np.isfinite(after.points).all()
    if frames < 2:
        np.testing.assert_array_equal(after.points, before.points)


@pytest.mark.parametrize("by", EVERY)
def test_unknown_joints_stay_unknown_and_spoil_no_others(by):
    whole, gap = noise(80), noise(80)
    gap[:] = whole
    gap[20:25, 3], gap[:, 8], gap[1:, 9] = np.nan, np.nan, np.nan
    one, other = smooth(motion(whole), by).points, smooth(motion(gap), by).points
    np.testing.assert_array_equal(np.isnan(other), np.isnan(gap.astype(np.float32)))
    np.testing.assert_array_equal(np.delete(other, [3, 8, 9], 1), np.delete(one, [3, 8, 9], 1))
    np.testing.assert_allclose(other[60:, 3], one[60:, 3], atol=0.01)
    np.testing.assert_array_equal(other[:, 9], gap[:, 9].astype(np.float32))


def test_a_missed_joint_is_a_guess_in_keypoints_and_a_pose_in_lifted_motion():
    points, scores = noise(60), np.ones((60, 17))
    points[30, 4], scores[30, 4] = 5, 0
    pose2d = pg.PoseSequence(RNG.random((60, 17, 2)), pg.H36M_17, "pixels", fps=30)
    own, lifted = motion(points, scores=scores), motion(points, scores=scores, pose2d=pose2d)
    assert np.abs(smooth(own, "butterworth").points[25:29, 4]).max() < 2
    assert smooth(own, "butterworth").points[30, 4, 0] == 5
    assert smooth(lifted, "butterworth").points[30, 4, 0] < 4


@pytest.mark.parametrize("by", NO_LAG)
def test_uneven_clocks_are_filtered_on_an_even_grid(by):
    times = np.sort(RNG.choice(np.arange(600), 400, replace=False)) / 60
    after = smooth(motion(wave(times, 0.5), timestamps=times), by)
    np.testing.assert_allclose(after.points[20:-20, 0], wave(times, 0.5)[20:-20], atol=0.01)
    assert after.timestamps is not None


def test_nearly_even_timestamps_count_as_even():
    times = np.round(np.arange(90) / 30, 6)
    points = noise(90)
    one, other = smooth(motion(points, timestamps=times), "savgol"), smooth(motion(points), "savgol")
    np.testing.assert_allclose(one.points, other.points, atol=1e-6)


@pytest.mark.parametrize("by", EVERY)
def test_a_long_pause_separates_two_stretches(by):
    points = noise(80)
    times = np.concatenate([np.arange(40) / 30, 60 + np.arange(40) / 30])
    after = smooth(motion(points, timestamps=times), by).points
    for part in (slice(0, 40), slice(40, 80)):
        np.testing.assert_allclose(after[part], smooth(motion(points[part]), by).points, atol=1e-5)


def test_keypoints_in_pixels_are_smoothed_too():
    poses = pg.PoseSequence(RNG.random((60, 17, 2)) * 100, pg.COCO_17, "pixels", fps=30)
    assert np.diff(smooth(poses, "savgol").points, axis=0).std() < 0.6 * np.diff(poses.points, axis=0).std()


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("kalman", "no filter is called 'kalman'; expected one of one-euro:1"),
        ("butterworth:zero", "expected the cut-off in Hz after the colon, such as butterworth:6"),
        ("butterworth:", "after the colon"),
        ("savgol:-1", "window in seconds"),
        ("one-euro:nan", "cut-off at rest"),
        ("butterworth:15", "below half the frame rate, 15 Hz, got 15"),
    ],
)
def test_refusals(by, message):
    with pytest.raises(PoseError, match=message):
        smooth(motion(noise(30)), by)


@pytest.mark.parametrize("name", FILTERS)
def test_the_default_parameter_is_the_one_in_the_table(name):
    row, parameter = parse_filter(name)
    assert parse_filter(f"{name}:{row.default:g}") == (row, parameter)


def test_jitter_is_the_mean_third_derivative():
    for times in (np.arange(40) / 30, np.cumsum(RNG.uniform(0.02, 0.06, 40))):
        poses = motion(times[:, None] ** 3 * [1, 2, -2], timestamps=times)
        assert jitter(poses) == pytest.approx(6 * 3 / 10, rel=0.02)
    points = noise(30)
    third = points[3:] - 3 * points[2:-1] + 3 * points[1:-2] - points[:-3]
    assert jitter(motion(points, 50)) == pytest.approx(np.linalg.norm(third, axis=-1).mean() * 50**3 / 10, rel=1e-4)


def test_jitter_counts_the_path_and_no_unknown_joint():
    root = RNG.normal(size=(30, 3))
    path = Trajectory(root, contact=np.zeros((30, 2)))
    still = motion(np.zeros((30, 17, 3)))
    assert jitter(replace(still, trajectory=path)) == pytest.approx(jitter(motion(root)), rel=1e-4)
    assert jitter(still) == 0
    points = noise(30)
    points[10, 2] = np.nan
    assert np.isfinite(jitter(motion(points)))
    assert np.isnan(jitter(motion(points[:3])))
    with pytest.raises(PoseError, match="in pixels"):
        jitter(pg.PoseSequence(np.zeros((9, 17, 2)), pg.H36M_17, "pixels"))
