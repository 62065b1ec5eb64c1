"""People in frames as they arrive: decode and detect, in a thread each."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.lifting.detected import detected_in
from poseglass.lifting.skipped import filled
from poseglass.lifting.stopwatch import Stopwatch
from poseglass.people.detection import DetectedPerson
from poseglass.people.follower import Follower
from poseglass.video.ahead import ahead

if TYPE_CHECKING:
    from poseglass.detect._base import Detector
    from poseglass.video.reading import Frame

__all__ = ["CHUNK", "Crowd", "Film", "detected_people", "followed_poses"]

CHUNK = 16  # frames that are passed on together


class Crowd(NamedTuple):
    """The people of a frame, in any order, and its time in seconds. None: the frame was skipped."""

    seconds: float
    people: Sequence[DetectedPerson] | None


def detected_people(
    frames: "Iterable[Frame]", detector: "Detector", *, stopwatch: Stopwatch, every: int = 1
) -> Iterator[list[Crowd]]:
    """Yield the people of about :data:`CHUNK` frames at a time. Each chunk but the last ends with a frame that was not
    skipped.

    Args:
        frames: Images with increasing times. Decoding and detection each run in a thread of their own.
        detector: Finds the people in a frame.
        every: Detect people in the first of this number of frames, and skip the others.
        stopwatch: Counts the stages "decode" and "detect".
    """
    decoded = ahead(stopwatch.busy("decode", frames))
    # One frame at a time, so that leaving early need not wait for more than one.
    crowds = (
        Crowd(frame.seconds, None if number % every else detected_in(detector, frame.image, frame.seconds))
        for number, frame in enumerate(stopwatch.waiting("detect", decoded))
    )
    chunk = []
    for crowd in ahead(stopwatch.busy("detect", crowds), by=CHUNK):
        chunk.append(crowd)
        if len(chunk) >= CHUNK and crowd.people is not None:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


class Film(NamedTuple):
    """What the 2D poses of a video's frames have in common.

    Args:
        skeleton: The joints.
        size: Width and height of the images.
        fps: Nominal frames per second; lifting uses the frames' own times.
    """

    skeleton: Skeleton
    size: tuple[int, int]
    fps: float

    def poses(self, times: Sequence[float], rows: Sequence[DetectedPerson | None]) -> PoseSequence:
        """One person's poses in consecutive frames; those without the person (None) are NaN, marked invalid."""
        absent = DetectedPerson(np.full((len(self.skeleton), 2), np.nan), np.zeros(len(self.skeleton)))
        people = [person or absent for person in rows]
        return PoseSequence(
            np.stack([person.points for person in people]),
            self.skeleton,
            "pixels",
            fps=self.fps,
            scores=np.stack([person.scores for person in people]),
            valid=np.array([person is not None for person in rows]),
            timestamps=np.array(times),
            size=self.size,
        )


def followed_poses(chunks: Iterable[list[Crowd]], follower: Follower, film: Film) -> Iterator[PoseSequence]:
    """The 2D poses of the person whom a follower chooses, chunk by chunk."""
    last: list[tuple[float, DetectedPerson | None]] = []  # the last frame of the chunk before
    for crowds in chunks:
        rows = [*last]
        for seconds, people in crowds:
            index = None if people is None else follower.choose(seconds, people)
            rows.append((seconds, None if people is None or index is None else people[index]))
        times, persons = [seconds for seconds, _ in rows], [person for _, person in rows]
        skipped = [False for _ in last] + [crowd.people is None for crowd in crowds]
        yield film.poses(times[len(last) :], filled(times, persons, skipped)[len(last) :])
        last = rows[-1:]
