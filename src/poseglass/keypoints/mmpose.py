"""MMPose's predictions: frames of instances, with or without a header that names the joints.

``{"meta_info": {"keypoint_id2name": {"0": "nose", ...}}, "instance_info": [{"frame_id": 1, "instances": [
{"keypoints": [[x, y], ...], "keypoint_scores": [...], "bbox": ...}]}]}``, or the list of frames alone. A
list of instances is a single image.
"""

from typing import Any

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile, keys_of
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_count, layout_by_names
from poseglass.keypoints.names import plain_name
from poseglass.keypoints.parsing import numbered_frames, parse_joints, person_number, scores_in
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is an object with ``instance_info``, or a list of frames with ``instances`` or of instances."""
    return "instance_info" in file.object or "instances" in keys_of(file.first) or _is_instance(file.first)


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame. `layout` takes precedence over the names in the header.

    Raises:
        FormatError: The file is broken, or neither the header nor `layout` says which joint is which.
    """
    names = _names(file.object.get("meta_info"))
    place = "the list of frames" if file.listed else "instance_info"
    skeleton = layout_by_names(names, None, "meta_info") if names and layout is None else layout
    order = [names.index(joint) for joint in skeleton.joints] if names and layout is None and skeleton else None
    frames: dict[int, list[DetectedPerson]] = {}
    content: Any = file.items() if file.listed else file.object["instance_info"]
    if _is_instance(file.first):
        content = [{"frame_id": 0, "instances": list(file.items())}]
    for index, crowd in numbered_frames(content, place, number="frame_id", people="instances", joints="keypoints"):
        people = frames.setdefault(index, [])
        for spot, instance in crowd:
            joints = parse_joints(instance["keypoints"], f"{spot}: keypoints")[:, :2]
            scores = scores_in(instance, len(joints), spot)
            if order is not None:
                if len(joints) != len(names):
                    raise FormatError(f"{spot} has {len(joints)} joints, but meta_info names {len(names)}")
                joints, scores = joints[order], scores[order]
            else:
                skeleton = layout_by_count(len(joints), skeleton, spot)
            assert skeleton is not None
            track = person_number(instance.get("track_id"), f"{spot}: track_id")
            people.append(detected(joints, scores, skeleton, track))
    if skeleton is None:
        raise FormatError("no frame shows a person")
    return KeypointFrames(skeleton, frames)


def _is_instance(value: Any) -> bool:
    return {"keypoints", "keypoint_scores"} <= keys_of(value)


def _names(header: Any) -> list[str]:
    """The joint names in their order; empty if the header has none."""
    table = header.get("keypoint_id2name") if isinstance(header, dict) else None
    if not isinstance(table, dict):
        return []
    try:
        return [plain_name(str(name)) for _, name in sorted(table.items(), key=lambda item: int(item[0]))]
    except ValueError:
        raise FormatError("meta_info: keypoint_id2name must map joint numbers to names") from None
