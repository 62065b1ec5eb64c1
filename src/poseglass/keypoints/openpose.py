"""OpenPose's output: a folder with one JSON file per frame, and what other tools write in the same form.

``{"people": [{"pose_keypoints_2d": [x, y, score, ...], "person_id": [-1]}]}``

According to OpenPose's documentation, 25 joints are those of BODY_25, and 18 those of its COCO model. Versions 1.0 and
1.1 write ``pose_keypoints``. A frame without people has an empty list. An undetected joint is 0, 0, 0; a person of whom
only hands or the face were found has no joints.

All frames may be in one file: a list of such objects, as DWPose's nodes write with ``canvas_width`` and
``canvas_height``, or an object of them by image name, as AlphaPose writes with ``--format open``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from poseglass.body.skeleton import BODY_25, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile, is_empty
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.json_text import parse_json
from poseglass.keypoints.layouts import COCO_18, layout_by_count
from poseglass.keypoints.parsing import (
    frame_number,
    objects,
    parse_joints,
    parse_numbers,
    person_number,
    shortened,
    whole_number,
)
from poseglass.keypoints.pixels import hold_shares
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]

END = "_keypoints.json"
KEYS = ("pose_keypoints_2d", "pose_keypoints")


def matches(file: KeypointFile) -> bool:
    """Whether this is a folder of such files, or one file of one or several frames."""
    if file.suffix == "/":
        return bool(_paths(file.path))
    return _is_frame(file.object) or _is_frame(next(iter(file.object.values()), None)) or _is_frame(file.first)


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: A file is broken, or has neither 25 nor 18 joints.
    """
    frames: dict[int, list[DetectedPerson]] = {}
    names: dict[int, str] = {}
    skeleton: Skeleton | None = None
    size: tuple[int, int] | None = None
    entries = 0
    for name, frame, data in _frames(file):
        if frame in names:
            raise FormatError(f"{names[frame]} and {name} are both frame {frame}: these are several videos")
        names[frame] = name
        if not isinstance(data, dict) or "people" not in data:
            raise FormatError(f"{name} lacks the list of people")
        size = size or _size(data, name)
        frames[frame] = []
        for which, person in enumerate(_people(data["people"], f"{name}: people")):
            spot, entries = f"{name}, person {which}", entries + 1
            key = next((key for key in KEYS if not is_empty(person.get(key))), None)
            if key is None:
                continue
            joints = parse_joints(person[key], f"{spot}: {key}")
            skeleton = layout_by_count(len(joints), skeleton or layout, spot, fixed={25: BODY_25, 18: COCO_18})
            if joints.shape[1] != 3:
                raise FormatError(f"{spot}: {key} must be triples of x, y and score")
            frames[frame].append(detected(joints[:, :2], joints[:, 2], skeleton, _track(person, spot)))
    if skeleton is None:
        fault = f": none of {entries} people has {KEYS[0]}" if entries else ""
        raise FormatError(f"no frame shows a person{fault}")
    # The first DWPose nodes wrote shares of the canvas.
    return KeypointFrames(skeleton, frames, size=size, shares=size is not None and hold_shares(frames))


def _is_frame(value: Any) -> bool:
    return isinstance(value, dict) and "people" in value


def _paths(folder: Path) -> list[Path]:
    """OpenPose's files in a folder. If no name ends as OpenPose's do, all JSON files, if the first is one of its."""
    if paths := sorted(folder.glob(f"*{END}")):
        return paths
    paths = sorted(folder.glob("*.json"))
    try:
        return paths if paths and _is_frame(parse_json(paths[0], paths[0].name)) else []
    except FormatError:
        return []


def _frames(file: KeypointFile) -> Iterator[tuple[str, int, Any]]:
    """The name, number and content of every frame."""
    if file.suffix == "/":
        paths = _paths(file.path)
        for path in paths:
            stem = path.name.removesuffix(END).removesuffix(".json")
            frame = frame_number(f"{stem}.json", "the file name") if len(paths) > 1 else 0
            yield path.name, frame, parse_json(path, path.name)
    elif file.listed:
        for number, frame in enumerate(file.items()):
            yield f"frame {number}", number, {"people": []} if is_empty(frame) else frame
    elif _is_frame(file.object):
        yield file.path.name, 0, file.object
    else:
        for name, frame in file.object.items():
            yield shortened(name), frame_number(name, "the image's name"), frame


def _people(value: Any, place: str) -> Iterable[dict[str, Any]]:
    return () if is_empty(value) else objects(value, place)


def _track(person: dict[str, Any], spot: str) -> int | None:
    value = person.get("person_id", person.get("idx"))
    if value is None or is_empty(value):
        return None
    number = parse_numbers(value, f"{spot}: person_id").reshape(-1)
    if not number.size or not np.isfinite(number[0]):
        return None
    return person_number(float(number[0]), f"{spot}: person_id")


def _size(frame: dict[str, Any], name: str) -> tuple[int, int] | None:
    if "canvas_width" not in frame or "canvas_height" not in frame:
        return None
    width, height = (whole_number(frame[f"canvas_{side}"], f"{name}: canvas_{side}") for side in ("width", "height"))
    return width, height
