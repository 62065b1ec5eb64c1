"""The people that a keypoint file shows, and one person as one row per frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.people.following import DetectedPerson

__all__ = ["Detections", "one_person", "rows"]


@dataclass(frozen=True)
class Detections:
    """What a file says, before a person is chosen.

    Args:
        skeleton: Which joint is which.
        frames: The people of every frame that the file names; an empty list where it shows nobody.
        fps: Frames a second, where the file says so.
        size: Width and height of the image, where the file says so.
        timestamps: Seconds of each frame, where the file says so; it then names every frame.
    """

    skeleton: Skeleton
    frames: dict[int, list[DetectedPerson]]
    fps: float | None = None
    size: tuple[int, int] | None = None
    timestamps: Float[ndarray, " f"] | None = None


def one_person(
    points: Float[ndarray, "f j 2"], scores: Float[ndarray, "f j"], skeleton: Skeleton, fps: float | None = None
) -> Detections:
    """The detections of a file that holds one person's joints, a row a frame; a row of NaN is a frame without one."""
    seen = np.isfinite(points).all(-1).any(-1)
    frames = {
        frame: [DetectedPerson(points[frame], scores[frame])] if seen[frame] else [] for frame in range(len(points))
    }
    return Detections(skeleton, frames, fps)


def rows(
    person: dict[int, DetectedPerson], first: int, last: int, joints: int
) -> tuple[Float[ndarray, "f j 2"], Float[ndarray, "f j"], Bool[ndarray, " f"]]:
    """Points, scores and validity from the first frame to the last; NaN, 0 and False where the person is not seen.

    Raises:
        FormatError: The frame numbers are too far apart to be those of one video.
    """
    frames = last - first + 1
    if frames > max(10_000, 100 * len(person)):
        raise FormatError(
            f"{len(person)} detections lie between the frame numbers {first} and {last}; "
            "these are not the frames of one video"
        )
    points = np.full((frames, joints, 2), np.nan, np.float32)
    scores = np.zeros((frames, joints), np.float32)
    valid = np.zeros(frames, bool)
    for frame, detection in person.items():
        points[frame - first] = detection.points
        scores[frame - first] = detection.scores
        valid[frame - first] = True
    return points, scores, valid
