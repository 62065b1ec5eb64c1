"""Who is who from frame to frame: crossing, leaving, hidden, in any order, with and without numbers."""

from collections.abc import Callable

import numpy as np
import pytest

from poseglass.people.detection import DetectedPerson
from poseglass.people.tracker import FARTHEST, FAST, LIKE, MEMORY, RECENT, WIDE, YOUNG, Tracker
from samples.crowd import FPS, SCENES, SIZE, Walker, filmed, switches


def person(x: float, *, size: float = 100, track: int | None = None) -> DetectedPerson:
    """A person whose box is a square with its left edge at x."""
    points = np.array([[x, 0.0], [x + size, size], [x + size / 2, size / 2]])
    return DetectedPerson(points, np.ones(3), track)


EXTENT = 100 * np.sqrt(2)  # of `person`


def numbered(frames: list[list[DetectedPerson]], fps: float = FPS) -> list[list[int | None]]:
    tracker = Tracker(SIZE)
    return [tracker.update(frame / fps, people) for frame, people in enumerate(frames)]


@pytest.mark.parametrize("name", SCENES)
def test_people_keep_their_numbers(name: str) -> None:
    scene = SCENES[name]()
    numbers = numbered(scene.frames)
    given = {number for frame in numbers for number in frame}
    assert given == {walker for frame in scene.truth for walker in frame}, "as many numbers as people"
    # Here two people stand in one place for many frames, and both are detected.
    allowed = 2 if name == "three people to and fro, 0" else 0
    assert switches(scene.truth, numbers) <= allowed


def test_the_measure_of_these_tests_counts_every_exchange() -> None:
    truth = [[0, 1]] * 4
    assert switches(truth, [[5, 6]] * 4) == 0
    assert switches(truth, [[5, 6], [6, 5], [6, 5], [6, 5]]) == 2
    assert switches(truth, [[5, 6], [5, None], [5, 7], [5, 7]]) == 1
    assert switches([[0], [1]], [[5], [5]]) == 1


def test_the_order_of_detections_changes_nothing() -> None:
    scene = SCENES["crossing, both in sight"]()
    turned = [walkers[::-1] for walkers in scene.truth]
    assert switches(turned, numbered([people[::-1] for people in scene.frames])) == 0


def test_crossing_holds_without_knowing_the_size_of_the_image() -> None:
    scene = SCENES["crossing, one hidden for half a second"]()
    tracker = Tracker()
    assert switches(scene.truth, [tracker.update(n / FPS, people) for n, people in enumerate(scene.frames)]) == 0


def recognised(seconds: float, place: float, *, before: float = 2.0, speed: float = 0.0) -> bool:
    """Whether a person who was in sight for a time has the same number at a place after an absence."""
    tracker, start = Tracker(), round(before * FPS)
    for frame in range(start + 1):
        tracker.update(frame / FPS, [person(frame * speed / FPS)])
    for frame in range(start + 1, start + round(seconds * FPS)):
        tracker.update(frame / FPS, [])
    return tracker.update(start / FPS + seconds, [person(place)]) == [0]


@pytest.mark.parametrize(("seconds", "same"), [(0.5, True), (2.0, True), (MEMORY - 0.05, True), (3.1, False)])
def test_a_person_out_of_sight_is_remembered_for_three_seconds(seconds: float, same: bool) -> None:
    assert recognised(seconds, 0) == same


@pytest.mark.parametrize(("before", "same"), [(0.8, True), (0.5, False)])
def test_a_person_in_sight_for_a_moment_is_remembered_for_three_times_as_long(before: float, same: bool) -> None:
    assert recognised(2.0, 0, before=before) == same


@pytest.mark.parametrize("seconds", [0.3, 0.5, 2.0])
def test_the_reach_grows_while_a_person_is_out_of_sight(seconds: float) -> None:
    reach = min(WIDE + FAST * seconds, FARTHEST) * EXTENT
    assert recognised(seconds, reach - 1)
    assert not recognised(seconds, reach + 1)


def test_a_person_is_expected_where_they_were_going() -> None:
    # At 300 pixels per second with a time constant of half a second, a second of coasting is 130 pixels.
    reach = min(WIDE + FAST, FARTHEST) * EXTENT
    assert recognised(1.0, 600 + reach + 120, speed=300)
    assert not recognised(1.0, 600 - reach + 120, speed=300)


