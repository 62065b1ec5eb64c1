"""From detections to one person: who is followed when a frame shows several, and one row per frame."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError

__all__ = ["Detection", "Detections", "main_person", "one_person", "rows"]

PATIENCE = 15  # frames that a person may be out of sight and still be told by where they stood
OVERLAP = 0.1  # of two boxes that show the same person one after the other


class Detection(NamedTuple):
    """One person in one frame: joints in pixels, scores from 0 to 1, and a tracker's number where there is one."""

    points: Float[ndarray, "j 2"]
    scores: Float[ndarray, " j"]
    track: int | None = None


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
    frames: dict[int, list[Detection]]
    fps: float | None = None
    size: tuple[int, int] | None = None
    timestamps: Float[ndarray, " f"] | None = None


def one_person(
    points: Float[ndarray, "f j 2"], scores: Float[ndarray, "f j"], skeleton: Skeleton, fps: float | None = None
) -> Detections:
    """The detections of a file that holds one person's joints, a row a frame; a row of NaN is a frame without one."""
    seen = np.isfinite(points).all(-1).any(-1)
    frames = {frame: [Detection(points[frame], scores[frame])] if seen[frame] else [] for frame in range(len(points))}
    return Detections(skeleton, frames, fps)


def main_person(frames: dict[int, list[Detection]]) -> dict[int, Detection]:
    """The person that a file is about: at most one detection a frame.

    Detections are linked into tracks, by the numbers of the file's own tracker where all have one and else by the
    overlap of boxes from frame to frame. The main person is the track that is largest, surest and longest taken
    together. Trackers lose people and number them anew: tracks that never share a frame with those chosen before
    are taken for the same person, strongest first. So a bystander, who is seen beside the main person, is never mixed
    in, and a person whose number changes is not lost.
    """
    if all(len(crowd) <= 1 for crowd in frames.values()):
        return {frame: crowd[0] for frame, crowd in frames.items() if crowd}
    people = [person for crowd in frames.values() for person in crowd]
    tracks = _by_number(frames) if all(person.track is not None for person in people) else _by_overlap(frames)
    chosen: dict[int, Detection] = {}
    for track in sorted(tracks, key=lambda track: -sum(_strength(person) for person in track.values())):
        if chosen.keys().isdisjoint(track):
            chosen |= track
    return chosen


def rows(
    person: dict[int, Detection], first: int, last: int, joints: int
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


def _by_number(frames: dict[int, list[Detection]]) -> list[dict[int, Detection]]:
    """Tracks as the file numbers them; of two with one number in a frame, the stronger."""
    tracks: dict[int | None, dict[int, Detection]] = {}
    for frame, crowd in sorted(frames.items()):
        for person in sorted(crowd, key=_strength):
            tracks.setdefault(person.track, {})[frame] = person
    return list(tracks.values())


def _by_overlap(frames: dict[int, list[Detection]]) -> list[dict[int, Detection]]:
    """Tracks of people who stand about where they stood: the best overlap of boxes is linked first."""
    tracks: list[dict[int, Detection]] = []
    live: list[tuple[int, Float[ndarray, "edges=4"], dict[int, Detection]]] = []  # when and where last seen
    for frame, crowd in sorted(frames.items()):
        live = [known for known in live if frame - known[0] <= PATIENCE]
        boxes = [_box(person) for person in crowd]
        pairs = [(_overlap(known[1], box), old, new) for old, known in enumerate(live) for new, box in enumerate(boxes)]
        free_old, free_new = set(range(len(live))), set(range(len(crowd)))
        for overlap, old, new in sorted(pairs, key=lambda pair: -pair[0]):
            if overlap > OVERLAP and old in free_old and new in free_new:
                free_old.remove(old)
                free_new.remove(new)
                live[old][2][frame] = crowd[new]
                live[old] = (frame, boxes[new], live[old][2])
        for new in sorted(free_new):
            tracks.append({frame: crowd[new]})
            live.append((frame, boxes[new], tracks[-1]))
    return tracks


def _box(person: Detection) -> Float[ndarray, "edges=4"]:
    """Left, top, right and bottom of the joints that are seen, all NaN where none are."""
    seen = person.points[(person.scores > 0) & np.isfinite(person.points).all(-1)]
    return np.concatenate([seen.min(0), seen.max(0)]) if len(seen) else np.full(4, np.nan)


def _overlap(a: Float[ndarray, "edges=4"], b: Float[ndarray, "edges=4"]) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(sides.clip(0).prod())
    union = float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()) - shared
    return shared / union if union > 0 else 0.0


def _strength(person: Detection) -> float:
    """How much a detection counts: its mean score times its size in pixels."""
    box = _box(person)
    size = float(np.sqrt((box[2:] - box[:2]).prod()))
    return 0.0 if np.isnan(size) else float(person.scores.mean()) * size
