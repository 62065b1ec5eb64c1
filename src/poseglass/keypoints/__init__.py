"""Readers of 2D keypoint files that other tools write. :data:`FORMATS` lists them; each has a file of its own.

=============  ==========================================  ====================================================
format         file                                        layout: which joint is which
=============  ==========================================  ====================================================
poseglass      ``.npz``, ``.json`` of `PoseSequence.save`  in the file
openpose       folder of ``*_keypoints.json``              25 joints: BODY_25, 18: COCO, by the format
alphapose      ``.json``, list of detections               26 joints: Halpe; 17: ``layout`` needed
coco           ``.json``, list of results                  17 joints: COCO, by the format
mmpose         ``.json``, frames of instances              named in ``meta_info``, else ``layout`` needed
gast           ``.json``, frames of skeletons              ``layout`` needed
named          ``.json``, joints by name (TensorFlow.js)   named
nested         ``.json``, bare nested lists                33 joints: BlazePose; else ``layout`` needed
videopose3d    ``.npz`` with pickled ``positions_2d``      named in ``metadata``
array          ``.npy``, ``.npz`` of plain arrays          in the file, else ``layout`` needed
table          ``.csv``                                    named
=============  ==========================================  ====================================================
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError, PoseError
from poseglass.keypoints import (
    alphapose,
    array,
    coco,
    gast,
    mmpose,
    named,
    nested,
    openpose,
    pose_sequence,
    table,
    videopose3d,
)
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames, rows
from poseglass.keypoints.layouts import COCO_18, LAYOUTS, find_layout
from poseglass.keypoints.pixels import clean
from poseglass.people.following import main_person, most_people

__all__ = ["COCO_18", "FORMATS", "LAYOUTS", "Format", "read_keypoints", "read_main_person"]


@dataclass(frozen=True)
class Format:
    """How to recognise and read a format.

    Args:
        matches: Says whether a file has this format, judging by its content.
        read: Reads the people of every frame, given the file and the user's layout, if any.
    """

    matches: Callable[[KeypointFile], bool]
    read: Callable[[KeypointFile, Skeleton | None], KeypointFrames]


# The first format that matches reads the file, so particular formats come before general ones.
FORMATS: dict[str, Format] = {
    "poseglass": Format(pose_sequence.matches, pose_sequence.read),
    "openpose": Format(openpose.matches, openpose.read),
    "alphapose": Format(alphapose.matches, alphapose.read),
    "coco": Format(coco.matches, coco.read),
    "mmpose": Format(mmpose.matches, mmpose.read),
    "gast": Format(gast.matches, gast.read),
    "named": Format(named.matches, named.read),
    "nested": Format(nested.matches, nested.read),
    "videopose3d": Format(videopose3d.matches, videopose3d.read),
    "array": Format(array.matches, array.read),
    "table": Format(table.matches, table.read),
}


def read_keypoints(
    path: str | PathLike[str],
    *,
    layout: str | Skeleton | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
) -> PoseSequence:
    """Read the 2D poses of one person from a keypoint file, one row per frame.

    Row 0 is the first frame that the file names, whatever its number. Every later frame has a row, including those that
    the file skips. A frame without the person is NaN with score 0 and ``valid`` False. If frames show several people,
    the main one is chosen: see :func:`poseglass.people.following.main_person`. Points that are not finite, negative or
    outside the image get score 0. Scores are clipped to 0..1.

    Args:
        path: The file, or OpenPose's folder of files.
        layout: The joints' layout, such as ``"coco17"``, if the file does not say (see :data:`FORMATS`).
        size: Width and height of the image in pixels, if the file does not say. Points are checked against it.
        fps: Frames per second, which replace the file's own times. Default: the file's, else 30.

    Returns:
        Poses in pixels, on the skeleton of the file.

    Raises:
        FormatError: The file is missing, damaged or of an unknown format; it does not name its joints, and `layout` is
            missing or does not fit; its numbers are not pixels, or do not fit an image of this size.

    Example:
        >>> poses = read_keypoints("alphapose-results.json", size=(1920, 1080), fps=25)  # doctest: +SKIP
        >>> poses.to_skeleton().points.shape  # doctest: +SKIP
        (809, 17, 2)
    """
    return read_main_person(path, layout=layout, size=size, fps=fps)[0]


def read_main_person(
    path: str | PathLike[str],
    *,
    layout: str | Skeleton | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
) -> tuple[PoseSequence, int]:
    """As :func:`read_keypoints`, but also return the largest number of people in one frame of the file.

    Example:
        >>> poses, people = read_main_person("alphapose-results.json")  # doctest: +SKIP
    """
    path = Path(path)
    if not path.exists():
        raise FormatError(f"there is no file {path}")
    try:
        return _read(KeypointFile(path), find_layout(layout), size, fps)
    except (FormatError, PoseError) as problem:
        raise FormatError(f"{path}: {problem}") from None


def _read(
    file: KeypointFile, layout: Skeleton | None, size: tuple[int, int] | None, fps: float | None
) -> tuple[PoseSequence, int]:
    people = _read_people(file, layout)
    size = size or people.size
    if size is not None and min(size) < 1:
        raise FormatError(f"size must be (width, height) in pixels, got {size}")
    person = main_person(people.frames)
    if not person:
        raise FormatError("no frame shows a person")
    points, scores, valid = rows(person, min(people.frames), max(people.frames), len(people.skeleton))
    points, scores = clean(points, scores, size)
    poses = PoseSequence(points, people.skeleton, "pixels", fps=fps, scores=scores, valid=valid, size=size)
    if fps is None:
        poses = replace(poses, fps=people.fps, timestamps=people.timestamps, start=people.start)
    return poses, most_people(people.frames)


def _read_people(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    for candidate in FORMATS.values():
        if candidate.matches(file):
            return candidate.read(file, layout)
    if isinstance(file.json, list) and not any(file.json):
        raise FormatError("no frame shows a person")
    if file.suffix == "/":
        raise FormatError("not a keypoint file: expected a folder of OpenPose's *_keypoints.json files, got none")
    raise FormatError(
        f"not a keypoint file: expected one of the formats {', '.join(FORMATS)} "
        "(JSON files end in .json, OpenPose's are a folder of *_keypoints.json)"
    )
