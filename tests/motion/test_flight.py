"""When nothing carries the body: jumps, and what must not be taken for one."""

import numpy as np
import pytest

from oracle import walkers
from oracle.walkers import J
from poseglass.motion.flight import GRAVITY, FreeFall, accelerations, free_fall

UP = np.array([0.0, 1.0, 0.0])


def times(count: int, fps: float = 30.0) -> np.ndarray:
    return np.arange(count) / fps


def probability(world: np.ndarray, contact: np.ndarray) -> np.ndarray:
    return free_fall(world, contact.astype(float), UP, times(len(world))).probability


@pytest.mark.parametrize("scene", [walkers.jump(height=0.3), walkers.jump_down(drop=1.5), walkers.jump_down(drop=4)])
def test_jumps_fly_from_take_off_to_landing(scene: walkers.Scene):
    flies = probability(scene.world, scene.contact)
    air = np.flatnonzero(~scene.contact.any(1))
    assert (flies[air[2:-2]] > 0.9).all()
    assert (flies[scene.contact.any(1)] == 0).all()


def test_a_person_who_lies_does_not_fly():
    scene = walkers.lying()
    assert not probability(scene.world, scene.contact).any()


def test_a_walk_whose_contact_is_missed_is_no_flight():
    scene = walkers.walk()
    assert probability(scene.world, np.zeros_like(scene.contact)).max() < 0.1


def test_a_handstand_is_no_flight():
    world = np.repeat(walkers.jump().world[:1], 90, 0) * [1, -1, 1] + [0, 2.1, 0]
    world[..., 1] += 0.2 * np.sin(np.arange(90) / 5)[:, None]  # arms that bend and stretch
    world[:, [J["left_wrist"], J["right_wrist"]], 1] = 0.05
    assert world[..., 1].min() == 0.05
    assert not probability(world, np.zeros((90, 2))).any()


def test_the_centre_of_mass_falls_whatever_the_pelvis_does():
    """Somersault: the pelvis circles around a centre that falls freely."""
    seconds = times(30)
    falls = -GRAVITY / 2 * seconds[:, None] ** 2 * UP
    mass = 0.1 * np.stack([np.sin(9 * seconds), np.cos(9 * seconds), 0 * seconds], -1)
    expected = FreeFall(np.ones(30), UP, mass).pelvis(seconds)
    np.testing.assert_allclose(accelerations(falls - mass, seconds), expected, atol=1e-9)


def test_the_neighbours_must_fly_too():
    fall = FreeFall(np.array([1.0, 1, 1, 0.5, 1, 1]), UP, np.zeros((6, 3)))
    assert fall.around().tolist() == [1, 0.5, 0.5, 0.5]


def test_accelerations_of_uneven_frames_are_exact_for_parabolas():
    seconds = np.sort(np.random.default_rng(0).random(20))
    path = 3 * seconds[:, None] ** 2 * [1.0, -2, 0] + seconds[:, None]
    np.testing.assert_allclose(accelerations(path, seconds), np.tile([6.0, -12, 0], (18, 1)), atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_frames_do_not_fly(count: int):
    fall = free_fall(np.zeros((count, 17, 3)), np.zeros((count, 2)), UP, times(count))
    assert fall.probability.tolist() == [0.0] * count
