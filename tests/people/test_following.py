"""Following one person among several, frame by frame."""

import logging

import numpy as np
import pytest

from poseglass.people.following import FARTHEST, OVERLAP, PATIENCE, REACH, DetectedPerson, Follower, main_person


def person(x: float, *, size: float = 100, score: float = 1.0) -> DetectedPerson:
    """A person whose box is a square with its left edge at x."""
    return DetectedPerson(np.array([[x, 0.0], [x + size, size], [x + size / 2, size / 2]]), np.full(3, score))


def places(follower: Follower, frames: list[list[DetectedPerson]]) -> list[float | None]:
    """The left edge of the chosen person in each frame."""
    chosen = [(people, follower.choose(people)) for people in frames]
    return [None if index is None else float(people[index].points[0, 0]) for people, index in chosen]


def test_the_order_of_people_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    left, right = [person(5.0 * t, size=110) for t in range(40)], [person(800 - 5.0 * t) for t in range(40)]
    frames = [[a, b] if rng.random() < 0.5 else [b, a] for a, b in zip(left, right, strict=True)]
    assert places(Follower(), frames) == [5.0 * t for t in range(40)]


@pytest.mark.parametrize(
    "first",
    [[person(0, size=80), person(500)], [person(0, score=0.7), person(500)], [person(0), person(500, size=101)]],
)
def test_following_starts_with_the_most_prominent_person(first: list[DetectedPerson]) -> None:
    assert places(Follower(), [first, first[::-1]]) == [500, 500]


def test_a_single_person_is_followed_anywhere() -> None:
    frames = [[person(0)], [person(5000)], [], [person(100)], [person(9000, size=5)]]
    follower = Follower()
    assert places(follower, frames) == [0, 5000, None, 100, 9000]
    assert follower.most == 1


def test_a_person_too_fast_for_overlapping_boxes_is_followed_by_distance() -> None:
    frames = [[person(95.0 * t), person(2000 - 95.0 * t, size=99)][:: 1 if t % 2 else -1] for t in range(8)]
    follower = Follower()
    assert places(follower, frames) == [95.0 * t for t in range(8)]
    assert follower.most == 2


@pytest.mark.parametrize(("leap", "frame_of_absence", "reached"), [
    (100 * REACH - 1, 1, True), (100 * REACH + 1, 1, False), (200 * REACH - 1, 2, True), (200 * REACH + 1, 2, False),
    (100 * FARTHEST - 1, 9, True), (100 * FARTHEST + 1, 9, False),
])  # fmt: skip
def test_reach_grows_while_the_person_is_out_of_sight(leap: float, frame_of_absence: int, reached: bool) -> None:
    other = person(-5000, size=50)
    frames = [[person(0), other], *[[other]] * (frame_of_absence - 1), [other, person(leap)]]
    assert places(Follower(), frames)[-1] == (leap if reached else None)


def test_boxes_that_hardly_overlap_are_not_linked() -> None:
    # Squares of side 100, 100 - d apart: intersection over union is (100 - d) / (100 + d).
    at = 100 * (1 - OVERLAP) / (1 + OVERLAP)
    bystander = person(at + 1, size=100)
    for shift, linked in ((-0.5, True), (0.5, False)):
        follower = Follower()
        far = person(-9000, size=90)
        follower.choose([person(0), far])
        # A person who is not linked may still be within reach, so the id of the followed track is compared.
        before = follower._followed
        follower.choose([bystander._replace(points=bystander.points + np.array([shift - 1, 0])), far])
        assert (follower._followed == before) == linked


def test_a_bystander_does_not_take_over_while_the_person_is_hidden() -> None:
    main, bystander = person(0, size=120), person(130)
    frames = [[main, bystander], *[[bystander]] * PATIENCE, [bystander, main]]
    assert places(Follower(), frames) == [0, *[None] * PATIENCE, 0]


def test_after_a_long_absence_following_starts_again() -> None:
    main, bystander, small = person(0, size=120), person(500), person(900, size=60)
    frames = [[main, bystander, small], *[[small, bystander]] * (PATIENCE + 2), [main, bystander]]
    assert places(Follower(), frames) == [0, *[None] * PATIENCE, 500, 500, 500]


def test_people_without_known_joints_are_ignored() -> None:
    nobody = DetectedPerson(np.full((3, 2), np.nan), np.zeros(3))
    assert places(Follower(), [[nobody, person(7)], [person(8), nobody]]) == [7, 8]
    assert Follower().choose([]) is None


def test_memory_stays_bounded() -> None:
    rng, follower = np.random.default_rng(0), Follower()
    for _ in range(300):
        follower.choose([person(x) for x in rng.uniform(0, 1e6, 5)])
    assert len(follower._others) <= 5 * (PATIENCE + 1)
    assert len(follower._tracks._recent) <= 5 * (PATIENCE + 1)


def test_following_one_of_several_people_in_a_file_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "poseglass"):
        main_person({0: [person(0)], 1: [person(500)]})
        assert not caplog.records
        main_person({0: [person(0)], 1: [person(0), person(500)]})
    assert [record.message for record in caplog.records] == [
        "up to 2 people per frame: only the most prominent one is followed"
    ]