@pytest.mark.parametrize(("ratio", "same"), [(LIKE - 0.1, True), (LIKE + 0.1, False)])
def test_a_person_grows_no_more_than_a_body_can(ratio: float, same: bool) -> None:
    small, large = person(0, size=10), person(-5 * ratio + 5, size=10 * ratio)
    large = large._replace(points=large.points - np.array([0, 5 * ratio - 5]))  # about the same centre
    tracker = Tracker()
    for frame in range(90):
        tracker.update(frame / FPS, [small])
    for frame in range(90, 120):
        tracker.update(frame / FPS, [])
    assert (tracker.update(4.0, [large]) == [0]) == same


def test_a_person_detected_twice_for_a_moment_keeps_the_number() -> None:
    def ghost(x: float) -> DetectedPerson:
        return person(x + 10, size=110)

    frames = [[person(n)] for n in range(20)] + [[person(n), ghost(n)] for n in range(20, 25)]
    frames += [[ghost(n)] for n in range(25, 40)]  # the second detection outlasts the first
    assert 20 / FPS > YOUNG
    numbers = numbered(frames)
    assert {each[0] for each in numbers} == {0}
    assert {each[1] for each in numbers[20:25]} == {1}


def test_a_second_detection_of_a_person_gets_no_number() -> None:
    first, second = numbered([[person(0), person(3)], [person(0), person(3), person(400)]])
    assert sorted(first, key=str) == [0, None]
    assert second[2] == 1
    assert {*second[:2]} == {0, None}


def test_people_without_known_joints_get_no_number() -> None:
    nobody = DetectedPerson(np.full((3, 2), np.nan), np.zeros(3))
    assert numbered([[nobody, person(7)], [person(8), nobody], [], [nobody]]) == [[None, 0], [0, None], [], [None]]


@pytest.mark.parametrize("fps", [3, 1, 0.05])
def test_every_tenth_frame_is_enough(fps: float) -> None:
    order = [1 if n % 2 else -1 for n in range(20)]
    frames = [[person(10 * n), person(500 - 10 * n)][::turn] for n, turn in enumerate(order)]
    assert switches([[0, 1][::turn] for turn in order], numbered(frames, fps)) == 0


class TestNumbersOfTheFile:
    def test_they_decide_where_joints_would_not(self) -> None:
        frames = [[person(0, track=7), person(300, track=8)], [person(300, track=7), person(0, track=8)]]
        assert numbered(frames) == [[0, 1], [0, 1]]

    def test_a_person_whose_number_changes_is_followed(self) -> None:
        frames = [[person(n, track=1 if n < 8 else 7), person(400, track=2)] for n in range(20)]
        assert numbered(frames) == [[0, 1]] * 20

    def test_another_number_far_away_is_another_person(self) -> None:
        frames = [[person(n, track=1)] for n in range(10)] + [[]] * 2 + [[person(670, track=2)]] * 8
        assert numbered(frames) == [[0]] * 10 + [[]] * 2 + [[1]] * 8

    def test_they_are_remembered_for_ever(self) -> None:
        frames = [[person(0, track=4)]] * 30 + [[]] * 300 + [[person(900, track=4)]]
        assert numbered(frames)[-1] == [0]

    def test_people_without_numbers_are_linked_among_those_with(self) -> None:
        frames = [[person(0, track=1), person(300)], [person(305), person(5, track=1)], [person(10), person(310)]]
        assert numbered(frames) == [[0, 1], [1, 0], [0, 1]]


def test_the_number_of_people_counts_lasting_tracks() -> None:
    tracker = Tracker()
    assert tracker.people == 0
    tracker.update(0.0, [person(0)])
    assert tracker.people == 1
    for frame in range(1, 60):
        glimpse = [person(600)] if 20 <= frame < 24 else []
        tracker.update(frame / FPS, [person(0), *glimpse, *([person(300)] if frame > 30 else [])])
    assert tracker.people == 2


def test_memory_stays_bounded() -> None:
    rng, tracker = np.random.default_rng(0), Tracker()
    for frame in range(150):
        tracker.update(frame / FPS, [person(x) for x in rng.uniform(0, 1e6, 5)])
    assert len(tracker.remembered) <= 5 * (RECENT * FPS + 2)


@pytest.mark.parametrize("walk", [lambda t: 100 + 250 * t, lambda t: 640 + 500 * np.sin(t)])
def test_a_single_person_is_one_person(walk: Callable[[float], float]) -> None:
    scene = filmed([Walker(walk)], 4, noise=0.03)
    assert {number for numbers in numbered(scene.frames) for number in numbers} == {0}
