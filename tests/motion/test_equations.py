"""The banded equations of a path, judged by dense least squares."""

import numpy as np
import pytest

from poseglass.motion.equations import PathEquations

RNG = np.random.default_rng(3)


def positive(frames: int) -> np.ndarray:
    roots = RNG.normal(size=(frames, 3, 3))
    return roots @ roots.transpose(0, 2, 1)


class Dense:
    """The same sums over a dense matrix, one term at a time."""

    def __init__(self, frames: int) -> None:
        self.matrix, self.right = np.zeros((3 * frames, 3 * frames)), np.zeros(3 * frames)

    def add(self, rows: np.ndarray, information: np.ndarray, target: np.ndarray) -> None:
        """Add a term on ``rows @ path``, three values."""
        self.matrix += rows.T @ information @ rows
        self.right += rows.T @ information @ target


def picked(frames: int, factors: dict[int, float]) -> np.ndarray:
    rows = np.zeros((3, 3 * frames))
    for frame, factor in factors.items():
        rows[:, 3 * frame : 3 * frame + 3] = factor * np.eye(3)
    return rows


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 12])
def test_the_banded_solution_is_the_dense_one(frames: int):
    times = np.cumsum(RNG.uniform(0.02, 0.06, frames))
    equations, dense = PathEquations(times), Dense(frames)
    information, target = positive(frames), RNG.normal(size=(frames, 3))
    equations.add_positions(information, target)
    steps, pace = positive(frames - 1), RNG.normal(size=(frames - 1, 3))
    equations.add_steps(steps, pace)
    weights, expected = RNG.uniform(0, 1e-4, (max(frames - 2, 0), 3)), RNG.normal(size=(max(frames - 2, 0), 3))
    equations.add_accelerations(weights, expected)
    for frame in range(frames):
        dense.add(picked(frames, {frame: 1}), information[frame], target[frame])
    for frame in range(frames - 1):
        dense.add(picked(frames, {frame: -1, frame + 1: 1}), steps[frame], pace[frame])
    for frame in range(frames - 2):
        before, after = times[frame + 1] - times[frame], times[frame + 2] - times[frame + 1]
        share = 2 / (before + after)
        factors = {frame: share / before, frame + 1: -share * (1 / before + 1 / after), frame + 2: share / after}
        dense.add(picked(frames, factors), np.diag(weights[frame]), expected[frame])
    expected_path = np.linalg.solve(dense.matrix, dense.right).reshape(frames, 3)
    np.testing.assert_allclose(equations.solve(), expected_path, atol=1e-8)


def test_no_frames_give_an_empty_path():
    assert PathEquations(np.zeros(0)).solve().shape == (0, 3)


def test_a_free_position_is_an_error():
    with pytest.raises(np.linalg.LinAlgError):
        PathEquations(np.arange(4.0)).solve()


def test_falling_is_what_its_acceleration_says():
    times = np.array([0.0, 0.1, 0.25, 0.3, 0.5, 0.6])
    fall = np.stack([0 * times, -4.905 * times**2 + 2 * times, times], -1)
    equations = PathEquations(times)
    ends = np.zeros((6, 3, 3))
    ends[[0, 5]] = np.eye(3)
    equations.add_positions(ends, fall)
    equations.add_accelerations(np.ones((4, 3)), np.broadcast_to([0, -9.81, 0], (4, 3)))
    np.testing.assert_allclose(equations.solve(), fall, atol=1e-9)
