"""COCO's list of results, which several tools write: one entry per person, each with its image."""

from collections.abc import Callable
from typing import Any

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.layouts import layout_by_count
from poseglass.keypoints.parsing import frame_number, objects, parse_joints, parse_scores
from poseglass.people.detection import DetectedPerson

__all__ = ["read_results"]


def read_results(
    results: Any,
    layout: Skeleton | None,
    *,
    track: Callable[[dict[str, Any], str], int | None],
    fixed: dict[int, Skeleton] | None = None,
) -> KeypointFrames:
    """Read the people of every image in the list.

    Args:
        results: The parsed list.
        layout: The layout that the user gives, if any.
        track: Returns the tracker's number of a person, given an entry and its place in the file.
        fixed: Layouts that the format prescribes, by number of joints.

    Raises:
        FormatError: An entry is broken, or the layout is missing or wrong.
    """
    frames: dict[int, list[DetectedPerson]] = {}
    images: dict[int, Any] = {}
    skeleton: Skeleton | None = None
    for number, entry in enumerate(objects(results, "the list of results")):
        place = f"entry {number} (image {entry.get('image_id')!r})"
        if missing := sorted({"image_id", "keypoints"} - entry.keys()):
            raise FormatError(f"{place} lacks {' and '.join(missing)}")
        frame = frame_number(entry["image_id"], f"{place}: image_id")
        if images.setdefault(frame, entry["image_id"]) != entry["image_id"]:
            raise FormatError(f"{place}: {images[frame]!r} is frame {frame} too; these are images of several videos")
        joints = parse_joints(entry["keypoints"], f"{place}: keypoints")
        skeleton = layout_by_count(len(joints), skeleton or layout, place, fixed=fixed)
        scores = parse_scores(joints[:, 2] if joints.shape[1] == 3 else None, len(joints), place)
        frames.setdefault(frame, []).append(DetectedPerson(joints[:, :2], scores, track(entry, place)))
    if skeleton is None:
        raise FormatError("no frame shows a person: the list of results is empty")
    return KeypointFrames(skeleton, frames)
