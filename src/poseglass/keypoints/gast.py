"""GAST-Net's (and Kinetics-skeleton's) files: numbered frames of people.

``{"data": [{"frame_index": 1, "skeleton": [{"pose": [[x, y], ...], "score": [[s], ...], "bbox": [...]}]}]}``

The joints are not named, so 17 of them need a layout.
"""

import numpy as np

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints._layout import by_count
from poseglass.keypoints._people import Detections
from poseglass.keypoints._source import Source, entries, numbers, scores_of, whole
from poseglass.people.following import DetectedPerson

__all__ = ["matches", "read"]


def matches(source: Source) -> bool:
    """An object whose ``data`` is a list of frames with a ``skeleton``."""
    frames = source.json.get("data") if isinstance(source.json, dict) else None
    return frames == [] or (isinstance(frames, list) and isinstance(frames[0], dict) and "skeleton" in frames[0])


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The people of every frame.

    Raises:
        FormatError: The file is broken, or no layout was given.
    """
    frames: dict[int, list[DetectedPerson]] = {}
    skeleton = layout
    for number, frame in enumerate(entries(source.json["data"], "data")):
        here = f"data, item {number}"
        if missing := sorted({"frame_index", "skeleton"} - frame.keys()):
            raise FormatError(f"{here} lacks {' and '.join(missing)}")
        index = whole(frame["frame_index"], f"{here}: frame_index")
        people = frames.setdefault(index, [])
        for which, person in enumerate(entries(frame["skeleton"], f"{here}: skeleton")):
            spot = f"{here} (frame {index}), skeleton {which}"
            if "pose" not in person:
                raise FormatError(f"{spot} lacks pose")
            values = numbers(person["pose"], f"{spot}: pose").reshape(-1)
            if len(values) % 2:
                raise FormatError(f"{spot}: pose must be pairs of x and y, got {len(values)} numbers")
            joints = np.reshape(values, (-1, 2))
            skeleton = by_count(len(joints), skeleton, spot)
            people.append(DetectedPerson(joints, scores_of(person.get("score"), len(joints), f"{spot}: score")))
    if skeleton is None:
        raise FormatError("nobody is seen in any frame")
    return Detections(skeleton, frames)
