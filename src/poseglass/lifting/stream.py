"""People in frames as they arrive: decode and detect, in a thread each."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.lifting.stopwatch import Stopwatch
from poseglass.people.detection import DetectedPerson
from poseglass.video.ahead import ahead

if TYPE_CHECKING:
    from poseglass.detect._base import Detector
    from poseglass.video.reading import Frame

__all__ = ["CHUNK", "Crowd", "Film", "detected_people"]

CHUNK = 16  # frames that are passed on together


class Crowd(NamedTuple):
    """The people of a frame, in any order, and its time in seconds."""

    seconds: float
    people: Sequence[DetectedPerson]


def detected_people(frames: "Iterable[Frame]", detector: "Detector", *, stopwatch: Stopwatch) -> Iterator[list[Crowd]]:
    """Yield the people of :data:`CHUNK` frames at a time.

    Args:
        frames: Images with increasing times. Decoding and detection each run in a thread of their own.
        detector: Finds the people in a frame.
        stopwatch: Counts the stages "decode" and "detect".
    """
    decoded = ahead(stopwatch.busy("decode", frames))
    # One frame at a time, so that leaving early need not wait for more than one.
    crowds = (
        Crowd(
            frame.seconds,
            [DetectedPerson(joints[:, :2], joints[:, 2]) for joints in detector.detect(frame.image, frame.seconds)],
        )
        for frame in stopwatch.waiting("detect", decoded)
    )
    rows = ahead(stopwatch.busy("detect", crowds), by=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
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
