"""MMPose's predictions: frames of instances, with or without a head that names the joints.

``{"meta_info": {"keypoint_id2name": {"0": "nose", ...}}, "instance_info": [{"frame_id": 1, "instances": [
{"keypoints": [[x, y], ...], "keypoint_scores": [...], "bbox": ...}]}]}``, or the list of frames alone.
"""

from typing import Any

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints._layout import by_count, by_names, plain_name
from poseglass.keypoints._people import Detections
from poseglass.keypoints._source import Source, entries, keypoints, scores_of, whole
from poseglass.people.following import DetectedPerson

__all__ = ["matches", "read"]


def matches(source: Source) -> bool:
    """An object with ``instance_info``, or a list of objects with ``instances``."""
    data = source.json
    if isinstance(data, list) and data:
        return isinstance(data[0], dict) and "instances" in data[0]
    return isinstance(data, dict) and "instance_info" in data


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The people of every frame.

    Raises:
        FormatError: The file is broken, or neither it nor the user says which joint is which.
    """
    data = source.json
    names = _names(data.get("meta_info")) if isinstance(data, dict) else []
    place = "instance_info" if isinstance(data, dict) else "the list of frames"
    skeleton = by_names(names, None, "meta_info") if names and layout is None else layout
    order = [names.index(joint) for joint in skeleton.joints] if names and layout is None and skeleton else None
    frames: dict[int, list[DetectedPerson]] = {}
    for number, frame in enumerate(entries(data["instance_info"] if isinstance(data, dict) else data, place)):
        here = f"{place}, item {number}"
        if missing := sorted({"frame_id", "instances"} - frame.keys()):
            raise FormatError(f"{here} lacks {' and '.join(missing)}")
        index = whole(frame["frame_id"], f"{here}: frame_id")
        people = frames.setdefault(index, [])
        for which, instance in enumerate(entries(frame["instances"], f"{here}: instances")):
            spot = f"{here} (frame {index}), instance {which}"
            if "keypoints" not in instance:
                raise FormatError(f"{spot} lacks keypoints")
            joints = keypoints(instance["keypoints"], f"{spot}: keypoints")[:, :2]
            scores = scores_of(instance.get("keypoint_scores"), len(joints), f"{spot}: keypoint_scores")
            if order is not None:
                if len(joints) != len(names):
                    raise FormatError(f"{spot} has {len(joints)} joints, but meta_info names {len(names)}")
                joints, scores = joints[order], scores[order]
            else:
                skeleton = by_count(len(joints), skeleton, spot)
            track = instance.get("track_id")
            people.append(DetectedPerson(joints, scores, None if track is None else whole(track, f"{spot}: track_id")))
    if skeleton is None:
        raise FormatError("nobody is seen in any frame")
    return Detections(skeleton, frames)


def _names(meta: Any) -> list[str]:
    """The joints' names in their order; none where the head does not say."""
    table = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if not isinstance(table, dict):
        return []
    try:
        return [plain_name(str(name)) for _, name in sorted(table.items(), key=lambda item: int(item[0]))]
    except ValueError:
        raise FormatError("meta_info: keypoint_id2name must map joint numbers to names") from None
