"""The live path of the pelvis: exact for exact input, calm for noise, close to the solve over the whole track."""

import numpy as np
from numpy.testing import assert_allclose

from poseglass.motion.causal_path import CausalPath
from poseglass.motion.root_path import root_path
from poseglass.motion.sight import Sight

RNG = np.random.default_rng(0)
BODY = RNG.normal(0, [0.2, 0.5, 0.15], (17, 3))
BODY[0] = 0


def followed(
    points, path, *, noise: float = 0.0, weights=None, rate: float = 30.0
) -> tuple[np.ndarray, np.ndarray, Sight]:
    """The live path and contact for poses along a true path, and what the camera sees."""
    places = points + path[:, None]
    flat = places[..., :2] / places[..., 2:] + np.random.default_rng(1).normal(0, noise, (*points.shape[:2], 2))
    sight = Sight(points, flat, np.ones(points.shape[:2]) if weights is None else weights)
    live = CausalPath()
    rows = [
        live.push(n / rate, Sight(points[n : n + 1], flat[n : n + 1], sight.weights[n : n + 1]))
        for n in range(len(path))
    ]
    return *map(np.stack, zip(*rows, strict=True)), sight


def line(frames: int, speed: float, rate: float = 30.0) -> np.ndarray:
    return np.array([-1.0, 0.2, 4.0]) + np.arange(frames)[:, None] / rate * [speed, 0, 0.3 * speed]


def test_exact_input_gives_the_exact_path():
    for rate in (15.0, 30.0, 120.0):
        path = line(60, 1.5, rate)
        # The joints move with the body, so no foot stands.
        own, contact, _ = followed(np.tile(BODY, (60, 1, 1)), path, rate=rate)
        assert_allclose(own[-10:], path[-10:], atol=0.02)
        assert contact[10:].max() < 0.1


def test_noise_is_filtered_almost_as_well_as_offline():
    points, path = np.tile(BODY, (100, 1, 1)), line(100, 0.8)
    own, _, sight = followed(points, path, noise=0.004)
    offline = root_path(sight, np.arange(100) / 30)
    framewise = sight.framewise()
    errors = [np.linalg.norm(one[30:] - path[30:], axis=-1).mean() for one in (own, offline, framewise)]
    assert errors[0] < 0.6 * errors[2]
    assert errors[0] < 3 * errors[1]


def test_standing_feet_hold_the_pelvis():
    """The body stands still, and the depth of single frames is noisy: standing feet keep the path calm."""
    points, path = np.tile(BODY, (100, 1, 1)), line(100, 0.0)
    own, contact, sight = followed(points, path, noise=0.003)
    assert contact[30:].mean() > 0.8
    assert np.diff(own[60:], axis=0).std() < 0.1 * np.diff(sight.framewise()[60:], axis=0).std()


def test_one_wrong_joint_hardly_matters():
    points, path = np.tile(BODY, (60, 1, 1)), line(60, 0.0)
    right = followed(points, path)[0]
    wrong = points.copy()
    wrong[:, 5] += [0.5, 0.5, 0]
    flat = (points + path[:, None])[..., :2] / (points + path[:, None])[..., 2:]
    live = CausalPath()
    rows = [live.push(n / 30, Sight(wrong[n : n + 1], flat[n : n + 1], np.ones((1, 17))))[0] for n in range(60)]
    assert np.linalg.norm(rows[-1] - right[-1]) < 0.1


def test_out_of_sight_the_path_comes_to_rest():
    points, path, weights = np.tile(BODY, (90, 1, 1)), line(90, 1.0), np.ones((90, 17))
    weights[30:] = 0
    own = followed(points, path, weights=weights)[0]
    assert_allclose(own[29], path[29], atol=0.02)
    assert 0.2 < np.linalg.norm(own[-1] - own[29]) < 0.7  # half a second at this speed
    assert np.linalg.norm(own[-1] - own[-2]) < 0.001


def test_before_anybody_is_in_sight_the_path_waits():
    points, path, weights = np.tile(BODY, (20, 1, 1)), line(20, 0.0), np.ones((20, 17))
    weights[:10] = 0
    own = followed(points, path, weights=weights)[0]
    assert np.isfinite(own).all()
    assert_allclose(own[10:], path[10:], atol=0.02)
