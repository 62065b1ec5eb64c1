"""Moving and standing cameras, with and without people in front."""

import numpy as np
import pytest

from poseglass.video.background import Background, Boxes
from poseglass.video.reading import Frame

WORLD = np.kron(np.random.default_rng(4).integers(0, 255, (140, 260, 3), dtype=np.uint8), np.ones((6, 6, 1), np.uint8))
SIZE = (640, 360)


def film(shift, *, seconds: float = 6.0, person=None) -> Background:
    """A camera whose picture is shifted by `shift(second)` pixels, and a textured person in it."""
    background = Background()
    crowd = np.random.default_rng(9).integers(0, 255, (60, 40, 3), dtype=np.uint8)
    crowd = np.kron(crowd, np.ones((5, 5, 1), np.uint8))
    for number in range(round(seconds * 10)):
        second = number / 10
        x, y = (round(value) for value in shift(second))
        image = WORLD[200 + y : 200 + y + SIZE[1], 400 + x : 400 + x + SIZE[0]].copy()
        if person is not None:
            left = round(person(second))
            image[30:330, left : left + 200] = crowd
        background.watch(Frame(np.ascontiguousarray(image), second))
    return background


def boxes(left, seconds: float = 6.0) -> Boxes:
    times = np.arange(round(seconds * 10)) / 10
    edges = np.array([[left(second), 30.0, left(second) + 200, 330.0] for second in times])
    return Boxes(times, edges)


def still(second: float) -> tuple[float, float]:
    return 0.0, 0.0


@pytest.mark.parametrize(
    ("shift", "moves"),
    [
        (still, False),
        (lambda second: (1.2 * np.sin(7 * second), 1.2 * np.cos(5 * second)), False),  # a hand that sways
        (lambda second: (40 * second, 0), True),  # a pan
        (lambda second: (0, 12 * second), True),  # a slow tilt
        (lambda second: (8 * second, 0), True),  # slower than each step shows
        (lambda second: (60 * np.clip(second - 3, 0, 1.5), 0), True),  # a short pan
    ],
)
def test_a_camera_moves_or_stands(shift, moves: bool):
    assert film(shift).moves([], SIZE) is moves


def walking(second: float) -> float:
    return 20 + 60 * second


def test_people_who_walk_do_not_move_the_camera():
    assert film(still, person=walking).moves([boxes(walking)], SIZE) is False


def test_a_camera_that_follows_a_person_moves():
    def beside(second: float) -> float:
        return 200.0

    assert film(lambda second: (50 * second, 0), person=beside).moves([boxes(beside)], SIZE) is True


def test_without_texture_nothing_is_known():
    background = Background()
    for number in range(5):
        background.watch(Frame(np.full((90, 160, 3), 127, np.uint8), number))
    assert background.moves([]) is None


def test_when_the_person_fills_the_picture_nothing_is_known():
    everywhere = Boxes(np.arange(60) / 10, np.tile([0.0, 0, 640, 360], (60, 1)))
    assert film(still).moves([everywhere], SIZE) is None


def test_one_picture_tells_nothing():
    background = Background()
    background.watch(Frame(np.zeros((90, 160, 3), np.uint8), 0.0))
    assert background.moves([]) is None
