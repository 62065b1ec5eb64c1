"""AlphaPose's results: one JSON list of people, each with the image it is in.

``[{"image_id": "12.jpg", "keypoints": [x, y, score, ...], "score": s, "box": [x, y, w, h], "idx": n}, ...]``

Images without anybody do not appear. The file does not name its joints: 26 are Halpe's, 17 need a layout. With
tracking on, ``idx`` is the person's number (often wrapped in lists).
"""

from typing import Any

from poseglass.body.skeleton import Skeleton
from poseglass.keypoints._people import Detections
from poseglass.keypoints._results import read_results
from poseglass.keypoints._source import Source, whole

__all__ = ["matches", "read"]


def matches(source: Source) -> bool:
    """A list of objects with an image, keypoints, and AlphaPose's own ``box`` or ``idx`` or named images."""
    first = source.json[0] if isinstance(source.json, list) and source.json else None
    return (
        isinstance(first, dict)
        and {"image_id", "keypoints"} <= first.keys()
        and ("idx" in first or "box" in first or isinstance(first["image_id"], str))
    )


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The people of every image.

    Raises:
        FormatError: The file is broken, or has 17 joints and no layout was given.
    """
    return read_results(source.json, layout, track=_track)


def _track(entry: dict[str, Any], place: str) -> int | None:
    """The person's number out of however many lists it is wrapped in."""
    value = entry.get("idx")
    while isinstance(value, list) and value:
        value = value[0]
    return None if value is None or value == [] else whole(value, f"{place}: idx")
