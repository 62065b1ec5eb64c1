"""Looking for other people now and then."""

from collections.abc import Iterator

import numpy as np
import pytest

from poseglass import COCO_17
from poseglass.detect import Detector
from poseglass.errors import DetectorError
from poseglass.lifting.clip_people import ClipPeople
from poseglass.lifting.lookout import EVERY, FIRST, Lookout
from poseglass.lifting.stream import Crowd, Film
from poseglass.people.detection import DetectedPerson
from poseglass.video.reading import Frame
from samples.crowd import Walker

IMAGE = np.zeros((4, 4, 3), np.uint8)


def joints(x: float, height: float = 300) -> np.ndarray:
    return np.concatenate([Walker(lambda _: x, height=height).joints(0), np.ones((17, 1))], 1)


class Everybody(Detector):
    """Detects the same people in all frames."""

    skeleton = COCO_17

    def __init__(self, *people: np.ndarray) -> None:
        self._people = np.stack(people)

    def detect(self, image: np.ndarray, seconds: float) -> np.ndarray:
        return self._people


class One(Everybody):
    """Detects only the first of several people."""

    def __init__(self, *people: np.ndarray) -> None:
        super().__init__(people[0])
        self._all = people

    def for_people(self, count: int) -> Detector:
        assert count == 5
        return Everybody(*self._all)


def watched(detector: Detector, seconds: float) -> Lookout:
    lookout = Lookout(detector, 5)

    def frames() -> Iterator[Frame]:
        for frame in range(round(seconds * 10)):
            yield Frame(IMAGE, frame / 10)

    received = [frame.seconds for frame in lookout.watch(frames())]
    assert received == [frame / 10 for frame in range(round(seconds * 10))]
    return lookout


def followed(*people: np.ndarray, times: int = 100) -> ClipPeople:
    clip = ClipPeople(Film(COCO_17, (1280, 720), 10.0))
    clip.add([Crowd(n / 10, [DetectedPerson(each[:, :2], each[:, 2]) for each in people]) for n in range(times)])
    return clip


def test_a_frame_is_looked_at_every_few_seconds() -> None:
    looks = watched(One(joints(300), joints(700)), 9).looks
    assert [look.seconds for look in looks] == pytest.approx([FIRST, FIRST + EVERY, FIRST + 2 * EVERY])
    assert [len(look.people) for look in looks] == [2, 2, 2]


def test_a_detector_of_everybody_needs_no_looks() -> None:
    lookout = watched(Everybody(joints(300), joints(700)), 9)
    assert not lookout.looks
    assert lookout.people() == 0
    assert not lookout.overlooked(followed(joints(300)), 0)


def test_somebody_larger_is_noticed_and_somebody_smaller_is_not() -> None:
    clip = followed(joints(300))
    for height, overlooked in ((250, False), (350, True)):
        lookout = watched(One(joints(300), joints(700, height)), 5)
        assert lookout.people() == 2
        assert lookout.overlooked(clip, 0) == overlooked


def test_the_followed_person_is_recognised_where_they_are() -> None:
    lookout = watched(One(joints(300), joints(700)), 5)
    assert lookout.overlooked(followed(joints(1000)), 0), "neither of the two is the followed person"
    assert not lookout.overlooked(followed(joints(310)), 0)


def test_uncertain_and_double_detections_do_not_count() -> None:
    doubtful = joints(700, 600) * [1, 1, 0.3]
    lookout = watched(One(joints(300), joints(302), doubtful), 5)
    assert lookout.people() == 1
    assert not lookout.overlooked(followed(joints(300)), 0)


def test_an_error_of_a_look_is_raised() -> None:
    class Broken(Everybody):
        def for_people(self, count: int) -> Detector:
            raise DetectorError("the detector is broken")

    with pytest.raises(DetectorError, match="the detector is broken"):
        watched(Broken(joints(300)), 5)
