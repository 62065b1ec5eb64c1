"""Ultralytics' results as JSON (``Results.to_json``): a list of frames, each a list of detections.

``[[{"name": "person", "confidence": 0.9, "box": {"x1": ...}, "track_id": 1, "keypoints": {"x": [...], "y": [...],
"visible": [...]}}, ...], ...]``

A frame may also be the text that ``to_json`` returns. A file of one such list is one frame. 17 joints are COCO's. A
joint that was not found is at (0, 0). Coordinates that were written with ``normalize=True`` are shares of the image and
need its size.
"""

import json
from typing import Any

import numpy as np

from poseglass.body.skeleton import COCO_17, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile, is_empty
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_count
from poseglass.keypoints.parsing import objects, parse_numbers, person_number, scores_in
from poseglass.keypoints.pixels import hold_shares
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the first detection has keypoints with lists ``x`` and ``y``."""
    try:
        frame = _parsed(file.first)
    except FormatError:
        return False
    return any(_is_detection(item) for item in (frame if isinstance(frame, list) else [frame]))


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: The file is broken, or has not 17 joints and no layout was given.
    """
    one_frame = _is_detection(file.first)
    skeleton: Skeleton | None = None
    frames: dict[int, list[DetectedPerson]] = {}
    for number, frame in enumerate([list(file.items())] if one_frame else file.items()):
        people = frames.setdefault(number, [])
        content = _parsed(frame)
        for which, detection in enumerate([] if is_empty(content) else objects(content, f"frame {number}")):
            spot = f"frame {number}, detection {which}"
            keypoints = detection.get("keypoints")
            if is_empty(keypoints):
                continue
            if not isinstance(keypoints, dict) or not {"x", "y"} <= keypoints.keys():
                raise FormatError(f"{spot}: keypoints must have x and y")
            x, y = (parse_numbers(keypoints[axis], f"{spot}: {axis}").reshape(-1) for axis in "xy")
            if len(x) != len(y):
                raise FormatError(f"{spot}: x and y must have the same length, got {len(x)} and {len(y)}")
            if not len(x):
                continue
            skeleton = layout_by_count(len(x), skeleton or layout, spot, fixed={17: COCO_17})
            scores = scores_in(keypoints, len(x), spot)
            track = person_number(detection.get("track_id"), f"{spot}: track_id")
            people.append(detected(np.stack([x, y], -1), scores, skeleton, track))
    if skeleton is None:
        raise FormatError("no frame shows a person with keypoints; use a model whose name ends in -pose")
    return KeypointFrames(skeleton, frames, shares=hold_shares(frames), zeros=True)


def _is_detection(value: Any) -> bool:
    keypoints = value.get("keypoints") if isinstance(value, dict) else None
    return isinstance(keypoints, dict) and {"x", "y"} <= keypoints.keys()


def _parsed(frame: Any) -> Any:
    """A frame, parsed if it is JSON text."""
    if not isinstance(frame, str):
        return frame
    try:
        return json.loads(frame)
    except (ValueError, RecursionError):
        raise FormatError("a frame is a text, but not JSON") from None
