"""Detection of exchanged sides, against a search of all choices and on motion with known sides."""

from itertools import product

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from oracle import bodies
from oracle import motion as oracle
from poseglass import H36M_17
from poseglass.clips import sides

CHOICES = [(0, 0), (1, 1), (1, 0), (0, 1)]  # the states 0 to 3: whether legs and arms are exchanged


def exchanged(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return sides.exchanged(torch.from_numpy(points), torch.from_numpy(scores)).numpy()


def steady_sides(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = sides.steady_sides(torch.from_numpy(points), torch.from_numpy(scores))
    return first.numpy(), second.numpy()


def walk(frames: int = 60) -> tuple[np.ndarray, np.ndarray]:
    points = 250 * bodies.motion(frames, H36M_17.joints)[..., :2] * [1, -1] + [640, 700]
    return points, np.ones((frames, 17))


def confuse(points: np.ndarray, states: np.ndarray) -> np.ndarray:
    return np.stack([oracle.with_sides(p, *CHOICES[state]) for p, state in zip(points, states, strict=True)])


@pytest.mark.parametrize("seed", range(4))
def test_the_choice_with_the_lowest_cost_wins(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 1, (1, 17, 2)) + rng.normal(0, 0.3, (4, 17, 2))
    scores = (rng.random((4, 17)) < 0.9).astype(float)
    points = confuse(points, rng.integers(0, 4, 4))
    every = {
        states: oracle.cost_of_sides(points, scores, [CHOICES[s] for s in states])
        for states in product(range(4), repeat=4)
    }
    states = tuple(exchanged(points, scores).tolist())
    assert every[states] == pytest.approx(min(every.values()))


@pytest.mark.parametrize("state", [1, 2, 3])
def test_an_exchange_is_corrected_if_the_joints_move_more_than_it_costs(state):
    """Left and right are moved apart, until the jump of the frame in the middle is worth correcting."""
    pose, answers = np.random.default_rng(0).normal(0, 1, (17, 2)), set()
    for distance in np.linspace(0.001, 0.04, 40):
        points = np.repeat(pose[None], 3, 0)
        points[:, sides.RIGHT] = points[:, sides.LEFT] + [distance, 0]
        points, scores = confuse(points, np.array([0, state, 0])), np.ones((3, 17))
        every = {
            states: oracle.cost_of_sides(points, scores, [CHOICES[s] for s in states])
            for states in product(range(4), repeat=3)
        }
        states = tuple(exchanged(points, scores).tolist())
        assert every[states] == pytest.approx(min(every.values()))
        answers.add(states)
    assert answers == {(0, 0, 0), (0, state, 0)}


def test_correct_sides_are_left_alone():
    points, scores = walk()
    assert not exchanged(points, scores).any()
    same, as_sure = steady_sides(points, scores)
    assert_array_equal(same, points)
    assert_array_equal(as_sure, scores)


@pytest.mark.parametrize("state", [1, 2, 3])
@pytest.mark.parametrize(("start", "end"), [(10, 11), (20, 32), (0, 4), (57, 60)])
def test_a_spell_of_exchanged_sides_is_undone(state, start, end):
    points, scores = walk()
    scores = scores * np.linspace(0.5, 1, 17)
    states = np.zeros(60, int)
    states[start:end] = state
    wrong, sure = confuse(points, states), confuse(scores, states)
    assert_array_equal(exchanged(wrong, sure), states)
    right, as_sure = steady_sides(wrong, sure)
    assert_array_equal(right, points)
    assert_array_equal(as_sure, scores)


def test_the_sides_of_the_majority_are_taken_as_right():
    points, scores = walk()
    states = np.repeat([1, 0], [45, 15])
    assert_array_equal(exchanged(confuse(points, states), scores), 1 - states)


def test_gaps_do_not_hide_exchanged_sides():
    points, scores = walk()
    scores[5:50, [3, 13, 16]] = 0
    points[5:50, [3, 13, 16]] = np.nan
    states = np.zeros(60, int)
    states[20:30] = 1
    assert_array_equal(exchanged(confuse(points, states), confuse(scores, states)), states)


@pytest.mark.parametrize("never", [[2, 3, 5, 6], [0], [14]], ids=["legs", "pelvis", "one shoulder"])
def test_joints_that_are_never_known_do_not_matter(never):
    points, scores = walk()
    states = np.zeros(60, int)
    states[20:30] = 1
    points, scores = confuse(points + np.array([3000, 2000]), states), confuse(scores, states)
    scores[:, never] = 0
    assert_array_equal(exchanged(points, scores), states)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_short_clips_and_clips_without_people_are_left_alone(frames):
    points, scores = np.full((frames, 17, 2), np.nan), np.zeros((frames, 17))
    assert not exchanged(points, scores).any()
    assert not exchanged(*walk(frames)).any()


@pytest.mark.parametrize(("states", "corrected"), [([0, 1], [0, 0]), ([0, 1, 0], [0, 1, 0])])
def test_two_frames_have_no_majority(states, corrected):
    points, scores = walk(len(states))
    assert exchanged(confuse(points, np.array(states)), scores).tolist() == corrected


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_pair_of_which_one_side_is_never_known_does_not_count(side):
    points, scores = walk()
    arms = [H36M_17.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist")]
    scores[:, arms] = 0
    points[20:30] = confuse(points, np.full(60, 3))[20:30]  # the known arm jumps, but there is nothing to exchange
    assert not exchanged(points, scores).any()
