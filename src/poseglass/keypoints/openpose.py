"""OpenPose's output: a folder with one ``*_keypoints.json`` a frame.

``{"people": [{"pose_keypoints_2d": [x, y, score, ...], "person_id": [-1]}]}``; 25 joints are BODY_25, 18 are OpenPose's
COCO model, as OpenPose's documentation says. A frame without people is a file with an empty list. A joint that was not
found is 0, 0, 0.
"""

from poseglass.body.skeleton import BODY_25, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints._layout import COCO_18, by_count
from poseglass.keypoints._people import Detections
from poseglass.keypoints._source import Source, entries, frame_number, keypoints, numbers, parse_json
from poseglass.people.following import DetectedPerson

__all__ = ["matches", "read"]

END = "_keypoints.json"


def matches(source: Source) -> bool:
    """A folder with such files in it, or a single one."""
    if source.suffix == "/":
        return any(source.path.glob(f"*{END}"))
    return isinstance(source.json, dict) and "people" in source.json


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The people of every frame's file.

    Raises:
        FormatError: A file is broken, or its joints are neither 25 nor 18.
    """
    files = sorted(source.path.glob(f"*{END}")) if source.suffix == "/" else [source.path]
    frames: dict[int, list[DetectedPerson]] = {}
    names: dict[int, str] = {}
    skeleton: Skeleton | None = None
    for file in files:
        frame = frame_number(file.name.removesuffix(END), "the file name") if len(files) > 1 else 0
        if frame in names:
            raise FormatError(f"{names[frame]} and {file.name} are both frame {frame}: these are several videos")
        names[frame] = file.name
        data = parse_json(file, file.name)
        if not isinstance(data, dict) or "people" not in data:
            raise FormatError(f"{file.name} lacks the list of people")
        frames[frame] = []
        for which, person in enumerate(entries(data["people"], f"{file.name}: people")):
            spot = f"{file.name}, person {which}"
            if "pose_keypoints_2d" not in person:
                raise FormatError(f"{spot} lacks pose_keypoints_2d")
            joints = keypoints(person["pose_keypoints_2d"], f"{spot}: pose_keypoints_2d")
            skeleton = by_count(len(joints), skeleton or layout, spot, fixed={25: BODY_25, 18: COCO_18})
            if joints.shape[1] != 3:
                raise FormatError(f"{spot}: pose_keypoints_2d must be triples of x, y and score")
            number = numbers(person.get("person_id", [-1]), f"{spot}: person_id").reshape(-1)
            track = int(number[0]) if len(number) and number[0] >= 0 else None
            frames[frame].append(DetectedPerson(joints[:, :2], joints[:, 2], track))
    if skeleton is None:
        raise FormatError("nobody is seen in any frame")
    return Detections(skeleton, frames)
