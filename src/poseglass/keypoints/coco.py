"""COCO's results format, which MMPose, ViTPose and Detectron2 write: one JSON list of people.

``[{"image_id": 12, "category_id": 1, "keypoints": [x, y, score, ...], "score": s}, ...]``

The format is that of COCO's keypoint task, so 17 joints are COCO's unless another layout is asked for. ``image_id`` is
taken for the frame number.
"""

from typing import Any

from poseglass.body.skeleton import COCO_17, Skeleton
from poseglass.keypoints._people import Detections
from poseglass.keypoints._results import read_results
from poseglass.keypoints._source import Source, whole

__all__ = ["matches", "read"]


def matches(source: Source) -> bool:
    """A list of objects with an image and keypoints (and nothing that AlphaPose adds, which is asked first)."""
    first = source.json[0] if isinstance(source.json, list) and source.json else None
    return isinstance(first, dict) and {"image_id", "keypoints"} <= first.keys()


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The people of every image.

    Raises:
        FormatError: The file is broken, or the joints are not COCO's 17 and no layout was given.
    """
    return read_results(source.json, layout, track=_track, fixed={17: COCO_17})


def _track(entry: dict[str, Any], place: str) -> int | None:
    value = entry.get("track_id")
    return None if value is None else whole(value, f"{place}: track_id")
