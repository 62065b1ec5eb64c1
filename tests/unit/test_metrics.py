"""Metrics against plain loops and against answers known beforehand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from oracle import motion as oracle
from poseglass.errors import PoseError
from poseglass.geometry import align
from poseglass.metrics import acceleration_error, mpjpe, mpjve, p_mpjpe


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    target = rng.normal(0, 0.4, (12, 17, 3)).astype(np.float32)
    return target + rng.normal(0, 0.05, target.shape).astype(np.float32), target


def test_against_plain_loops(pair):
    assert mpjpe(*pair) == pytest.approx(oracle.mpjpe(*pair), rel=1e-9)
    assert mpjve(*pair) == pytest.approx(oracle.velocity_error(*pair), rel=1e-5)
    assert acceleration_error(*pair) == pytest.approx(oracle.acceleration_error(*pair), rel=1e-5)
    aligned = np.stack([oracle.procrustes(p.astype(float), t.astype(float)) for p, t in zip(*pair, strict=True)])
    assert p_mpjpe(*pair) == pytest.approx(oracle.mpjpe(aligned, pair[1]), rel=1e-9)


def test_batches_weigh_every_joint_alike(pair):
    predicted, target = pair
    halves = [mpjpe(predicted[:6], target[:6]), mpjpe(predicted[6:], target[6:])]
    stacked = mpjpe(predicted.reshape(2, 6, 17, 3), target.reshape(2, 6, 17, 3))
    assert stacked == pytest.approx(np.mean(halves)) == pytest.approx(mpjpe(predicted, target))


def test_known_answers():
    still, moving = np.zeros((5, 17, 3)), np.zeros((5, 17, 3))
    moving[..., 2] = 0.003 * np.arange(5)[:, None] ** 2  # 3 mm times t squared
    assert mpjpe(moving, still) == pytest.approx(3 * (0 + 1 + 4 + 9 + 16) / 5)
    assert mpjve(moving, still) == pytest.approx(3 * (1 + 3 + 5 + 7) / 4)
    assert acceleration_error(moving, still) == pytest.approx(6)


def test_nan_is_not_hidden(pair):
    predicted, target = pair[0].copy(), pair[1]
    predicted[3, 5] = np.nan
    assert np.isnan(mpjpe(predicted, target))


@pytest.mark.parametrize("metric", [mpjpe, p_mpjpe, mpjve, acceleration_error])
def test_poses_of_unlike_shapes_are_refused(metric, as_used):
    # numpy would spread one frame over all and give a number that means nothing.
    with pytest.raises(PoseError, match=r"\(6, 17, 3\).*\(1, 17, 3\)"):
        metric(np.ones((6, 17, 3)), np.ones((1, 17, 3)))
    with pytest.raises(PoseError, match=r"one to one"):
        metric(np.ones((1, 17, 3)), np.ones((6, 17, 3)))


class TestAlign:
    def test_against_horn(self):
        rng = np.random.default_rng(1)
        for _ in range(30):
            points, target = rng.normal(size=(2, 17, 3))
            assert_allclose(align(points, target), oracle.procrustes(points, target), atol=1e-9)

    def test_a_mirror_image_is_never_used(self):
        rng = np.random.default_rng(2)
        target = rng.normal(size=(17, 3))
        mirrored = target * [-1, 1, 1]
        assert_allclose(align(mirrored, target), oracle.procrustes(mirrored, target), atol=1e-9)
        assert np.linalg.norm(align(mirrored, target) - target, axis=1).mean() > 0.1

    @pytest.mark.parametrize("collapsed", [(2,), (1, 2)])
    def test_flat_and_straight_bodies(self, collapsed):
        rng = np.random.default_rng(3)
        points, target = rng.normal(size=(2, 17, 3))
        points[:, list(collapsed)] = 0
        error = np.linalg.norm(align(points, target) - target)
        assert error == pytest.approx(np.linalg.norm(oracle.procrustes(points, target) - target), rel=1e-9)
        turned = points @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
        assert_allclose(align(points, 2 * turned + 1), 2 * turned + 1, atol=1e-9)

    def test_points_that_coincide_go_to_the_mean(self):
        target = np.random.default_rng(4).normal(size=(17, 3))
        for place in (np.zeros(3), np.array([0.1, 0.2, 0.3]), np.full(3, 1e6 / 3)):
            aligned = align(np.tile(place, (17, 1)), target)
            assert_allclose(aligned, np.tile(target.mean(0), (17, 1)), atol=1e-9)

    def test_a_target_that_coincides(self):
        points = np.random.default_rng(5).normal(size=(17, 3))
        assert_allclose(align(points, np.ones((17, 3))), 1, atol=1e-9)

    def test_the_plane_too(self):
        rng = np.random.default_rng(6)
        points = rng.normal(size=(17, 2))
        turn = np.array([[0.6, -0.8], [0.8, 0.6]])
        assert_allclose(align(points, 3 * points @ turn - 5), 3 * points @ turn - 5, atol=1e-9)
