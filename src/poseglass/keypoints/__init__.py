"""Readers of other tools' 2D keypoints. :data:`FORMATS` is the list of them; each has a file of its own.

=============  ==========================================  ====================================================
format         file                                        which joint is which
=============  ==========================================  ====================================================
poseglass      ``.npz``, ``.json`` of `PoseSequence.save`  the file says
alphapose      ``.json``, list of detections               26: Halpe; 17: ``layout`` needed
coco           ``.json``, list of results                  17: COCO, by the format
mmpose         ``.json``, frames of instances              named in ``meta_info``, else ``layout`` needed
gast           ``.json``, frames of skeletons              ``layout`` needed
named          ``.json``, joints by name (TensorFlow.js)   named
nested         ``.json``, bare nested lists                ``layout`` needed, but for 33 (BlazePose)
openpose       folder of ``*_keypoints.json``              25: BODY_25, 18: COCO, by the format
videopose3d    ``.npz`` with pickled ``positions_2d``      named in ``metadata``
array          ``.npy``, ``.npz`` of plain arrays          ``layout`` needed, or in the file
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
from poseglass.keypoints import alphapose, array, coco, gast, mmpose, named, nested, openpose, own, table, videopose3d
from poseglass.keypoints._layout import COCO_18, LAYOUTS, find_layout
from poseglass.keypoints._people import Detections, rows
from poseglass.keypoints._pixels import clean
from poseglass.keypoints._source import Source
from poseglass.people.following import main_person

__all__ = ["COCO_18", "FORMATS", "LAYOUTS", "Format", "read_keypoints"]


@dataclass(frozen=True)
class Format:
    """How a format is told from others, and read.

    Args:
        matches: Whether a file is of this format, judged by how it is built.
        read: The people of every frame; the layout asked for is passed in.
    """

    matches: Callable[[Source], bool]
    read: Callable[[Source, Skeleton | None], Detections]


# The first that matches reads the file, so the particular stand before the general.
FORMATS: dict[str, Format] = {
    "poseglass": Format(own.matches, own.read),
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
    """The 2D poses of a keypoint file of another tool: one person, one row a frame.

    Row 0 is the first frame that the file names, whatever its number; after it every frame has its row, also those that
    the file skips. A frame without the person is NaN with score 0 and ``valid`` False. Where a frame shows several
    people, the main one is followed: see :func:`poseglass.people.following.main_person`. Points that are not finite,
    negative or outside the image get score 0; scores are cut to 0..1.

    Args:
        path: The file, or OpenPose's folder of files.
        layout: Which joint is which, such as ``"coco17"``, where the file does not say (see :data:`FORMATS`).
        size: Width and height of the image in pixels, where the file does not say; points are checked against it.
        fps: Frames a second, where the file does not say; 30 if nobody does.

    Returns:
        Poses in pixels, in the file's own skeleton.

    Raises:
        FormatError: The file is missing, broken or of no known format; it does not say which joint is which and
            `layout` is missing or does not fit; its numbers are no pixels, or not of an image of this size.

    Example:
        >>> poses = read_keypoints("alphapose-results.json", size=(1920, 1080), fps=25)  # doctest: +SKIP
        >>> poses.to_skeleton().points.shape  # doctest: +SKIP
        (809, 17, 2)
    """
    path = Path(path)
    if not path.exists():
        raise FormatError(f"there is no file {path}")
    try:
        return _read(Source(path), find_layout(layout), size, fps)
    except (FormatError, PoseError) as problem:
        raise FormatError(f"{path}: {problem}") from None


def _read(source: Source, layout: Skeleton | None, size: tuple[int, int] | None, fps: float | None) -> PoseSequence:
    for form in FORMATS.values():
        if form.matches(source):
            found = form.read(source, layout)
            break
    else:
        if isinstance(source.json, list) and not any(source.json):
            raise FormatError("nobody is seen in any frame")
        if source.suffix == "/":
            raise FormatError(
                "this is not a keypoint file that can be read but a folder without OpenPose's *_keypoints.json files"
            )
        raise FormatError(
            f"this is not a keypoint file that can be read; the formats are {', '.join(FORMATS)} "
            "(JSON files end in .json, OpenPose's are a folder of *_keypoints.json)"
        )
    times = found.timestamps if fps is None else None
    found = replace(found, size=size or found.size, fps=found.fps if fps is None else fps)
    if found.size is not None and min(found.size) < 1:
        raise FormatError(f"size must be (width, height) in pixels, got {found.size}")
    person = main_person(found.frames)
    if not person:
        raise FormatError("nobody is seen in any frame")
    points, scores, valid = rows(person, min(found.frames), max(found.frames), len(found.skeleton))
    points, scores = clean(points, scores, found.size)
    return PoseSequence(
        points,
        found.skeleton,
        "pixels",
        fps=found.fps,
        scores=scores,
        valid=valid,
        timestamps=times,
        size=found.size,
    )
