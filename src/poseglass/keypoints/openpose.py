"""OpenPose's output: a folder with one ``*_keypoints.json`` per frame.

``{"people": [{"pose_keypoints_2d": [x, y, score, ...], "person_id": [-1]}]}``

According to OpenPose's documentation, 25 joints are those of BODY_25, and 18 those of its COCO model. A frame without
people has an empty list. An undetected joint is 0, 0, 0.
"""

from poseglass.body.skeleton import BODY_25, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile, parse_json
from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.layouts import COCO_18, layout_by_count
from poseglass.keypoints.parsing import frame_number, objects, parse_joints, parse_numbers
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]

END = "_keypoints.json"


def matches(file: KeypointFile) -> bool:
    """Whether this is a folder of ``*_keypoints.json`` files, or one such file."""
    if file.suffix == "/":
        return any(file.path.glob(f"*{END}"))
    return isinstance(file.json, dict) and "people" in file.json


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame's file.

    Raises:
        FormatError: A file is broken, or has neither 25 nor 18 joints.
    """
    paths = sorted(file.path.glob(f"*{END}")) if file.suffix == "/" else [file.path]
    frames: dict[int, list[DetectedPerson]] = {}
    names: dict[int, str] = {}
    skeleton: Skeleton | None = None
    for path in paths:
        frame = frame_number(path.name.removesuffix(END), "the file name") if len(paths) > 1 else 0
        if frame in names:
            raise FormatError(f"{names[frame]} and {path.name} are both frame {frame}: these are several videos")
        names[frame] = path.name
        data = parse_json(path, path.name)
        if not isinstance(data, dict) or "people" not in data:
            raise FormatError(f"{path.name} lacks the list of people")
        frames[frame] = []
        for which, person in enumerate(objects(data["people"], f"{path.name}: people")):
            spot = f"{path.name}, person {which}"
            if "pose_keypoints_2d" not in person:
                raise FormatError(f"{spot} lacks pose_keypoints_2d")
            joints = parse_joints(person["pose_keypoints_2d"], f"{spot}: pose_keypoints_2d")
            skeleton = layout_by_count(len(joints), skeleton or layout, spot, fixed={25: BODY_25, 18: COCO_18})
            if joints.shape[1] != 3:
                raise FormatError(f"{spot}: pose_keypoints_2d must be triples of x, y and score")
            number = parse_numbers(person.get("person_id", [-1]), f"{spot}: person_id").reshape(-1)
            track = int(number[0]) if len(number) and number[0] >= 0 else None
            frames[frame].append(DetectedPerson(joints[:, :2], joints[:, 2], track))
    if skeleton is None:
        raise FormatError("no frame shows a person")
    return KeypointFrames(skeleton, frames)
