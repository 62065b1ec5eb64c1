"""COCO's list of results, which several tools write: one entry per person, each with its image."""

from typing import Any

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import is_empty
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_count
from poseglass.keypoints.parsing import (
    frame_number,
    objects,
    parse_joints,
    parse_scores,
    person_number,
    shortened,
)
from poseglass.people.detection import DetectedPerson

__all__ = ["read_results"]


def read_results(
    results: Any,
    layout: Skeleton | None,
    *,
    track_key: str,
    fixed: dict[int, Skeleton] | None = None,
) -> KeypointFrames:
    """Read the people of every image in the list.

    Args:
        results: The parsed list.
        layout: The layout that the user gives, if any.
        track_key: The key of the tracker's number of a person.
        fixed: Layouts that the format prescribes, by number of joints.

    Raises:
        FormatError: An entry is broken, or the layout is missing or wrong.
    """
    frames: dict[int, list[DetectedPerson]] = {}
    images: dict[int, Any] = {}
    skeleton: Skeleton | None = None
    for number, entry in enumerate(objects(results, "the list of results")):
        place = f"entry {number} (image {shortened(entry.get('image_id'))})"
        if missing := sorted({"image_id", "keypoints"} - entry.keys()):
            raise FormatError(f"{place} lacks {' and '.join(missing)}")
        frame = frame_number(entry["image_id"], f"{place}: image_id")
        if images.setdefault(frame, entry["image_id"]) != entry["image_id"]:
            raise FormatError(
                f"{place}: {shortened(images[frame])} is frame {frame} too; these are images of several videos"
            )
        people = frames.setdefault(frame, [])
        if is_empty(entry["keypoints"]):
            continue
        joints = parse_joints(entry["keypoints"], f"{place}: keypoints")
        skeleton = layout_by_count(len(joints), skeleton or layout, place, fixed=fixed)
        scores = parse_scores(joints[:, 2] if joints.shape[1] == 3 else None, len(joints), place)
        track = person_number(entry.get(track_key), f"{place}: {track_key}")
        people.append(detected(joints[:, :2], scores, skeleton, track))
    if skeleton is None:
        raise FormatError("no frame shows a person: the list of results has no keypoints")
    return KeypointFrames(skeleton, frames)
