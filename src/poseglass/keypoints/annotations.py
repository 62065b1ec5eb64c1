"""COCO's annotations, which labelling tools export: one JSON object of images, people and the names of the joints.

``{"images": [{"id": 1, "file_name": "walk_0001.jpg", "width": w, "height": h}], "categories": [{"id": 1, "keypoints":
["nose", ...]}], "annotations": [{"image_id": 1, "category_id": 1, "keypoints": [x, y, v, ...]}]}``

The third number of a joint is 0 if it is not labelled, 1 if it is hidden and 2 if it is visible. The number of a frame
is the one in the image's name. If names lack numbers or share them, it is the image's place in the list.
"""

import re
from typing import Any

import numpy as np

from poseglass.body.skeleton import COCO_17, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile, is_empty
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_count, layout_by_names
from poseglass.keypoints.names import plain_name
from poseglass.keypoints.parsing import frame_number, objects, parse_joints, person_number, shortened, whole_number
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]

HASH = re.compile(r"\.rf\.[0-9a-zA-Z]+")
"""What Roboflow adds to the names of images; its digits number nothing."""


def matches(file: KeypointFile) -> bool:
    """Whether the file is an object with ``images`` and ``annotations``."""
    return {"images", "annotations"} <= file.object.keys()


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every image. `layout` takes precedence over the names in ``categories``.

    Raises:
        FormatError: The file is broken, or has no keypoints of a known layout.
    """
    images = list(objects(file.object["images"], "images"))
    numbers, notes = _frames(images)
    names = _names(file.object.get("categories")) if layout is None else []
    skeleton = layout_by_names(names, None, "categories") if names else layout
    order = [names.index(joint) for joint in skeleton.joints] if names and skeleton else None
    frames: dict[int, list[DetectedPerson]] = {frame: [] for frame in numbers.values()}
    for number, entry in enumerate(objects(file.object["annotations"], "annotations")):
        place = f"annotation {number}"
        if is_empty(entry.get("keypoints")):
            continue
        if (image := whole_number(entry.get("image_id"), f"{place}: image_id")) not in numbers:
            raise FormatError(f"{place} is of image {image}, which is not one of the images")
        joints = parse_joints(entry["keypoints"], f"{place}: keypoints")
        if order is not None and len(joints) == len(names):
            joints = joints[order]
        elif order is not None:
            raise FormatError(f"{place} has {len(joints)} joints, but categories name {len(names)}")
        else:
            skeleton = layout_by_count(len(joints), skeleton, place, fixed={17: COCO_17})
        assert skeleton is not None
        scores = joints[:, 2].clip(0, 1) if joints.shape[1] == 3 else np.ones(len(joints))
        track = person_number(entry.get("track_id"), f"{place}: track_id")
        frames[numbers[image]].append(detected(joints[:, :2], scores, skeleton, track))
    if skeleton is None or not any(frames.values()):
        raise FormatError("the annotations have no keypoints: they are boxes or outlines")
    return KeypointFrames(skeleton, frames, size=_size(images), notes=notes)


def _frames(images: list[dict[str, Any]]) -> tuple[dict[int, int], tuple[str, ...]]:
    """The frame number of each image by its id, and what was assumed."""
    ids = [whole_number(image.get("id"), f"images, item {number}: id") for number, image in enumerate(images)]
    try:
        names = [image.get("file_name") for image in images]
        numbers = [frame_number(HASH.sub("", name) if isinstance(name, str) else name, "name") for name in names]
    except FormatError:
        numbers = []
    notes: tuple[str, ...] = ()
    if len(set(numbers)) < len(ids):
        numbers = [*range(len(ids))]
        notes = (
            ()
            if len(ids) == 1
            else ("the names of the images do not number the frames; their order in the file is assumed",)
        )
    return dict(zip(ids, numbers, strict=True)), notes


def _names(categories: Any) -> list[str]:
    """The joint names of the first category that has some; empty if none has."""
    for category in objects(categories, "categories") if categories is not None else []:
        names = category.get("keypoints")
        if isinstance(names, list) and names:
            if not all(isinstance(name, str) for name in names):
                raise FormatError(f"categories: keypoints must be names, got {shortened(names)}")
            return [plain_name(name) for name in names]
    return []


def _size(images: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Width and height, if they are known and the same for all images."""
    sizes = {
        (whole_number(image["width"], "images: width"), whole_number(image.get("height"), "images: height"))
        for image in images
        if not is_empty(image.get("width"))
    }
    return sizes.pop() if len(sizes) == 1 else None
