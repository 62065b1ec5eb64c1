"""Following one person in a stream."""

import numpy as np
import pytest

from poseglass.people.detection import DetectedPerson
from poseglass.people.follower import Follower
from poseglass.people.tracker import MEMORY
from samples.crowd import FPS, SCENES


def person(x: float, *, size: float = 100, score: float = 1.0) -> DetectedPerson:
    points = np.array([[x, 0.0], [x + size, size], [x + size / 2, size / 2]])
    return DetectedPerson(points, np.full(3, score))


def places(frames: list[list[DetectedPerson]]) -> list[float | None]:
    """The left edge of the chosen person in each frame."""
    follower = Follower()
    chosen = [(people, follower.choose(n / FPS, people)) for n, people in enumerate(frames)]
    return [None if index is None else float(people[index].points[0, 0]) for people, index in chosen]


@pytest.mark.parametrize(
    "first",
    [[person(0, size=80), person(500)], [person(0, score=0.7), person(500)], [person(0), person(500, size=101)]],
)
def test_following_starts_with_the_most_prominent_person(first: list[DetectedPerson]) -> None:
    assert places([[], first, first[::-1]]) == [None, 500, 500]


def test_following_holds_while_people_cross() -> None:
    scene, follower = SCENES["crossing, one hidden for half a second"](), Follower()
    chosen = [follower.choose(n / FPS, people) for n, people in enumerate(scene.frames)]
    walkers = {walkers[index] for walkers, index in zip(scene.truth, chosen, strict=True) if index is not None}
    assert len(walkers) == 1
    assert follower.people == 2


def test_a_bystander_does_not_take_over_while_the_person_is_hidden() -> None:
    main, bystander = person(0, size=120), person(230)
    hidden = round(2 * FPS)
    frames = [[main, bystander]] * FPS + [[bystander]] * hidden + [[bystander, main]]
    assert places(frames) == [0] * FPS + [None] * hidden + [0]


def test_after_a_long_absence_following_starts_again() -> None:
    main, bystander, small = person(0, size=120), person(500), person(900, size=60)
    hidden = round(MEMORY * FPS)
    frames = [[main, bystander, small]] * 40 + [[small, bystander]] * (hidden + 2) + [[main, bystander]]
    assert places(frames) == [0] * 40 + [None] * hidden + [500] * 3


def test_nobody_is_followed_without_known_joints() -> None:
    nobody = DetectedPerson(np.full((3, 2), np.nan), np.zeros(3))
    assert places([[nobody], [], [nobody, person(7)], [person(8), nobody]]) == [None, None, 7, 8]
