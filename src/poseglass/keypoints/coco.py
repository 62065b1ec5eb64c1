"""COCO's results format, which MMPose, ViTPose and Detectron2 write: one JSON list of people.

``[{"image_id": 12, "category_id": 1, "keypoints": [x, y, score, ...], "score": s}, ...]``

The format belongs to COCO's keypoint task, so 17 joints are COCO's unless another layout is given. ``image_id`` is read
as the frame number.
"""

from poseglass.body.skeleton import COCO_17, Skeleton
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.result_list import read_results

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file lists objects with ``image_id`` and ``keypoints``. AlphaPose, tried first, has these too."""
    return isinstance(file.first, dict) and {"image_id", "keypoints"} <= file.first.keys()


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every image.

    Raises:
        FormatError: The file is broken, or does not have COCO's 17 joints and no layout was given.
    """
    return read_results(file.items(), layout, track_key="track_id", fixed={17: COCO_17})
