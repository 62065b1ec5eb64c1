"""The people in every frame of a keypoint file, and one person's rows, one per frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.people.detection import DetectedPerson

__all__ = ["KeypointFrames", "detected", "one_person", "rows", "span"]

# A file may name far fewer frames than its frame numbers span, for example every tenth. Beyond these limits, the
# numbers are not those of one video's frames; COCO's image ids, for example, run to 600 000.
MOST_FRAMES, MOST_FRAMES_PER_DETECTION = 10_000, 100

FARTHEST = 1e9
"""Pixels from the corner of the image: whatever is further away is damage, and its square would overflow."""


@dataclass(frozen=True)
class KeypointFrames:
    """What a file contains, before it is known who is who.

    Args:
        skeleton: The joints of every person.
        frames: The people of every frame that the file names; an empty list if the frame shows nobody.
        fps: Frames per second, if known.
        size: Width and height of the image in pixels, if known.
        timestamps: Time of each frame in seconds, if known, for all frames from the first to the last.
        start: Time of the first frame in seconds.
        shares: Whether coordinates are shares of the image's width and height instead of pixels.
        zeros: Whether (0, 0) always means "not found" in this format, whatever the score. False: only if no score
            speaks against it. None: never; it is a place like any other.
        notes: What the reader assumed or left out, in sentences that are logged.
    """

    skeleton: Skeleton
    frames: dict[int, list[DetectedPerson]]
    fps: float | None = None
    size: tuple[int, int] | None = None
    timestamps: Float[ndarray, " f"] | None = None
    start: float = 0.0
    shares: bool = False
    zeros: bool | None = False
    notes: tuple[str, ...] = ()


def detected(
    points: Float[ndarray, "j 2"], scores: Float[ndarray, " j"], skeleton: Skeleton, track: float | None = None
) -> DetectedPerson:
    """A person with the joints of a skeleton. They come first; feet, face and hands of whole bodies follow.

    The arrays are copies, so the ones that were parsed can be freed. Coordinates beyond :data:`FARTHEST` are unknown.

    Args:
        points: The coordinates of all joints.
        scores: Their scores. Those that are not finite become 0.
        skeleton: The joints to take.
        track: The number of a tracker; unknown if it is negative or not finite.
    """
    near = np.abs(points[: len(skeleton)]) < FARTHEST  # j 2
    finite = np.where(np.isfinite(scores), scores, 0)[: len(skeleton)]
    return DetectedPerson(
        np.where(near, points[: len(skeleton)], np.nan).astype(np.float32),
        np.clip(finite, -FARTHEST, FARTHEST).astype(np.float32),
        int(track) if track is not None and 0 <= track < np.inf else None,
    )


def one_person(
    points: Float[ndarray, "f j 2"], scores: Float[ndarray, "f j"], skeleton: Skeleton, fps: float | None = None
) -> KeypointFrames:
    """The frames of a file of one person with one row per frame. A row of NaN is a frame without the person."""
    known = np.isfinite(points).all(-1).any(-1)  # f
    frames = {
        frame: [detected(points[frame], scores[frame], skeleton)] if known[frame] else []
        for frame in range(len(points))
    }
    return KeypointFrames(skeleton, frames, fps)


def span(frames: Mapping[int, Sequence[DetectedPerson]]) -> tuple[int, int]:
    """The first and the last frame number.

    Raises:
        FormatError: They are much further apart than there are frames with people.
    """
    first, last = min(frames), max(frames)
    detections = sum(bool(people) for people in frames.values())
    if last - first + 1 > max(MOST_FRAMES, MOST_FRAMES_PER_DETECTION * detections):
        raise FormatError(
            f"{detections} frames with people lie between the frame numbers {first} and {last}; "
            "these are not the frames of one video"
        )
    return first, last


def rows(
    person: Mapping[int, DetectedPerson], first: int, last: int, joints: int
) -> tuple[Float[ndarray, "f j 2"], Float[ndarray, "f j"], Bool[ndarray, " f"]]:
    """Points, scores and validity from the first frame to the last; NaN, 0 and False without the person."""
    frames = last - first + 1
    points = np.full((frames, joints, 2), np.nan, np.float32)
    scores = np.zeros((frames, joints), np.float32)
    valid = np.zeros(frames, bool)
    for frame, detection in person.items():
        points[frame - first] = detection.points
        scores[frame - first] = detection.scores
        valid[frame - first] = True
    return points, scores, valid
