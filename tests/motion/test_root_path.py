"""The solve over the whole track: what it fits, what it ignores, and how it scales."""

import time
import tracemalloc

import numpy as np
import pytest

from oracle import walkers
from poseglass.motion.contact import ANKLES
from poseglass.motion.flight import FreeFall
from poseglass.motion.root_path import Support, root_path
from poseglass.motion.sight import Sight


def sight_of(scene: walkers.Scene, noise: float = 0.0, focal: float = walkers.FOCAL) -> Sight:
    places = scene.camera
    rng = np.random.default_rng(2)
    flat = places[..., :2] / places[..., 2:] + rng.normal(0, noise / focal, (*places.shape[:2], 2))
    return Sight(places - places[:, :1], flat, np.ones(places.shape[:2]))


def seconds(scene: walkers.Scene) -> np.ndarray:
    return np.arange(len(scene.world)) / scene.fps


def test_each_frame_by_itself_is_exact_without_noise():
    scene = walkers.walk(pitch=10)
    np.testing.assert_allclose(sight_of(scene).framewise(), scene.camera[:, 0], atol=1e-6)


def test_a_frame_with_three_joints_has_no_place_of_its_own():
    scene = walkers.walk(seconds=1)
    sight = sight_of(scene)
    sight.weights[3, 3:] = 0
    assert np.isnan(sight.framewise()[3]).all()
    assert sight.visible.tolist() == [number != 3 for number in range(30)]


def test_the_whole_track_is_better_than_its_frames():
    scene = walkers.walk(direction=40, distance=9)
    sight, true = sight_of(scene, noise=8), scene.camera[:, 0]
    feet = (scene.camera - scene.camera[:, :1])[:, ANKLES]
    alone = np.abs(sight.framewise() - true).mean()
    smooth = np.abs(root_path(sight, seconds(scene)) - true).mean()
    support = Support(scene.contact.astype(float), feet)
    held = np.abs(root_path(sight, seconds(scene), support=support) - true).mean()
    assert held < smooth < alone


def test_bigger_poses_are_as_much_farther_away():
    scene = walkers.walk(direction=40, distance=9)
    sight = sight_of(scene)
    bigger = Sight(1.2 * sight.points, sight.flat, sight.weights)
    path, far = root_path(sight, seconds(scene)), root_path(bigger, seconds(scene))
    np.testing.assert_allclose(far, 1.2 * path, rtol=0.01, atol=0.01)


def test_a_gap_is_crossed_and_the_ends_stay_near():
    scene = walkers.walk(direction=90)
    sight = sight_of(scene)
    sight.weights[60:90] = 0
    sight.weights[200:] = 0
    path = root_path(sight, seconds(scene))
    true = scene.camera[:, 0]
    assert np.abs(path - true)[60:90].max() < 0.1
    assert np.linalg.norm(path[-1] - path[199]) < 1.2


def flight_of(scene: walkers.Scene) -> FreeFall:
    """Where no foot stands in truth, for a body whose centre of mass is at the pelvis."""
    up = np.array([0.0, -1.0, 0.0])
    return FreeFall((~scene.contact.any(1)).astype(float), up, np.zeros((len(scene.world), 3)))


def test_a_fall_continues_while_no_foot_stands():
    scene = walkers.jump(height=0.6)
    sight = sight_of(scene, noise=3)
    air = np.flatnonzero(~scene.contact.any(1))
    sight.weights[air[4] : air[-4]] = 0  # not visible in the air
    support = Support(scene.contact.astype(float), (scene.camera - scene.camera[:, :1])[:, ANKLES])
    path = root_path(sight, seconds(scene), support=support, fall=flight_of(scene))
    assert np.abs(path - scene.camera[:, 0])[air].max() < 0.08


def test_a_few_wrong_poses_do_not_stop_a_fall():
    """As where a detector sees a person of twice the size in a tree."""
    scene = walkers.jump_down(drop=2.0)
    sight = sight_of(scene, noise=2)
    air = np.flatnonzero(~scene.contact.any(1))
    hidden, wrong = air[4:-4], air[-8:-4]
    sight.weights[hidden] = 0
    sight.weights[wrong] = 1
    sight.flat[wrong] = 2 * sight.flat[wrong] + [0.1, -0.1]
    path = root_path(sight, seconds(scene), fall=flight_of(scene))
    fall = 2 * np.polyfit(seconds(scene)[hidden], path[hidden, 1], 2)[0]  # y points down
    assert abs(fall / 9.81 - 1) < 0.25
    assert np.abs(path - scene.camera[:, 0])[air].max() < 0.25


def test_nobody_falls_beyond_the_frames_that_show_them():
    scene = walkers.walk(seconds=4)
    sight = sight_of(scene)
    sight.weights[60:] = 0
    fall = FreeFall((np.arange(120) > 60) * 1.0, np.array([0.0, -1.0, 0.0]), np.zeros((120, 3)))
    plain = root_path(sight, seconds(scene))
    np.testing.assert_array_equal(root_path(sight, seconds(scene), fall=fall), plain)


def test_the_path_does_not_depend_on_where_the_solve_starts():
    scene = walkers.walk(direction=40, distance=9)
    sight = sight_of(scene, noise=4)
    plain = root_path(sight, seconds(scene))
    start = scene.camera[:, 0] + [0.1, 0.1, 0.5]
    np.testing.assert_allclose(root_path(sight, seconds(scene), start=start), plain, atol=2e-3)


def test_a_few_wrong_poses_do_not_start_the_solve():
    scene = walkers.walk(distance=9)
    sight = sight_of(scene, noise=1)
    plain = root_path(sight, seconds(scene))
    sight.flat[100:105] = 2 * sight.flat[100:105] + 0.1
    np.testing.assert_allclose(root_path(sight, seconds(scene)), plain, atol=0.05)


@pytest.mark.parametrize("cut", [700, 1500])
def test_a_block_with_margins_equals_the_whole(cut: int):
    """Ten seconds away, a frame has no influence: 1 mm at most."""
    scene = walkers.walk(seconds=80, direction=90, distance=60)
    sight = sight_of(scene, noise=2)
    whole = root_path(sight, seconds(scene))
    start, stop, margin = cut, cut + 300, 300
    part = slice(start - margin, stop + margin)
    block = root_path(Sight(sight.points[part], sight.flat[part], sight.weights[part]), seconds(scene)[part])
    np.testing.assert_allclose(block[margin:-margin], whole[start:stop], atol=1e-3)


@pytest.mark.parametrize("length", [1, 7, 30, 31])
def test_residuals_in_blocks_are_those_of_the_whole(monkeypatch, length):
    sight = sight_of(walkers.walk(seconds=1), noise=2)
    root = np.random.default_rng(0).normal((0, 0, 4), 0.3, (30, 3))
    whole = sight.robust(root)
    monkeypatch.setattr("poseglass.motion.sight.BLOCK", length)
    for part, expected in zip(sight.robust(root), whole, strict=True):
        np.testing.assert_array_equal(part, expected)


def test_time_and_memory_are_linear_in_the_frames():
    scene = walkers.walk(seconds=20, distance=20)
    short = sight_of(scene)
    count = 10  # 200 seconds
    long = Sight(*(np.tile(part, (count, 1, 1)[: part.ndim]) for part in (short.points, short.flat, short.weights)))
    times = np.arange(len(long)) / 30
    tracemalloc.start()
    start = time.perf_counter()
    root_path(long, times)
    elapsed = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak / len(long) < 3_000  # bytes per frame: an hour takes 0.3 GB
    assert elapsed < 10
