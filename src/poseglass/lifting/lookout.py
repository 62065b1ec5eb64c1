"""`Lookout`: looks for other people now and then, while a fast detector detects one person only."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from poseglass.lifting.clip_people import ClipPeople
from poseglass.lifting.stream import Crowd, crowd_of
from poseglass.people.detection import DetectedPerson, detected_twice, extent, gap, strength

if TYPE_CHECKING:
    from poseglass.detect._base import Detector
    from poseglass.video.reading import Frame

__all__ = ["Lookout"]

FIRST, EVERY = 1.0, 3.0
"""Seconds until the first look, and from one to the next. A look takes about as long as detecting one person in three
frames."""
SAME = 0.35
"""Mean distance of the joints, in extents of the body, up to which two detections of a frame are of one person."""
SURE = 0.5
"""Mean score from which somebody counts."""


class Lookout:
    """Detects everybody in a frame every few seconds, in a thread of its own.

    Args:
        detector: The detector in use. If it detects everybody already, there are no looks.
        most: The number of people to look for.

    Attributes:
        looks: The people of each frame looked at, so far.
    """

    def __init__(self, detector: "Detector", most: int) -> None:
        self.looks: list[Crowd] = []
        self._detector, self._most = detector, most
        self._several: Detector | None = None

    def watch(self, frames: "Iterable[Frame]") -> "Iterator[Frame]":
        """Yield the same frames, and look at some of them."""
        due = FIRST
        with ThreadPoolExecutor(1, thread_name_prefix="poseglass-lookout") as worker:
            pending: Future[None] | None = None
            for frame in frames:
                if frame.seconds >= due:
                    if pending is not None:
                        pending.result()  # raises the error of the last look, if any
                    due = frame.seconds + EVERY
                    pending = worker.submit(self._look, frame)
                yield frame
            if pending is not None:
                pending.result()

    def people(self) -> int:
        """The largest number of people in a look; 0 if there were none."""
        return max((len(_sure(look)) for look in self.looks), default=0)

    def overlooked(self, clip: ClipPeople, number: int) -> bool:
        """Whether somebody else is more prominent than a person of the clip, over all looks."""
        person = clip.poses_at(number)
        mine = other = 0.0
        for look in self.looks:
            followed = person.get(look.seconds)
            same = [followed is not None and gap(followed, each) < SAME * extent(each) for each in _sure(look)]
            strengths = [strength(each) for each in _sure(look)]
            mine += max((each for each, is_same in zip(strengths, same, strict=True) if is_same), default=0.0)
            other += max((each for each, is_same in zip(strengths, same, strict=True) if not is_same), default=0.0)
        return other > mine

    def _look(self, frame: "Frame") -> None:
        if self._several is None:
            self._several = self._detector.for_people(self._most)
        if self._several is not self._detector:
            self.looks.append(crowd_of(self._several, frame))


def _sure(look: Crowd) -> list[DetectedPerson]:
    """The people of a look, without second detections and those that are uncertain."""
    people: list[DetectedPerson] = []
    for person in sorted(look.people, key=strength, reverse=True):
        if extent(person) and person.scores.mean() >= SURE and not detected_twice(person, people):
            people.append(person)
    return people
