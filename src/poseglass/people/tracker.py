"""`Tracker`: numbers people frame by frame, and gives each person the same number in all frames.

People are linked by all their joints, not by boxes: when two people cross, their boxes merge, but their joints do not.
Each track predicts where its joints are now; the predictions and the detections are matched so that the sum of their
distances is smallest (the Hungarian method, `scipy.optimize.linear_sum_assignment`). docs/people.md compares this with
tracking libraries.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.people.detection import (
    DetectedPerson,
    box,
    detected_twice,
    extent,
    gap,
    mostly_known,
    movement,
    strength,
)

__all__ = ["MEMORY", "Tracker"]

MEMORY = 3.0
"""Seconds for which a person who is out of sight is remembered."""
FAITH = 3.0
"""The longest absence after which a person is recognised, as a multiple of the time since they first appeared. A
glimpse of somebody is often an error of the detector."""
YOUNG = 0.3
"""Seconds since a person first appeared during which older tracks choose first. Detectors sometimes detect a person
twice for a moment, and the second detection may outlast the first."""
RECENT = 0.2
"""Seconds without detection after which a track is lost. A lost track may match farther away, so recent ones choose
first."""
STEPS = 2.5
"""The same in frames, if that is longer: some files hold only every tenth frame, and in a time lapse the step from one
frame to the next may be longer than the memory."""
TIGHT, WIDE = 0.15, 0.35
"""How far a person may be from the predicted place, in extents of the body: first only those nearer than `TIGHT` are
linked, then the others. On Pose2Sim's and Sports2D's demos, the joints of a person are 0.03 away in most frames."""
FAST, FARTHEST = 2.5, 2.0
"""How much these limits grow per second without detection (about 4 m/s), and their maximum."""
COASTING = 0.5
"""Time constant in seconds with which a predicted movement comes to rest."""
SETTLING = 0.2
"""Time constant in seconds with which the velocity of a track follows the detections."""
SHRINKING = 2.0
"""Time constant in seconds with which the extent of a track shrinks towards that of the detections. It grows at once: a
person who crouches stays the same size."""
LIKE = 3.0
"""Highest ratio of the extents of a track and a detection of the same person: with raised arms, and crouching."""
EDGE = 0.02
"""Share of the image's longer side: a person whose box is this near to the image's edge may be leaving."""

_State = Literal["old", "young", "lost", "forgotten"]

ROUNDS: tuple[tuple[frozenset[_State], float], ...] = (
    (frozenset({"old"}), TIGHT),
    (frozenset({"young"}), TIGHT),
    (frozenset({"old", "young", "lost"}), WIDE),
)
"""The rounds of matching in a frame: which tracks take part, and how near a detection must be."""


@dataclass
class _Track:
    """What the tracker remembers of a person."""

    number: int
    first: float  # when the person appeared, in seconds
    seconds: float  # when they were last in sight
    person: DetectedPerson
    extent: float
    velocity: Float[ndarray, " 2"]
    leaving: bool = False
    sightings: int = 1

    def state(self, seconds: float, recent: float) -> _State:
        """The state of the track at a time, where `recent` is the time after which it is lost."""
        age, absent = self.seconds - self.first, seconds - self.seconds
        if absent > max(min(MEMORY, FAITH * age), recent):
            return "forgotten"
        return "lost" if absent > recent else "young" if age < YOUNG else "old"

    def distance(self, person: DetectedPerson, seconds: float, near: float) -> float:
        """How far a detection is from the predicted place, in extents of the body; infinite if too far."""
        absent = seconds - self.seconds
        size = extent(person)
        least = self.extent / LIKE if mostly_known(person) else 0.0
        if not least <= size <= self.extent * LIKE:
            return np.inf
        shift = self.velocity * COASTING * (1 - np.exp(-absent / COASTING))
        apart = gap(self.person, person, shift) / self.extent
        # A person who left through an edge comes back there; at another edge, it is somebody else.
        reach = near if self.leaving and absent > RECENT else min(near + FAST * absent, FARTHEST)
        return apart if apart <= reach else np.inf

    def add(self, person: DetectedPerson, seconds: float, leaving: bool) -> None:
        """Take a detection as the latest of this track."""
        elapsed = seconds - self.seconds
        if elapsed > 0:
            velocity = movement(self.person, person) / elapsed
            weight = 1 - np.exp(-elapsed / SETTLING) if self.sightings > 1 else 1.0
            if elapsed <= RECENT and np.isfinite(velocity).all():
                self.velocity = self.velocity + weight * (velocity - self.velocity)
            else:
                self.velocity = np.zeros(2)
        size = extent(person)
        shrunk = size + (self.extent - size) * np.exp(-max(elapsed, 0) / SHRINKING)
        self.seconds, self.person, self.leaving = seconds, person, leaving
        self.extent, self.sightings = max(size, shrunk), self.sightings + 1


class Tracker:
    """Numbers people, frame by frame, in bounded memory. The numbers start at 0, in order of appearance.

    A person out of sight is remembered for :data:`MEMORY` seconds, and gets a new number after that. Detections
    with numbers of their own (from the tracker of the tool that detected them) keep their identities: a number that
    changes is linked to the track that it continues.

    Args:
        size: Width and height of the image, if known. With it, one person who leaves and another who enters at the
            opposite edge are told apart.

    Example:
        >>> left, right = (DetectedPerson(np.array([[x, 0.0], [x + 50, 100]]), np.ones(2)) for x in (0, 400))
        >>> tracker = Tracker()
        >>> [tracker.update(n / 30, people) for n, people in enumerate(([left, right], [right, left], [right]))]
        [[0, 1], [1, 0], [1]]
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self._size = size
        self._tracks: list[_Track] = []
        self._count = 0
        self._sure = set[int]()  # numbers of the remembered tracks that count as people
        self._people = 0
        self._times: deque[float] = deque(maxlen=10)  # of the last frames
        self._own: dict[int | None, int] = {}  # our number for each number of the detections

    @property
    def remembered(self) -> set[int]:
        """The numbers that the next frame may continue."""
        return {track.number for track in self._tracks}

    @property
    def people(self) -> int:
        """The number of people so far: tracks that lasted for :data:`YOUNG`, or 1 if there are only shorter ones."""
        return max(self._people, min(self._count, 1))

    def update(self, seconds: float, people: Sequence[DetectedPerson]) -> list[int | None]:
        """The number of each person in the next frame; None for a second detection of somebody.

        Args:
            seconds: The time of the frame; it must not decrease.
            people: The people in any order.
        """
        self._times.append(seconds)
        step = float(np.median(np.diff(self._times))) if len(self._times) > 1 else 0.0
        recent = max(RECENT, STEPS * step)
        self._tracks = [track for track in self._tracks if track.state(seconds, recent) != "forgotten"]
        numbers: list[int | None] = [None] * len(people)
        waiting = [index for index, person in enumerate(people) if extent(person)]
        free = list(self._tracks)

        def link(index: int, number: int, track: _Track | None) -> None:
            self._link(number, track, people[index], seconds)
            numbers[index] = number
            waiting.remove(index)
            if track is not None:
                free.remove(track)

        for index in [*waiting]:
            own = self._own.get(people[index].track)
            if own is not None and own not in numbers:
                link(index, own, next((track for track in free if track.number == own), None))
        for states, near in ROUNDS:
            if "lost" in states:
                linked = [other for other, number in zip(people, numbers, strict=True) if number is not None]
                waiting = [index for index in waiting if not detected_twice(people[index], linked)]
            tracks = [track for track in free if track.state(seconds, recent) in states]
            for track, index in _matched(tracks, people, waiting, seconds, near):
                link(index, track.number, track)
        for index in sorted(waiting, key=lambda index: -strength(people[index])):
            linked = [other for other, number in zip(people, numbers, strict=True) if number is not None]
            if not detected_twice(people[index], linked):
                link(index, self._count, None)
                self._count += 1
        sure = {track.number for track in self._tracks if track.seconds - track.first >= YOUNG}
        self._people, self._sure = self._people + len(sure - self._sure), sure
        return numbers

    def _link(self, number: int, track: _Track | None, person: DetectedPerson, seconds: float) -> None:
        """Add the detection to its track, or start one."""
        if person.track is not None:
            self._own[person.track] = number
        if track is None:
            track = _Track(number, seconds, seconds, person, extent(person), np.zeros(2), self._at_edge(person))
            self._tracks.append(track)
        else:
            track.add(person, seconds, self._at_edge(person))

    def _at_edge(self, person: DetectedPerson) -> bool:
        if self._size is None:
            return False
        left, top, right, bottom = box(person)
        margin = EDGE * max(self._size)
        return bool(left < margin or top < margin or right > self._size[0] - margin or bottom > self._size[1] - margin)


def _matched(
    tracks: Sequence[_Track], people: Sequence[DetectedPerson], indices: Sequence[int], seconds: float, near: float
) -> list[tuple[_Track, int]]:
    """Tracks and the indices of their detections, as many as possible, with the smallest sum of distances."""
    distances = np.array([[track.distance(people[index], seconds, near) for index in indices] for track in tracks])
    if not np.isfinite(distances).any():
        return []
    if distances.size == 1:
        return [(tracks[0], indices[0])]
    from scipy.optimize import linear_sum_assignment

    possible = np.isfinite(distances)
    # An impossible pair costs more than all others together.
    rows, columns = linear_sum_assignment(np.where(possible, distances, FARTHEST * min(distances.shape) + 1))
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(tracks[row], indices[column]) for row, column in pairs if possible[row, column]]
