"""Several people in one world."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import H36M_17, PoseSequence
from poseglass.body.trajectory import Trajectory
from poseglass.lifting.one_world import in_one_world


def standing(at: tuple[float, float, float], to_world: np.ndarray | None) -> PoseSequence:
    path = Trajectory(np.tile(np.array(at, float), (9, 1)), contact=np.ones((9, 2)), to_world=to_world)
    return PoseSequence(np.zeros((9, 17, 3)), H36M_17, "camera", trajectory=path)


def looking_down(degrees: float, height: float) -> np.ndarray:
    tilt = np.radians(degrees)
    matrix = np.eye(4)
    matrix[1:3, 1:3] = [[-np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), -np.cos(tilt)]]
    matrix[1, 3] = height
    return matrix


def test_people_keep_their_distance_from_each_other() -> None:
    places = ((0.0, 0.5, 4.0), (1.0, 0.5, 6.0), (-2.0, 0.0, 5.0))
    people = [standing(at, looking_down(10 * n, 1.0 + n)) for n, at in enumerate(places)]
    motions = in_one_world(people)
    one, two, three = (motion.world().points[0, 0] for motion in motions)
    for start, end, first, second in ((one, two, 0, 1), (one, three, 0, 2), (two, three, 1, 2)):
        expected = np.linalg.norm(np.subtract(places[first], places[second]))
        assert_allclose(np.linalg.norm(start - end), expected, atol=1e-5)
    assert_allclose(motions[0].world().points, people[0].world().points)


@pytest.mark.parametrize("first", [None, looking_down(5, 1.5)])
def test_the_first_known_world_is_that_of_all(first: np.ndarray | None) -> None:
    second = looking_down(20, 2.0)
    motions = in_one_world([standing((0, 0, 4), first), standing((1, 0, 4), second), standing((2, 0, 4), None)])
    expected = second if first is None else first
    for motion in motions:
        assert motion.trajectory is not None
        assert_allclose(motion.trajectory.to_world, expected)


def test_without_any_world_nothing_changes() -> None:
    people = [standing((0, 0, 4), None), replace(standing((1, 0, 4), None), trajectory=None)]
    motions = in_one_world(people)
    assert motions[0].trajectory is not None
    assert motions[0].trajectory.to_world is None
    assert motions[1].trajectory is None
