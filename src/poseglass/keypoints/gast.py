"""Files of GAST-Net and Kinetics-skeleton: numbered frames of people.

``{"data": [{"frame_index": 1, "skeleton": [{"pose": [[x, y], ...], "score": [[s], ...], "bbox": [...]}]}]}``

The joints have no names, so 17 of them need a layout.
"""

import numpy as np

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_count
from poseglass.keypoints.parsing import numbered_frames, parse_numbers, scores_in
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is an object whose ``data`` is a list of frames with a ``skeleton``."""
    frames = file.object.get("data")
    return isinstance(frames, list) and (not frames or (isinstance(frames[0], dict) and "skeleton" in frames[0]))


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: The file is broken, or no layout was given.
    """
    frames: dict[int, list[DetectedPerson]] = {}
    skeleton = layout
    for index, crowd in numbered_frames(
        file.object["data"], "data", number="frame_index", people="skeleton", joints="pose"
    ):
        people = frames.setdefault(index, [])
        for spot, person in crowd:
            values = parse_numbers(person["pose"], f"{spot}: pose").reshape(-1)
            if len(values) % 2:
                raise FormatError(f"{spot}: pose must be pairs of x and y, got {len(values)} numbers")
            joints = np.reshape(values, (-1, 2))  # j 2
            skeleton = layout_by_count(len(joints), skeleton, spot)
            scores = scores_in(person, len(joints), spot)
            people.append(detected(joints, scores, skeleton))
    if skeleton is None:
        raise FormatError("no frame shows a person")
    return KeypointFrames(skeleton, frames)
