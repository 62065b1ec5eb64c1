"""Read any keypoint file: recognise the format, find out who is who, and check the numbers."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError, PoseError
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.formats import FORMATS
from poseglass.keypoints.frames import KeypointFrames, rows, span
from poseglass.keypoints.layouts import find_layout
from poseglass.keypoints.parsing import shortened
from poseglass.keypoints.pixels import clean
from poseglass.keypoints.unread import UNREAD
from poseglass.keypoints.zeros import forget_zeros
from poseglass.people.detection import DetectedPerson
from poseglass.people.tracks import tracked

__all__ = ["people_of", "read_keypoints", "read_people"]

log = logging.getLogger("poseglass")

FPS = 30.0
"""Frames per second if nothing states them."""
FASTEST = 1e6
"""Frames per second that a rate must be below."""
LARGEST_SIDE = 1_000_000
"""Pixels of an image's longer side at most; larger numbers are damage."""


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
    outside the image get score 0, and so do joints at exactly (0, 0), which many tools write for joints that they did
    not find (:func:`poseglass.keypoints.zeros.forget_zeros`). Scores are clipped to 0..1.

    Assumptions are logged as warnings: about the frame rate, joints at (0, 0), columns that were not understood.

    Args:
        path: The file, or a folder with a file for each frame.
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
        content = _read_frames(KeypointFile(path), find_layout(layout))
        return people_of(content, size=size, fps=fps, source=str(path), options=("--size WIDTHxHEIGHT", "--fps"))
    except (FormatError, PoseError) as problem:
        raise FormatError(f"{path}: {problem}") from None


def people_of(
    content: KeypointFrames,
    *,
    size: tuple[int, int] | None,
    fps: float | None,
    source: str,
    options: tuple[str, str] = ("size", "fps"),
) -> list[PoseSequence]:
    """Everybody in a file or an object of another tool, the most prominent first.

    Args:
        content: The people of every frame.
        size: Width and height of the image in pixels. Default: those of the content.
        fps: Frames per second, which replace the content's own times.
        source: What warnings call the content.
        options: How messages name the size and the frame rate.

    Raises:
        FormatError: Nobody is in sight, or the numbers are not pixels or do not fit the size.
    """
    size = _checked_size(size or content.size)
    if not any(content.frames.values()):
        raise FormatError("no frame shows a person")
    if content.shares:
        if size is None:
            raise FormatError(f"the coordinates are shares of the image, so its size is needed: give {options[0]}")
        _scale(content.frames.values(), size)
    first, last = span(content.frames)
    joints, frames = forget_zeros(content)
    rate = content.fps if fps is None else fps
    if rate is not None and not 0 < rate < FASTEST:
        raise FormatError(f"fps must be a positive number below {FASTEST:g}, got {rate}")
    people = []
    for person in tracked(content.frames, fps=rate or FPS, size=size) or [{}]:
        points, scores, valid = rows(person, first, last, len(content.skeleton))
        points, scores = clean(points, scores, size)
        poses = PoseSequence(points, content.skeleton, "pixels", fps=fps, scores=scores, valid=valid, size=size)
        if fps is None:
            poses = replace(poses, fps=content.fps, timestamps=content.timestamps, start=content.start)
        people.append(poses)
    if joints:
        log.warning("%s: %d joints at exactly (0, 0), in %d frames, are taken as not found", source, joints, frames)
    for note in content.notes:
        log.warning("%s: %s", source, note)
    if rate is None and content.timestamps is None and last > first:
        log.warning(
            "%s: the frame rate is unknown; %g frames per second are assumed, unless you give %s",
            source,
            FPS,
            options[1],
        )
    return [replace(poses, person=number) for number, poses in enumerate(people, 1)] if len(people) > 1 else people


def _read_frames(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    for kind in UNREAD.values():
        if kind.matches(file):
            raise FormatError(kind.reason)
    for candidate in FORMATS.values():
        if candidate.matches(file):
            return candidate.read(file, layout)
    if file.listed and file.first is None:
        raise FormatError("no frame shows a person")
    if file.suffix == "/":
        raise FormatError(
            "not a keypoint file: expected a folder of OpenPose's *_keypoints.json files, got none "
            "(nor label files of Ultralytics)"
        )
    raise FormatError(
        f"not a keypoint file: expected one of the formats {', '.join(FORMATS)} "
        "(JSON files end in .json, OpenPose's are a folder of *_keypoints.json)"
    )


def _checked_size(size: tuple[int, int] | None) -> tuple[int, int] | None:
    if size is not None and not (len(size) == 2 and all(1 <= side <= LARGEST_SIDE for side in size)):
        raise FormatError(f"size must be (width, height) in pixels, from 1 to {LARGEST_SIDE}, got {shortened(size)}")
    return size


def _scale(frames: Iterable[list[DetectedPerson]], size: tuple[int, int]) -> None:
    """Turn shares of the image into pixels, in place."""
    sides = np.array(size, np.float32)
    for people in frames:
        for person in people:
            person.points[:] *= sides
