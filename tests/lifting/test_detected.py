"""What detectors of the user's own may return."""

import numpy as np
import pytest

from poseglass import COCO_17, Detector
from poseglass.errors import DetectorError
from poseglass.lifting.detected import detected_in
from poseglass.people.detection import strength

IMAGE = np.zeros((4, 4, 3), np.uint8)


class Returning(Detector):
    """Returns what it is given."""

    skeleton = COCO_17

    def __init__(self, people: object) -> None:
        self._people = people

    def detect(self, image, seconds):
        return self._people


def test_scores_are_clipped_and_those_that_are_not_numbers_are_zero() -> None:
    people = np.full((2, 17, 3), 0.5)
    people[1, :4, 2] = np.nan, np.inf, -1, 9
    first, second = detected_in(Returning(people), IMAGE, 0)
    np.testing.assert_array_equal(first.scores, np.full(17, 0.5))
    np.testing.assert_array_equal(second.scores, [0, 0, 0, 1, *[0.5] * 13])
    np.testing.assert_array_equal(second.points, people[1, :, :2])
    assert strength(second._replace(scores=people[1, :, 2])) < np.inf, "whatever the scores, prominence is a number"


def test_nobody_is_an_empty_array() -> None:
    assert detected_in(Returning(np.zeros((0, 17, 3))), IMAGE, 0) == []


@pytest.mark.parametrize("people", [np.zeros((1, 17, 2)), np.zeros((17, 3)), np.zeros((1, 33, 3)), [], None])
def test_arrays_of_another_shape_are_refused(people: object) -> None:
    with pytest.raises(DetectorError, match=r"Returning\.detect must return an array of shape \(people, 17, 3\) for"):
        detected_in(Returning(people), IMAGE, 0)
