"""Joints by name, as the detectors of TensorFlow.js (MoveNet, BlazePose) give them: a JSON list of frames.

A frame is ``{"nose": {"x": 287.8, "y": 203.8, "score": 0.9}, ...}``, or
``{"keypoints": [{"name": "nose", "x": ..., "y": ..., "score": ...}, ...]}``, or a list of the latter, one per person.
An empty frame shows nobody.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile, is_empty
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_names
from poseglass.keypoints.names import SCORES, plain_name
from poseglass.keypoints.parsing import objects, parse_numbers, shortened
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


class NamedJoints(NamedTuple):
    """One person's joints in the order of the file: names, and rows of x, y and score."""

    names: tuple[str, ...]
    table: Float[ndarray, "j 3"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is a list, and its first frame with content holds points with ``x`` and ``y``."""
    frame = file.first
    person = frame[0] if isinstance(frame, list) else frame
    if not isinstance(person, dict):
        return False
    if isinstance(points := person.get("keypoints"), list):
        return bool(points) and isinstance(points[0], dict) and "name" in points[0]
    point = next(iter(person.values()), None)
    return isinstance(point, dict) and {"x", "y"} <= point.keys()


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame, with their joints ordered by name.

    Raises:
        FormatError: The file is broken, or its names do not cover the given layout or any known one.
    """
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # most frames have the same names: one copy is kept
    crowds = [
        [
            joints._replace(names=shared.setdefault(joints.names, joints.names))
            for joints in _people(frame, f"frame {n}")
        ]
        for n, frame in enumerate(file.items())
    ]
    names = {name for listed in shared for name in listed}
    skeleton = layout_by_names(names, layout, "the frames")
    order = {listed: [listed.index(joint) if joint in listed else -1 for joint in skeleton.joints] for listed in shared}
    unknown = np.array([[np.nan, np.nan, 0.0]])
    frames: dict[int, list[DetectedPerson]] = {}
    for number, crowd in enumerate(crowds):
        tables = [np.concatenate([joints.table, unknown])[order[joints.names]] for joints in crowd]  # j 3
        frames[number] = [detected(table[:, :2], table[:, 2], skeleton) for table in tables]
    return KeypointFrames(skeleton, frames)


def _people(frame: Any, place: str) -> list[NamedJoints]:
    if isinstance(frame, list):
        return [_joints(person, f"{place}, person {which}") for which, person in enumerate(objects(frame, place))]
    return [] if is_empty(frame) else [_joints(frame, place)]


def _joints(person: Any, place: str) -> NamedJoints:
    """One person's joints by name."""
    if not isinstance(person, dict):
        raise FormatError(f"{place} must be an object of joints, got {shortened(person)}")
    if isinstance(points := person.get("keypoints"), list):
        named = [(point.get("name"), point) for point in objects(points, f"{place}: keypoints")]
    else:
        named = list(person.items())
    names, rows = [], []
    for name, point in named:
        if not isinstance(name, str) or not isinstance(point, dict) or not {"x", "y"} <= point.keys():
            raise FormatError(f"{place}: joint {shortened(name)} must have a name, x and y, got {shortened(point)}")
        score = next((point[key] for key in SCORES if point.get(key) is not None), 1.0)
        names.append(plain_name(name))
        rows.append([point["x"], point["y"], score])
    table = parse_numbers(rows, f"{place}: the joints") if rows else np.zeros((0, 3))
    if table.shape != (len(rows), 3):
        raise FormatError(f"{place}: every joint must have numbers x and y, got {shortened(rows[0])}")
    return NamedJoints(tuple(names), table)
