"""Ultralytics' label files: a folder with one text file per frame (``save_txt=True``), one line per person.

``class x y width height  x1 y1 c1  x2 y2 c2 ...  [confidence] [track]``, with or without ``c``, all as shares of the
image, so its size is needed. 17 joints are COCO's. A joint that was not found is at (0, 0). Frames without people have
no file.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import COCO_17, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.layouts import layout_by_count
from poseglass.keypoints.parsing import frame_number
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]

BOX = 5
"""Numbers of a line before the joints: the class and the box."""
AFTER = 2
"""The most numbers after the joints: the confidence of the box and the tracker's number."""


def matches(file: KeypointFile) -> bool:
    """Whether this is a folder of ``.txt`` files of numbers, or one such file."""
    paths = _paths(file)
    if not paths:
        return False
    try:
        with paths[0].open(encoding="utf-8-sig") as text:
            words = text.readline(1 << 16).split()
        return len(words) > BOX and all(np.isfinite(float(word)) for word in words)
    except (OSError, ValueError):
        return False


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the people of every frame.

    Raises:
        FormatError: A file is broken, or the lines have another number of joints.
    """
    files = {path: _lines(path) for path in _paths(file)}
    count = len(layout or COCO_17)
    frames: dict[int, list[DetectedPerson]] = {}
    tracks = any(_is_track(values[-1]) for lines in files.values() for values in lines)
    skeleton = layout
    for path, lines in files.items():
        frame = frame_number(path.name, "the file name") if len(files) > 1 else 0
        if frame in frames:
            raise FormatError(f"{path.name} and another file are both frame {frame}: these are several videos")
        people = frames.setdefault(frame, [])
        for number, values in enumerate(lines, 1):
            spot = f"{path.name}, line {number}"
            rest = len(values) - BOX
            columns = next((columns for columns in (3, 2) if 0 <= rest - columns * count <= AFTER), None)
            if columns is None:
                raise FormatError(
                    f"{spot} has {len(values)} numbers: a class, a box of 4 and {count} joints of 2 or 3 are expected, "
                    "then a confidence and a track at most; for another number of joints, give the layout"
                )
            skeleton = layout_by_count(count, layout, spot, fixed={17: COCO_17})
            joints = values[BOX : BOX + columns * count].reshape(count, columns)  # j 2 or j 3
            after = values[BOX + columns * count :]
            track = float(after[-1]) if len(after) and tracks and after[-1] == after[-1] // 1 else None
            scores = joints[:, 2].clip(0, 1) if columns == 3 else np.ones(count)
            people.append(detected(joints[:, :2], scores, skeleton, track))
    if skeleton is None or not any(frames.values()):
        raise FormatError("no frame shows a person")
    return KeypointFrames(skeleton, frames, shares=True, zeros=True)


def _paths(file: KeypointFile) -> list[Path]:
    if file.suffix == "/":
        return sorted(file.path.glob("*.txt"))
    return [file.path] if file.suffix == ".txt" else []


def _lines(path: Path) -> list[Float[ndarray, " _"]]:
    """The numbers of every line that is not empty."""
    rows = []
    try:
        with path.open(encoding="utf-8-sig") as text:
            for number, line in enumerate(text, 1):
                try:
                    if words := line.split():
                        rows.append(np.array(words, np.float64))
                except ValueError as problem:
                    raise FormatError(f"{path.name}, line {number}: {problem}") from None
    except (OSError, UnicodeError) as problem:
        raise FormatError(f"cannot read {path.name}: {problem}") from None
    return rows


def _is_track(value: float) -> bool:
    """Whether the last number of a line is a tracker's number: a confidence is not above 1."""
    return bool(value > 1 and value == value // 1)
