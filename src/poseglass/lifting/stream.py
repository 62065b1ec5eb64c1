"""2D poses of frames as they arrive: decode, detect, follow one person. Decoding and detection overlap."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.lifting.stopwatch import Stopwatch
from poseglass.people.following import DetectedPerson, Follower
from poseglass.video.ahead import ahead

if TYPE_CHECKING:
    from poseglass.detect._base import Detector
    from poseglass.video.reading import Frame

__all__ = ["CHUNK", "detected_poses"]

CHUNK = 16  # frames that are passed on together


def detected_poses(
    frames: "Iterable[Frame]",
    detector: "Detector",
    *,
    size: tuple[int, int],
    fps: float,
    follower: Follower,
    stopwatch: Stopwatch,
) -> Iterator[PoseSequence]:
    """The 2D poses of the followed person in chunks; frames without them are rows of NaN, marked invalid.

    Args:
        frames: Images with increasing times. Decoding and detection each run in a thread of their own.
        detector: Finds the people in a frame.
        size: Width and height of the images.
        fps: Nominal frames per second; lifting uses the frames' own times.
        follower: Chooses the person.
        stopwatch: Counts the stages "decode" and "detect".
    """
    decoded = ahead(stopwatch.busy("decode", frames))
    # One frame at a time, so that leaving early need not wait for more than one.
    people = (
        (
            frame.seconds,
            [DetectedPerson(joints[:, :2], joints[:, 2]) for joints in detector.detect(frame.image, frame.seconds)],
        )
        for frame in stopwatch.waiting("detect", decoded)
    )
    rows = ahead(stopwatch.busy("detect", people), by=CHUNK)
    absent = DetectedPerson(np.full((len(detector.skeleton), 2), np.nan), np.zeros(len(detector.skeleton)))
    while chunk := list(islice(rows, CHUNK)):
        chosen = [(None if (index := follower.choose(crowd)) is None else crowd[index]) for _, crowd in chunk]
        persons = [person or absent for person in chosen]
        yield PoseSequence(
            np.stack([person.points for person in persons]),
            detector.skeleton,
            "pixels",
            fps=fps,
            scores=np.stack([person.scores for person in persons]),
            valid=np.array([person is not None for person in chosen]),
            timestamps=np.array([seconds for seconds, _ in chunk]),
            size=size,
        )
