"""Detections that VideoPose3D's script writes with Detectron or Detectron2: an ``.npz`` of pickled boxes and keypoints.

``boxes`` and ``keypoints`` hold a frame each: a list of classes, of which the second is people. Its keypoints are
(people, 4, 17): x, y, and the height and the probability of the peak in the heat map; its boxes are (people, 5): the
corners and the score. ``metadata`` is ``{"w": width, "h": height}``. The joints are COCO's.

The heights of peaks are no confidences (a blurred peak is low), so every joint has the score of its box.
"""

from typing import Any

import numpy as np
from numpy import ndarray

from poseglass.body.skeleton import COCO_17, Skeleton
from poseglass.errors import FormatError
from poseglass.files.pickled import read_objects
from poseglass.keypoints.file import KeypointFile, is_empty, is_sequence
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_count
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is an ``.npz`` that holds ``boxes`` and ``keypoints`` and ``metadata`` or ``segments``."""
    return {"boxes", "keypoints"} <= set(file.members) and bool({"metadata", "segments"} & set(file.members))


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: The file is broken, or its pickle needs more than arrays.
    """
    boxes, keypoints = read_objects(file.path, "boxes"), read_objects(file.path, "keypoints")
    metadata = read_objects(file.path, "metadata") if "metadata" in file.members else {}
    if not is_sequence(boxes) or not is_sequence(keypoints) or len(boxes) != len(keypoints):
        raise FormatError("boxes and keypoints must be lists with an entry for each frame")
    skeleton = layout or COCO_17
    frames: dict[int, list[DetectedPerson]] = {}
    for frame, (corners, joints) in enumerate(zip(boxes, keypoints, strict=True)):
        people, scores = _of_people(joints, f"frame {frame}: keypoints"), _of_people(corners, f"frame {frame}: boxes")
        frames[frame] = []
        if not len(people):
            continue
        if people.ndim != 3 or people.shape[1] not in (3, 4):
            raise FormatError(f"frame {frame}: keypoints must have shape (people, 4, joints), got {people.shape}")
        if scores.shape != (len(people), 5):
            raise FormatError(f"frame {frame}: boxes must have shape ({len(people)}, 5), got {scores.shape}")
        skeleton = layout_by_count(people.shape[2], layout, f"frame {frame}", fixed={17: COCO_17})
        for person, box in zip(people, scores, strict=True):
            confidence = np.full(people.shape[2], np.clip(box[4], 0, 1))
            frames[frame].append(detected(person[:2].T, confidence, skeleton))
    return KeypointFrames(skeleton, frames, size=_size(metadata))


def _of_people(classes: Any, place: str) -> ndarray:
    """The array of the class of people: the second of the classes; empty if there is none."""
    people = classes[1] if is_sequence(classes) and len(classes) > 1 else []
    if is_empty(people):
        return np.zeros(0)
    try:
        return np.asarray(people, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{place} must be an array of numbers") from None


def _size(metadata: Any) -> tuple[int, int] | None:
    if not isinstance(metadata, dict) or not {"w", "h"} <= metadata.keys():
        return None
    try:
        return int(metadata["w"]), int(metadata["h"])
    except (TypeError, ValueError, OverflowError):
        raise FormatError("metadata: w and h must be the width and height of the image") from None
