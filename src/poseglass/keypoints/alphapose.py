"""AlphaPose's results: one JSON list of people, each with the image it is in.

``[{"image_id": "12.jpg", "keypoints": [x, y, score, ...], "score": s, "box": [x, y, w, h], "idx": n}, ...]``

Images without people have no entry. The file does not name its joints: 26 are Halpe's, 17 need a layout. With tracking,
``idx`` is the person's number, often wrapped in lists.
"""

from typing import Any

from poseglass.body.skeleton import Skeleton
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.parsing import whole_number
from poseglass.keypoints.result_list import read_results

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file lists objects with ``image_id`` and ``keypoints``, with ``box``, ``idx`` or images by name."""
    first = file.json[0] if isinstance(file.json, list) and file.json else None
    return (
        isinstance(first, dict)
        and {"image_id", "keypoints"} <= first.keys()
        and ("idx" in first or "box" in first or isinstance(first["image_id"], str))
    )


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every image.

    Raises:
        FormatError: The file is broken, or has 17 joints and no layout was given.
    """
    return read_results(file.json, layout, track=_track)


def _track(entry: dict[str, Any], place: str) -> int | None:
    """The person's number, taken out of any lists around it."""
    value = entry.get("idx")
    while isinstance(value, list) and value:
        value = value[0]
    return None if value is None or value == [] else whole_number(value, f"{place}: idx")
