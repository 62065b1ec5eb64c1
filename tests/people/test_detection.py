"""How large, how far and how prominent detected people are, and who was detected twice."""

import numpy as np
import pytest

from poseglass.people.detection import (
    TWICE,
    DetectedPerson,
    box,
    detected_twice,
    extent,
    gap,
    mostly_known,
    movement,
    strength,
)


def person(*points: tuple[float, float], scores: float | list[float] = 1.0, track: int | None = None) -> DetectedPerson:
    return DetectedPerson(np.array(points, float), np.full(len(points), 1.0) * np.array(scores), track)


SQUARE = ((10.0, 20.0), (40.0, 20.0), (10.0, 60.0), (40.0, 60.0))
NOBODY = person((np.nan, 3), (2, 2), scores=[1, 0])


def test_the_box_and_the_extent_hold_the_known_joints() -> None:
    hidden = person(*SQUARE, (500, 500), (np.nan, 1), scores=[1, 1, 1, 0.1, 0, 1])
    assert box(hidden).tolist() == [10, 20, 40, 60]
    assert extent(hidden) == 50


def test_a_person_without_known_joints_has_no_extent() -> None:
    assert np.isnan(box(NOBODY)).all()
    assert extent(NOBODY) == strength(NOBODY) == 0


def test_a_single_joint_has_the_extent_of_a_pixel() -> None:
    assert extent(person((3, 4))) == 1


def test_strength_is_the_mean_score_times_the_extent() -> None:
    assert strength(person(*SQUARE, scores=[1, 0.5, 0.5, 0.4])) == pytest.approx(0.6 * 50)


@pytest.mark.parametrize(("scores", "mostly"), [([1, 1, 0, 0], True), ([1, 0, 0, 0], False)])
def test_half_of_the_joints_are_most_of_a_person(scores: list[float], mostly: bool) -> None:
    assert mostly_known(person(*SQUARE, scores=scores)) == mostly


def test_the_gap_is_the_mean_distance_of_common_joints_weighted_by_the_lower_score() -> None:
    one = person((0, 0), (0, 10), (0, 20), scores=[1, 0.5, 1])
    other = person((3, 4), (0, 20), (7, 7), scores=[0.5, 1, 0])
    assert gap(one, other) == pytest.approx((0.5 * 5 + 0.5 * 10) / 1)
    assert gap(one, other, np.array([3.0, 4.0])) == pytest.approx((0.5 * 0 + 0.5 * np.hypot(3, 6)) / 1)
    assert movement(one, other).tolist() == pytest.approx([1.5, 7])


def test_without_common_joints_the_gap_is_that_of_the_centres() -> None:
    left, right = person((0, 0), (9, 9), scores=[1, 0]), person((9, 9), (30, 40), scores=[0, 1])
    assert gap(left, right) == 50
    assert np.isnan(gap(left, NOBODY))


@pytest.mark.parametrize(("shift", "twice"), [(0.99, True), (1.01, False)])
def test_nearly_equal_joints_are_one_person_detected_twice(shift: float, twice: bool) -> None:
    one = person(*SQUARE)
    other = one._replace(points=one.points + np.array([shift * TWICE * 50, 0]))
    assert detected_twice(one, [person((900, 900), (950, 990), (9, 9), (8, 8)), other]) == twice


def test_people_with_numbers_are_different_people() -> None:
    one = person(*SQUARE, track=1)
    assert not detected_twice(one, [one._replace(track=2)])
    assert detected_twice(one, [one._replace(track=None)])
