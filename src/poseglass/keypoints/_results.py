"""The list of results that COCO's evaluation made common: one entry a person, each with its image."""

from collections.abc import Callable
from typing import Any

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints._layout import by_count
from poseglass.keypoints._people import Detections
from poseglass.keypoints._source import entries, frame_number, keypoints, scores_of
from poseglass.people.following import DetectedPerson

__all__ = ["read_results"]


def read_results(
    results: Any,
    layout: Skeleton | None,
    *,
    track: Callable[[dict[str, Any], str], int | None],
    fixed: dict[int, Skeleton] | None = None,
) -> Detections:
    """The people of every image that the results name.

    Args:
        results: The parsed list.
        layout: The layout asked for.
        track: The number of the person of an entry.
        fixed: What the format says of its joints.

    Raises:
        FormatError: An entry is broken, or the layout is missing or wrong.
    """
    frames: dict[int, list[DetectedPerson]] = {}
    images: dict[int, Any] = {}
    skeleton: Skeleton | None = None
    for number, entry in enumerate(entries(results, "the list of results")):
        place = f"entry {number} (image {entry.get('image_id')!r})"
        if missing := sorted({"image_id", "keypoints"} - entry.keys()):
            raise FormatError(f"{place} lacks {' and '.join(missing)}")
        frame = frame_number(entry["image_id"], f"{place}: image_id")
        if images.setdefault(frame, entry["image_id"]) != entry["image_id"]:
            raise FormatError(f"{place}: {images[frame]!r} is frame {frame} too; these are images of several videos")
        joints = keypoints(entry["keypoints"], f"{place}: keypoints")
        skeleton = by_count(len(joints), skeleton or layout, place, fixed=fixed)
        scores = scores_of(joints[:, 2] if joints.shape[1] == 3 else None, len(joints), place)
        frames.setdefault(frame, []).append(DetectedPerson(joints[:, :2], scores, track(entry, place)))
    if skeleton is None:
        raise FormatError("the list of results is empty: nobody was detected")
    return Detections(skeleton, frames)
