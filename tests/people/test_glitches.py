"""Glitches of a 2D detector: made ones are filled, real motion is left alone."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from conftest import make_walk
from poseglass import COCO_17, H36M_17, PoseSequence
from poseglass.people.glitches import Glitches

WALK = replace(make_walk().pose2d, points=np.nan_to_num(make_walk().pose2d.points))


def spoiled(changes: dict[tuple[int, int], tuple[float, float]], poses: PoseSequence = WALK) -> PoseSequence:
    """The walk with joints moved by pixels."""
    points = poses.points.copy()
    for place, move in changes.items():
        points[place] += move
    return replace(poses, points=points)


def filled_in(poses: PoseSequence) -> tuple[PoseSequence, list[tuple[int, int]]]:
    """The filled poses, and the frames and joints that were filled."""
    glitches = Glitches()
    filled = glitches.fill(poses)
    places = np.argwhere((filled.confidence == 0) & (poses.confidence > 0))
    assert glitches.count == len(places)
    return filled, [tuple(place) for place in places.tolist()]


EVERY_JOINT = [(30, joint) for joint in range(17)]


@pytest.mark.parametrize(
    "places", [[(20, 16)], [(20, 16), (21, 16)], [(20, 3), (20, 16)], [(2, 13)], [(87, 13)], EVERY_JOINT]
)
def test_a_jump_of_one_or_two_frames_is_filled(places: list[tuple[int, int]]) -> None:
    filled, found_at = filled_in(spoiled(dict.fromkeys(places, (110.0, -60.0))))
    assert found_at == sorted(places)
    for place in places:
        assert np.linalg.norm(filled.points[place] - WALK.points[place]) < 14  # of a person of 360 pixels
    assert filled.validity.tolist() == [
        bool(valid) and not (len(places) == 17 and frame == 30) for frame, valid in enumerate(WALK.validity)
    ]
    others = np.ones(WALK.confidence.shape, bool)
    others[tuple(np.transpose(places))] = False
    np.testing.assert_array_equal(filled.points[others], WALK.points[others])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {(20, 16): (15.0, 0.0)},  # too small
        {(frame, 16): (80.0, 0.0) for frame in range(20, 90)},  # does not come back
        {(20, 16): (80.0, 0.0), (21, 16): (80.0, 0.0), (22, 16): (80.0, 0.0)},  # too long
        {(1, 16): (80.0, 0.0), (88, 16): (80.0, 0.0)},  # too near to the ends
        {(41, 16): (80.0, 0.0)},  # the frame is invalid
        {(46, 16): (80.0, 0.0)},  # so is that before the one before it
        {(frame, 16): (80.0 * (-1) ** frame, 0.0) for frame in range(10, 30)},  # never calm
    ],
)
def test_other_changes_are_left_alone(changes: dict) -> None:
    poses = spoiled(changes)
    filled, found_at = filled_in(poses)
    assert not found_at
    np.testing.assert_array_equal(filled.points, poses.points)


def test_an_exchange_of_left_and_right_is_left_to_its_own_repair() -> None:
    points = WALK.points.copy()
    points[20] = points[20][list(H36M_17.mirror)]
    assert not filled_in(replace(WALK, points=points))[1]


def test_noise_and_slow_frames_are_no_glitches() -> None:
    generator = np.random.default_rng(0)
    noise = PoseSequence(generator.uniform(0, 100, (400, 17, 2)), COCO_17, "pixels", fps=30)
    assert len(filled_in(noise)[1]) < 0.02 * 6800
    assert not filled_in(spoiled({(20, 16): (90.0, 0.0)}, replace(WALK, fps=5.0)))[1]


@pytest.mark.parametrize("frames", [0, 1, 4])
def test_a_few_frames_are_left_alone(frames: int) -> None:
    assert len(Glitches().fill(WALK[:frames])) == frames


@pytest.mark.parametrize("length", [1, 3, 7, 16, 89, 200])
def test_chunks_do_not_change_the_result(length: int) -> None:
    generator = np.random.default_rng(3)
    places = [(int(frame), int(generator.integers(17))) for frame in generator.choice(np.arange(90), 25)]
    poses = spoiled(dict.fromkeys(places, (75.0, 20.0)))
    poses = replace(poses, timestamps=poses.times)
    expected, found_at = filled_in(poses)
    assert len(found_at) > 5
    glitches = Glitches()

    def chunks() -> Iterator[PoseSequence]:
        for start in range(0, len(poses), length):
            yield poses[start : start + length]

    parts = list(glitches.chunks(chunks()))
    assert [len(part) for part in parts] == [len(chunk) for chunk in chunks()]
    np.testing.assert_array_equal(np.concatenate([part.points for part in parts]), expected.points)
    np.testing.assert_array_equal(np.concatenate([part.confidence for part in parts]), expected.confidence)
    assert glitches.count == len(found_at)
