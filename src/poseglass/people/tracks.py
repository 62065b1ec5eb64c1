"""`Tracks`: everybody in a whole clip, the most prominent first."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from poseglass.errors import PoseError
from poseglass.people.detection import DetectedPerson, strength
from poseglass.people.tracker import MEMORY, Tracker

__all__ = ["Person", "Tracks", "how_many", "tracked"]

GLIMPSE = 0.3
"""Seconds for which somebody must be in sight to count as a person: detectors briefly mistake things for people."""
SHARE = 0.25
"""In a short clip, this share of its frames is enough."""

Person = Mapping[int, DetectedPerson]
"""One person's detections by frame number."""


class Tracks:
    """Collects the people of a clip, frame by frame.

    Args:
        size: Width and height of the image, if known.

    Example:
        >>> import numpy as np
        >>> small = DetectedPerson(np.array([[400.0, 0.0], [420, 50]]), np.ones(2))
        >>> large = DetectedPerson(np.array([[0.0, 0.0], [50, 100]]), np.ones(2))
        >>> tracks = Tracks()
        >>> for frame in range(30):
        ...     _ = tracks.add(frame, frame / 30, [small, large])
        >>> [sorted(person)[-1] for person in tracks.ranked()], tracks.ranked()[0][0] is large
        ([29, 29], True)
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self._tracker = Tracker(size)
        self._people: dict[int, dict[int, DetectedPerson]] = {}
        self._times: dict[int, float] = {}

    def add(self, frame: int, seconds: float, people: Sequence[DetectedPerson]) -> list[int | None]:
        """Add the next frame; see :meth:`poseglass.people.tracker.Tracker.update`."""
        numbers = self._tracker.update(seconds, people)
        self._times[frame] = seconds
        for number, person in zip(numbers, people, strict=True):
            if number is not None:
                self._people.setdefault(number, {})[frame] = person
        return numbers

    def person(self, number: int) -> Person:
        """The detections of the person of this number."""
        return self._people[number]

    def numbers(self) -> list[int]:
        """The numbers of all people, the most prominent first (the sum of score times extent over all frames).

        People in sight for less than :data:`GLIMPSE` are left out, unless there are no others.
        """
        times = list(self._times.values())
        step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0
        least = min(GLIMPSE / step if step > 0 else 1, SHARE * len(times))
        sure = {number: person for number, person in self._people.items() if len(person) >= least}
        rank = {number: -sum(map(strength, person.values())) for number, person in (sure or self._people).items()}
        return sorted(rank, key=lambda number: rank[number])

    def ranked(self) -> list[Person]:
        """The detections of all people in the order of :meth:`numbers`."""
        return [self._people[number] for number in self.numbers()]


def tracked(
    frames: Mapping[int, Sequence[DetectedPerson]], *, fps: float = 30.0, size: tuple[int, int] | None = None
) -> list[Person]:
    """Everybody in a file of keypoints, the most prominent first.

    Numbers of the file's own tracker are kept where they identify people: a number that two people of a frame share, or
    0 for everybody, identifies nobody. If the frames are further apart than
    :data:`poseglass.people.tracker.MEMORY` and show one person each, it is the same one.

    Args:
        frames: The people of each frame, by frame number.
        fps: Frames per second.
        size: Width and height of the image, if known.
    """
    ambiguous = {
        number
        for people in frames.values()
        for number, count in Counter(person.track for person in people).items()
        if count > 1
    }
    if {person.track for people in frames.values() for person in people} <= {0, None}:
        ambiguous.add(0)
    shown = sorted(frame for frame, people in frames.items() if people)
    if len(shown) > 1 and not _several(frames) and float(np.median(np.diff(shown))) / fps > MEMORY:
        return [{frame: frames[frame][0] for frame in shown}]
    tracks = Tracks(size)
    for frame, people in sorted(frames.items()):
        plain = [person._replace(track=None) if person.track in ambiguous else person for person in people]
        tracks.add(frame, frame / fps, plain)
    return tracks.ranked()


def _several(frames: Mapping[int, Sequence[DetectedPerson]]) -> bool:
    """Whether a frame shows several people, or people have different numbers."""
    return any(len(people) > 1 for people in frames.values()) or (
        len({person.track for people in frames.values() for person in people}) > 1
    )


def how_many(people: object) -> int | None:
    """The number of people that the argument `people` asks for: 1 for ``"largest"``, None for ``"all"``.

    Raises:
        PoseError: The value is something else.

    Example:
        >>> how_many("largest"), how_many("all"), how_many(3)
        (1, None, 3)
    """
    if people == "largest":
        return 1
    if people == "all":
        return None
    if isinstance(people, int) and not isinstance(people, bool) and people >= 1:
        return people
    raise PoseError(f'people must be "largest", "all" or a number from 1, got {people!r}')
