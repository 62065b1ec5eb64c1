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
from poseglass.keypoints.frames import KeypointFrames, rows, span
from poseglass.keypoints.layouts import COCO_18, LAYOUTS, find_layout
from poseglass.keypoints.pixels import clean
from poseglass.people.tracks import tracked

__all__ = ["COCO_18", "FORMATS", "LAYOUTS", "Format", "read_keypoints", "read_people"]


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
    the file skips. A frame without the person is NaN with score 0 and ``valid`` False. If the file shows several
    people, this is the most prominent one; :func:`read_people` reads all. Points that are not finite, negative or
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
    return read_people(path, layout=layout, size=size, fps=fps)[0]


def read_people(
    path: str | PathLike[str],
    *,
    layout: str | Skeleton | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
) -> list[PoseSequence]:
    """Read everybody in a keypoint file, the most prominent first: as :func:`read_keypoints`, on one clock.

    If there are several, `person` numbers them from 1. They are told apart by the file's own numbers, if it has any,
    and linked from frame to frame by their joints (:func:`poseglass.people.tracks.tracked`).

    Example:
        >>> first, second = read_people("alphapose-results.json")  # doctest: +SKIP
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
) -> list[PoseSequence]:
    content = _read_frames(file, layout)
    size = size or content.size
    if size is not None and min(size) < 1:
        raise FormatError(f"size must be (width, height) in pixels, got {size}")
    if not any(content.frames.values()):
        raise FormatError("no frame shows a person")
    first, last = span(content.frames)
    people = []
    for person in tracked(content.frames, fps=fps or content.fps or 30.0, size=size) or [{}]:
        points, scores, valid = rows(person, first, last, len(content.skeleton))
        points, scores = clean(points, scores, size)
        poses = PoseSequence(points, content.skeleton, "pixels", fps=fps, scores=scores, valid=valid, size=size)
        if fps is None:
            poses = replace(poses, fps=content.fps, timestamps=content.timestamps, start=content.start)
        people.append(poses)
    return [replace(poses, person=number) for number, poses in enumerate(people, 1)] if len(people) > 1 else people


def _read_frames(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
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
