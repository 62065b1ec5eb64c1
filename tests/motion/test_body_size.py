"""The size of each pose, judged by people whose bones have known lengths."""

import numpy as np
import pytest

from oracle import walkers
from poseglass.motion.body_size import LARGEST, body_size

TIMES = np.arange(240) / 30
SEEN = np.ones(240, bool)
WALK = walkers.walk().camera
POINTS = WALK - WALK[:, :1]


def test_a_rigid_body_keeps_its_size():
    turned = (
        np.random.default_rng(0).normal(0, 0.3, (17, 3))
        @ np.linalg.qr(np.random.default_rng(1).normal(size=(240, 3, 3)))[0]
    )
    np.testing.assert_allclose(body_size(turned, SEEN, TIMES), 1, atol=1e-9)


def test_slow_changes_of_size_are_found_in_spite_of_noise_and_wrong_bones():
    rng = np.random.default_rng(2)
    size = 1 + 0.1 * np.sin(TIMES)
    size /= np.median(size)
    points = size[:, None, None] * (POINTS + rng.normal(0, 0.005, POINTS.shape))
    points[:, 13] += rng.normal(0, 0.2, (240, 3))  # an elbow that is anywhere
    measured = body_size(points, SEEN, TIMES)
    assert np.abs(np.log(measured / size) - np.median(np.log(measured / size))).max() < 0.03


def test_the_unit_does_not_matter():
    noisy = POINTS + np.random.default_rng(3).normal(0, 0.01, POINTS.shape)
    np.testing.assert_allclose(body_size(7 * noisy, SEEN, TIMES), body_size(noisy, SEEN, TIMES), atol=1e-9)


def test_only_visible_frames_say_what_is_usual():
    size = np.where(TIMES < 5, 1.2, 1.0)
    points = size[:, None, None] * POINTS[:1]
    assert body_size(points, TIMES >= 5, TIMES)[[0, -1]] == pytest.approx([1.2, 1.0])
    assert body_size(points, SEEN, TIMES)[[0, -1]] == pytest.approx([1.0, 1 / 1.2])


def test_the_factor_is_bounded():
    points = POINTS[:1] * np.ones((240, 1, 1))
    points[100:140] *= 10
    measured = body_size(points, SEEN, TIMES)
    assert measured[120] == pytest.approx(LARGEST)
    assert measured[0] == pytest.approx(1)


def test_a_frame_with_an_unknown_joint_has_the_usual_size():
    points = np.where(TIMES < 5, 1.2, 1.0)[:, None, None] * POINTS[:1]
    points[20:60, 16] = np.nan
    measured = body_size(points, SEEN, TIMES)
    assert measured[[0, 40, 100]] == pytest.approx([1, 1, 1])
    assert measured[-1] == pytest.approx(1 / 1.2)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_frames_or_nobody(count: int):
    np.testing.assert_allclose(body_size(POINTS[:count], SEEN[:count], TIMES[:count]), np.ones(count), atol=0.05)
    assert (body_size(POINTS, ~SEEN, TIMES) == 1).all()
