"""Tell videos from 2D keypoints. The command line and :func:`pg.lift` share this decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeGuard

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.errors import FormatError, PoseError
from poseglass.keypoints.formats import SUFFIXES
from poseglass.keypoints.unread import UNREAD_SUFFIXES
from poseglass.video.clock import RAW_SUFFIXES
from poseglass.video.image_files import image_paths, is_pattern
from poseglass.video.live import refuse_live

if TYPE_CHECKING:
    from poseglass.video.reading import VideoReader

__all__ = [
    "KEYPOINT_KINDS",
    "KEYPOINT_SUFFIXES",
    "Keypoints",
    "Source",
    "is_without_clock",
    "open_source",
    "source_kind",
]

KEYPOINT_SUFFIXES = (*SUFFIXES, *UNREAD_SUFFIXES)
"""Suffixes of 2D keypoint files (:data:`poseglass.keypoints.FORMATS`), and of files that are refused by name. Any other
file is treated as a video."""
KEYPOINT_KINDS = f"{', '.join(SUFFIXES)} or a folder without images"
"""The kinds of keypoint paths in words, for messages."""


@dataclass(frozen=True, eq=False)
class Keypoints:
    """The 2D poses of one or several people.

    Args:
        people: Each person's poses in pixels, the most prominent first. They share skeleton, clock and image size.

    Raises:
        PoseError: There is nobody, or the people do not share their clock, skeleton and size.
    """

    people: Sequence[PoseSequence]

    def __post_init__(self) -> None:
        if not self.people:
            raise PoseError("expected the keypoints of one or more people, got none")
        for other in self.people[1:]:
            for name in ("skeleton", "space", "size"):
                if (expected := getattr(self.main, name)) != (value := getattr(other, name)):
                    raise PoseError(f"people of one source must have the same {name}, got {expected} and {value}")
            if not np.array_equal(self.main.times, other.times):
                raise PoseError("people of one source must have the same frames, at the same times")

    @property
    def main(self) -> PoseSequence:
        """The poses of the most prominent person."""
        return self.people[0]


Source: TypeAlias = "str | PathLike[str] | PoseSequence | Sequence[PoseSequence] | Keypoints | VideoReader"
"""The sources that :meth:`poseglass.lifting.lifter.Lifter.lift` takes."""


def source_kind(source: Source) -> Literal["video", "keypoints"]:
    """Whether a source holds a video or keypoints.

    Paths are judged by their names: the suffixes of :data:`KEYPOINT_SUFFIXES` hold keypoints, anything else is a video.
    A folder holds keypoints, unless it has images and no .json.

    Example:
        >>> source_kind("walk.MOV"), source_kind("walk.json")
        ('video', 'keypoints')
    """
    if not isinstance(source, str | PathLike):
        return "keypoints" if isinstance(source, PoseSequence | Keypoints) or _are_people(source) else "video"
    path = Path(source)
    if path.is_dir():
        return "keypoints" if any(path.glob("*.json")) or not image_paths(path) else "video"
    return "keypoints" if path.suffix.lower() in KEYPOINT_SUFFIXES else "video"


def is_without_clock(source: Source) -> bool:
    """Whether a source is a video that needs a frame rate: images in a folder or of a pattern, or a raw stream.

    Example:
        >>> is_without_clock("frames/%04d.png"), is_without_clock("walk.mp4")
        (True, False)
    """
    if not isinstance(source, str | PathLike) or source_kind(source) == "keypoints":
        return False
    path = Path(source)
    return path.is_dir() or is_pattern(path) or path.suffix.lower() in RAW_SUFFIXES


def open_source(
    source: Source,
    *,
    layout: str | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
) -> "Keypoints | VideoReader":
    """Open a source: read the 2D poses of a keypoint file, or return a reader of a video.

    Poses that are already loaded are returned as :class:`Keypoints`, and readers unchanged.

    Args:
        source: A path, poses or a reader.
        layout: Keypoint files: which joint is which; see :func:`poseglass.keypoints.read_keypoints`.
        size: Keypoint files: width and height of the image in pixels.
        fps: Keypoint files, several images and raw streams: frames per second.

    Raises:
        FormatError: The keypoint file cannot be read, or options are given for a source that they do not apply to.
        VideoError: The video cannot be read.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> poses = PoseSequence([[[0, 0], [1, 1]]], pg.Skeleton("stick", ("a", "b"), ()), "pixels")
        >>> open_source(poses).main is poses
        True
    """
    if isinstance(source, str | PathLike):
        refuse_live(Path(source))
        if source_kind(source) == "keypoints":
            from poseglass.keypoints import read_people

            return Keypoints(read_people(source, layout=layout, size=size, fps=fps))
        kind = f"{source} is treated as a video"
    else:
        kind = f"got a {type(source).__name__}"
    options = {"layout": layout, "size": size, "fps": None if is_without_clock(source) else fps}
    if given := [name for name, value in options.items() if value is not None]:
        others = ", and fps for images and raw streams" if "fps" in given else ""
        raise FormatError(f"{', '.join(given)}: only for a file of keypoints ({KEYPOINT_KINDS}){others}, but {kind}")
    if isinstance(source, str | PathLike):
        from poseglass.video.reading import VideoReader

        return VideoReader(source, fps=fps)
    if isinstance(source, PoseSequence):
        return Keypoints([source])
    if _are_people(source):
        return Keypoints(source)
    if isinstance(source, Sequence) or not (isinstance(source, Keypoints) or hasattr(source, "info")):
        raise PoseError(
            f"expected a path, a PoseSequence or a VideoReader, got a {type(source).__name__}; make keypoints of an "
            'array a PoseSequence: pg.PoseSequence(points, pg.COCO_17, "pixels", fps=30)'
        )
    return source


def _are_people(source: object) -> TypeGuard[Sequence[PoseSequence]]:
    """Whether the source is a list of people's poses."""
    return isinstance(source, list | tuple) and bool(source) and all(isinstance(item, PoseSequence) for item in source)
