"""AlphaPose's results: one JSON list of people, each with the image it is in.

``[{"image_id": "12.jpg", "keypoints": [x, y, score, ...], "score": s, "box": [x, y, w, h], "idx": n}, ...]``

Tracking may write an object of such people by image, ``{"12.jpg": [{"keypoints": ...}]}``. Images without people have
no entry. The file does not name its joints: 26 and 136 are Halpe's, 133 are COCO-WholeBody's, 17 need a layout. With
tracking, ``idx`` is the person's number, often wrapped in lists; without, it is 0 for everybody.
"""

from typing import Any

from poseglass.body.skeleton import Skeleton
from poseglass.keypoints.file import KeypointFile, is_empty
from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.parsing import objects
from poseglass.keypoints.result_list import read_results

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file lists objects with ``image_id`` and ``keypoints``, with ``box``, ``idx`` or images by name."""
    if _is_by_image(file.object):
        return True
    first = file.first
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
    results = file.items()
    if _is_by_image(file.object):
        results = (
            {"image_id": image, **person} for image, people in file.object.items() for person in objects(people, image)
        )
    return read_results(results, layout, track_key="idx")


def _is_by_image(value: dict[str, Any]) -> bool:
    """Whether an object holds lists of people by image; the first image with people decides."""
    if "annotations" in value:
        return False
    people = next((people for people in value.values() if not is_empty(people)), None)
    return isinstance(people, list) and isinstance(people[0], dict) and "keypoints" in people[0]
