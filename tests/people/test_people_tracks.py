"""Everybody in a clip: ranked by prominence, numbers that mean nothing ignored, glimpses left out."""

import numpy as np
import pytest

from poseglass.errors import PoseError
from poseglass.people.detection import DetectedPerson
from poseglass.people.tracks import GLIMPSE, Tracks, how_many, tracked
from samples.crowd import FPS, SCENES, SIZE, Scene


def person(x: float, *, size: float = 100, score: float = 1.0, track: int | None = None) -> DetectedPerson:
    points = np.array([[x, 0.0], [x + size, size], [x + size / 2, size / 2]])
    return DetectedPerson(points, np.full(3, score), track)


def places(frames: dict[int, list[DetectedPerson]], *, fps: float = FPS) -> list[dict[int, float]]:
    """The left edge of each person in each frame."""
    return [
        {frame: float(detection.points[0, 0]) for frame, detection in each.items()} for each in tracked(frames, fps=fps)
    ]


@pytest.mark.parametrize(
    ("other", "last"), [({"size": 90}, 30), ({"score": 0.9}, 30), ({"size": 110}, 20)],
    ids=["smaller", "less certain", "shorter"],
)  # fmt: skip
def test_the_most_prominent_person_over_all_frames_comes_first(other: dict, last: int) -> None:
    frames = {n: [*([person(500, **other)] if n < last else []), person(0)] for n in range(30)}
    assert [{*place.values()} for place in places(frames)] == [{0}, {500}]


def test_the_first_person_in_sight_need_not_be_the_most_prominent() -> None:
    frames = {n: [person(0)] if n < 30 else [person(0), person(400, size=200)] for n in range(90)}
    first, second = places(frames)
    assert (min(first), {*first.values()}) == (30, {400})
    assert (len(second), {*second.values()}) == (90, {0})


@pytest.mark.parametrize(("count", "people"), [(round(GLIMPSE * FPS) - 1, 1), (round(GLIMPSE * FPS), 2)])
def test_who_is_in_sight_for_a_moment_is_left_out(count: int, people: int) -> None:
    frames = {n: [person(0), *([person(400)] if 20 <= n < 20 + count else [])] for n in range(90)}
    assert len(places(frames)) == people


def test_a_glimpse_is_a_person_if_nobody_else_is_in_sight() -> None:
    assert places({n: [person(7)] if n == 50 else [] for n in range(90)}) == [{50: 7}]
    assert places({0: [], 1: []}) == []


@pytest.mark.parametrize("track", [None, 0], ids=["no numbers", "0 for everybody"])
def test_without_meaningful_numbers_people_are_linked_by_their_joints(track: int | None) -> None:
    scene: Scene = SCENES["crossing, one hidden for half a second"]()
    frames = {n: [each._replace(track=track) for each in people] for n, people in enumerate(scene.frames)}
    people = tracked(frames, fps=FPS, size=SIZE)
    assert len(people) == 2
    for each in people:
        which = {n: [other.points is mine.points for other in scene.frames[n]].index(True) for n, mine in each.items()}
        assert len({scene.truth[n][index] for n, index in which.items()}) == 1


def test_a_number_that_two_people_of_a_frame_share_says_nothing() -> None:
    frames = {n: [person(0, track=5), person(400, track=5 if n == 3 else 6)] for n in range(20)}
    assert [{*place.values()} for place in places(frames)] == [{0}, {400}]


def test_one_person_after_the_other_with_0_for_both_are_two() -> None:
    frames = {n: [person(n, track=0)] for n in range(20)} | {n: [person(670 + n, track=0)] for n in range(22, 50)}
    assert [min(place) for place in places(frames)] == [22, 0]


def test_numbers_tell_people_apart() -> None:
    frames = {n: [person(3 * n, track=1), person(90 - 3 * n, track=2)] for n in range(30)}
    steps = {tuple(np.diff([*place.values()]).tolist()) for place in places(frames)}
    assert steps == {(3.0,) * 29, (-3.0,) * 29}


def test_the_frame_rate_sets_how_fast_people_move() -> None:
    frames = {n: [person(0 if n < 10 else 150)] for n in range(20)}
    assert [len(places(frames, fps=fps)) for fps in (30, 2)] == [2, 1]


def test_a_person_of_the_clip_has_a_number() -> None:
    tracks = Tracks()
    numbers = [tracks.add(n, n / 30, [person(0), person(400, size=200)]) for n in range(20)]
    assert numbers == [[1, 0]] * 20
    assert tracks.numbers() == [0, 1]
    assert tracks.person(1)[19].points[0, 0] == 0


@pytest.mark.parametrize("people", ["both", 0, -1, 1.5, None, True])
def test_other_numbers_of_people_are_refused(people: object) -> None:
    with pytest.raises(PoseError, match='people must be "largest", "all" or a number from 1'):
        how_many(people)


@pytest.mark.parametrize(("fps", "people"), [(0.3, 1), (0.4, 5), (30, 5)])
def test_frames_further_apart_than_the_memory_show_one_person(fps, people):
    """Five frames in each of which somebody is at another place; after three seconds, nobody is remembered."""
    points = np.array([[0.0, 0.0], [50, 100]])
    frames = {n: [DetectedPerson(points + 5000 * n, np.ones(2))] for n in range(5)}
    assert len(tracked(frames, fps=fps)) == people
    if people == 1:
        both = {n: crowd * 2 for n, crowd in frames.items()}
        assert len(tracked(both, fps=fps)) > 1
