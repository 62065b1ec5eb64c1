"""Choose one person among several: :func:`main_person` in a whole file, :class:`Follower` frame by frame.

Both link the people of one frame to those of the frames before by the overlap of their boxes (:class:`Tracks`).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

__all__ = ["DetectedPerson", "Follower", "Tracks", "main_person", "most_people"]

PATIENCE = 15
"""Number of frames for which a person who is out of sight is remembered: half a second at 30 frames per second."""
OVERLAP = 0.1
"""Intersection over union above which two boxes may show the same person."""
REACH = 1.0
"""How far a followed person may move per frame where boxes do not overlap, in body sizes."""
FARTHEST = 3.0
"""Upper limit for the sum of :data:`REACH` over the frames without the person, in body sizes."""

log = logging.getLogger("poseglass")


class DetectedPerson(NamedTuple):
    """One person in one frame: joints in pixels, scores from 0 to 1, and a tracker's number if there is one."""

    points: Float[ndarray, "j 2"]
    scores: Float[ndarray, " j"]
    track: int | None = None


@dataclass
class _Sighting:
    """When and where a track was last in sight."""

    track: int
    frame: int
    box: Float[ndarray, " 4"]


class Tracks:
    """Gives people numbers; a person keeps the number from frame to frame if their boxes overlap.

    Boxes are linked in order of overlap, the largest first. A person who is out of sight for more than
    :data:`PATIENCE` frames gets a new number.
    """

    def __init__(self) -> None:
        self._recent: list[_Sighting] = []
        self._count = 0

    @property
    def remembered(self) -> set[int]:
        """The tracks that the next frame may continue."""
        return {sighting.track for sighting in self._recent}

    def link(self, frame: int, people: Sequence[DetectedPerson]) -> list[int]:
        """The track number of each person in a frame. Call it with increasing frame numbers."""
        self._recent = [sighting for sighting in self._recent if frame - sighting.frame <= PATIENCE]
        boxes = [_box(person) for person in people]
        pairs = [
            (_overlap(sighting.box, box), old, new)
            for old, sighting in enumerate(self._recent)
            for new, box in enumerate(boxes)
        ]
        free, linked = set(range(len(self._recent))), dict[int, int]()
        for overlap, old, new in sorted(pairs, key=lambda pair: -pair[0]):
            if overlap > OVERLAP and old in free and new not in linked:
                free.remove(old)
                linked[new] = self._recent[old].track
                self._recent[old].frame, self._recent[old].box = frame, boxes[new]
        for new, box in enumerate(boxes):
            if new not in linked:
                linked[new] = self._count
                self._recent.append(_Sighting(self._count, frame, box))
                self._count += 1
        return [linked[new] for new in range(len(people))]


class Follower:
    """Follows one person through frames that come one by one.

    It starts with the most prominent person (large, with high scores) and stays with them: by the overlap of boxes if
    there is one, else by taking the nearest person within reach (one body size per frame) who is not known to be
    somebody else. When the person has been out of sight for more than :data:`PATIENCE` frames, it starts again. As long
    as no frame has shown two people, it takes whoever is in view.

    Attributes:
        most: The largest number of people in one frame so far.

    Example:
        >>> left, right = (DetectedPerson(np.array([[x, 0.0], [x + 50, 100]]), np.ones(2)) for x in (0, 400))
        >>> follower = Follower()
        >>> [follower.choose(people) for people in ([left], [right, left], [left, right])]
        [0, 1, 0]
    """

    def __init__(self) -> None:
        self.most = 0
        self._tracks = Tracks()
        self._frame = -1
        self._followed: int | None = None
        self._others: set[int] = set()  # tracks that were in a frame together with the followed person
        self._last = (0, np.full(4, np.nan))  # the frame and box in which the followed person was last in sight

    def choose(self, people: Sequence[DetectedPerson]) -> int | None:
        """The index of the followed person in the next frame; None if they are out of sight."""
        self._frame += 1
        self.most = max(self.most, len(people))
        tracks = self._tracks.link(self._frame, people)
        chosen = self._chosen(people, tracks)
        if chosen is not None:
            self._followed, self._last = tracks[chosen], (self._frame, _box(people[chosen]))
            self._others = (self._others | set(tracks)) & self._tracks.remembered
            self._others.discard(tracks[chosen])
        return chosen

    def _chosen(self, people: Sequence[DetectedPerson], tracks: Sequence[int]) -> int | None:
        if not people:
            return None
        if self.most == 1:
            return 0
        if self._followed in tracks:
            return tracks.index(self._followed)
        absent = self._frame - self._last[0]
        if self._followed is None or absent > PATIENCE:
            self._others.clear()
            return max(range(len(people)), key=lambda index: _strength(people[index]))
        near = [
            (distance, index)
            for index, (person, track) in enumerate(zip(people, tracks, strict=True))
            if track not in self._others
            and (distance := _distance(self._last[1], _box(person))) <= min(REACH * absent, FARTHEST)
        ]
        return min(near)[1] if near else None


