"""MediaPipe's pose landmarks as JSON: a list of frames, each a list of 33 points ``{"x", "y", "z", "visibility"}``.

A frame may also be an object with this list under ``landmarks``, ``pose_landmarks`` or ``poseLandmarks``, or a list of
such lists, one per person. The joints are BlazePose's. Coordinates are shares of the image, so its size is needed; z is
ignored. World landmarks, in metres, are refused.
"""

from typing import Any

from poseglass.body.skeleton import BLAZEPOSE_33, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile, is_empty
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.names import SCORES
from poseglass.keypoints.parsing import objects, parse_numbers
from poseglass.keypoints.pixels import hold_shares
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]

KEYS = ("landmarks", "pose_landmarks", "poseLandmarks")


def matches(file: KeypointFile) -> bool:
    """Whether the first frame with content holds points with x, y and z, but without names."""
    point: Any = _points(file.first)
    for _ in range(2):
        point = point[0] if isinstance(point, list) and point else point
    return isinstance(point, dict) and {"x", "y", "z"} <= point.keys() and "name" not in point


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: The file is broken, has not 33 landmarks, or its coordinates are not shares of the image.
    """
    if layout not in (None, BLAZEPOSE_33):
        raise FormatError(f"MediaPipe's landmarks are {BLAZEPOSE_33.name}, not {layout.name}")
    frames: dict[int, list[DetectedPerson]] = {}
    for number, frame in enumerate(file.items()):
        points = _points(frame)
        several = isinstance(points, list) and points and isinstance(points[0], list)
        people = points if several else [] if is_empty(points) else [points]
        frames[number] = [_person(person, f"frame {number}") for person in people if not is_empty(person)]
    if any(frames.values()) and not hold_shares(frames):
        raise FormatError("the landmarks are not shares of the image: give pose_landmarks, not world landmarks")
    return KeypointFrames(BLAZEPOSE_33, frames, shares=True)


def _points(frame: Any) -> Any:
    """The points of a frame, taken out of the object around them."""
    if isinstance(frame, dict):
        return next((frame[key] for key in KEYS if key in frame), frame)
    return frame


def _person(points: Any, place: str) -> DetectedPerson:
    rows = []
    for which, point in enumerate(objects(points, place)):
        if not {"x", "y"} <= point.keys():
            raise FormatError(f"{place}, landmark {which} must have x and y")
        score = next((point[key] for key in SCORES if point.get(key) is not None), 1.0)
        rows.append([point["x"], point["y"], score])
    table = parse_numbers(rows, f"{place}: the landmarks")
    if table.shape != (len(BLAZEPOSE_33), 3):
        raise FormatError(f"{place} must have {len(BLAZEPOSE_33)} landmarks with numbers x and y, got {len(rows)}")
    return detected(table[:, :2], table[:, 2], BLAZEPOSE_33)
