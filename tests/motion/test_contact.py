"""When feet stand: the network's inputs, the rule, and people whose contact is known."""

import numpy as np
import pytest

from oracle import walkers
from poseglass.motion import contact
from poseglass.motion.contact import ANKLES, contact_features, foot_contact, still_feet

UP = np.array([0.0, 1.0, 0.0])


def times(count: int, fps: float = 30.0) -> np.ndarray:
    return np.arange(count) / fps


def f1(probability: np.ndarray, truth: np.ndarray) -> float:
    positive = probability > 0.5
    return 2 * (positive & truth).sum() / (positive.sum() + truth.sum())


def test_a_walk_and_a_jump_have_their_true_contact():
    # Synthetic feet stand a little longer than real ones, whose ankles rise before the toes leave the ground.
    for scene, least in ((walkers.walk(), 0.8), (walkers.jump(), 0.93)):
        frames = times(len(scene.world))
        assert f1(foot_contact(scene.world, UP, frames), scene.contact) > least


def test_one_leg_stands_while_the_other_hangs():
    world = np.repeat(walkers.walk().world[:1], 60, 0)
    world[:, ANKLES[0]] += [0, 0.4, 0]
    world[:, ANKLES[0], 0] += 0.1 * np.sin(np.arange(60) / 3)
    probability = foot_contact(world, UP, times(60))
    assert (probability[:, 0] < 0.5).all()
    assert (probability[:, 1] > 0.5).all()


def test_features_do_not_depend_on_place_heading_or_rate():
    scene = walkers.walk(direction=90)
    own = contact_features(scene.world, UP, times(240), slice(None))
    turned = walkers.walk(direction=20).world + np.array([5.0, 2.0, -3.0])
    dense = walkers.walk(direction=90, fps=60.0).world
    # The synthetic body does not turn with the path, so only the feet and the pelvis are compared: all that counts.
    np.testing.assert_allclose(contact_features(turned, UP, times(240), slice(None)), own, atol=1e-6)
    fine = contact_features(dense, UP, times(480, 60), slice(None))[::2]
    np.testing.assert_allclose(fine[30:-30], own[30:-30], atol=0.25)


def test_left_and_right_are_exchanged_together():
    world = walkers.walk().world
    swapped = world.copy()
    swapped[:, list(ANKLES)] = world[:, list(ANKLES)[::-1]]
    own, other = (foot_contact(points, UP, times(240)) for points in (world, swapped))
    np.testing.assert_allclose(other, own[:, ::-1])


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch):
    world = walkers.walk().world
    whole = foot_contact(world, UP, times(240))
    monkeypatch.setattr(contact, "BLOCK", 7)
    np.testing.assert_allclose(foot_contact(world, UP, times(240)), whole)


def test_the_rule_follows_the_speed():
    points = np.zeros((60, 17, 3))
    points[:, ANKLES[0], 0] = np.arange(60) / 30 * 0.3  # as fast as is undecided
    points[:, ANKLES[1], 0] = np.arange(60) / 30 * 1.0
    probability = still_feet(points, times(60))
    np.testing.assert_allclose(probability[:, 0], 0.5, atol=1e-6)
    assert (probability[:, 1] < 0.01).all()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_frames_are_undecided(count: int):
    points = np.zeros((count, 17, 3))
    for probability in (still_feet(points, times(count)), foot_contact(points, UP, times(count))):
        np.testing.assert_array_equal(probability, np.full((count, 2), 0.5))