def most_people(frames: Mapping[int, Sequence[DetectedPerson]]) -> int:
    """The largest number of people in one frame."""
    return max((len(people) for people in frames.values()), default=0)


def main_person(frames: Mapping[int, Sequence[DetectedPerson]]) -> dict[int, DetectedPerson]:
    """The main person of a file: at most one detection per frame.

    Detections are linked into tracks: by the numbers of the file's own tracker if all have one, else by
    :class:`Tracks`. The main person is the track with the largest sum of score times size over its frames. Trackers
    lose people and give them new numbers, so further tracks are added, strongest first, if they share no frame with
    those chosen before. A bystander is never mixed in, because they are in view beside the main person.

    Logs a warning if any frame shows more than one person.
    """
    if (most := most_people(frames)) <= 1:
        return {frame: people[0] for frame, people in frames.items() if people}
    log.warning("up to %d people per frame: only the most prominent one is followed", most)
    detected = [person for people in frames.values() for person in people]
    tracks = _by_number(frames) if all(person.track is not None for person in detected) else _by_overlap(frames)
    chosen: dict[int, DetectedPerson] = {}
    for track in sorted(tracks, key=lambda track: -sum(_strength(person) for person in track.values())):
        if chosen.keys().isdisjoint(track):
            chosen |= track
    return chosen


def _by_number(frames: Mapping[int, Sequence[DetectedPerson]]) -> list[dict[int, DetectedPerson]]:
    """Tracks by the file's own numbers. If two people in a frame share a number, the stronger one counts."""
    tracks: dict[int | None, dict[int, DetectedPerson]] = {}
    for frame, people in sorted(frames.items()):
        for person in sorted(people, key=_strength):
            tracks.setdefault(person.track, {})[frame] = person
    return list(tracks.values())


def _by_overlap(frames: Mapping[int, Sequence[DetectedPerson]]) -> list[dict[int, DetectedPerson]]:
    """Tracks of people whose boxes overlap from frame to frame."""
    linker, tracks = Tracks(), dict[int, dict[int, DetectedPerson]]()
    for frame, people in sorted(frames.items()):
        for person, track in zip(people, linker.link(frame, people), strict=True):
            tracks.setdefault(track, {})[frame] = person
    return list(tracks.values())


def _box(person: DetectedPerson) -> Float[ndarray, " 4"]:
    """Left, top, right and bottom of the known joints; NaN if there are none."""
    known = person.points[(person.scores > 0) & np.isfinite(person.points).all(-1)]
    return np.concatenate([known.min(0), known.max(0)]) if len(known) else np.full(4, np.nan)


def _overlap(a: Float[ndarray, " 4"], b: Float[ndarray, " 4"]) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(sides.clip(0).prod())
    union = float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()) - shared
    return shared / union if union > 0 else 0.0


def _distance(a: Float[ndarray, " 4"], b: Float[ndarray, " 4"]) -> float:
    """Distance of the centres of two boxes, in units of their mean size; infinite if a box is unknown."""
    size = (_size(a) + _size(b)) / 2
    distance = float(np.linalg.norm(a[:2] + a[2:] - b[:2] - b[2:])) / 2
    return distance / size if size > 0 else np.inf


def _size(box: Float[ndarray, " 4"]) -> float:
    """The side of a square as large as the box, in pixels."""
    return float(np.sqrt((box[2:] - box[:2]).prod()))


def _strength(person: DetectedPerson) -> float:
    """How prominent a person is: mean score times size in pixels."""
    size = _size(_box(person))
    return 0.0 if np.isnan(size) else float(person.scores.mean()) * size
