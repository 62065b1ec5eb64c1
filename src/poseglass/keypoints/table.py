"""Tables: ``.csv`` or ``.tsv`` with columns ``nose_x, nose_y, nose_score, ...``, one row per frame.

The score may have any of the names in :data:`poseglass.keypoints.names.SCORES`, in any capitals, after ``_``, ``.`` or
a space. Optional columns are ``frame`` (the frame number) or ``image`` (a name with that number), ``seconds`` or
another time (:data:`poseglass.keypoints.names.TIMES`), ``valid`` (whether the person was detected), and ``track`` or
``person``: then a frame has a row per person. Columns of z are ignored if the joints are MediaPipe's and the
coordinates shares of the image, and refused otherwise. An empty cell is an unknown value. SLEAP's tables are tables of
this kind.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from poseglass.body.skeleton import BLAZEPOSE_33, Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.cells import number, read_lines
from poseglass.keypoints.clock import with_times
from poseglass.keypoints.columns import chosen_joints, columns_of
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames, detected
from poseglass.keypoints.names import split_column
from poseglass.keypoints.parsing import frame_number, shortened, whole_number
from poseglass.keypoints.pixels import hold_shares
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


def matches(file: KeypointFile) -> bool:
    """Whether the file is a ``.csv`` or ``.tsv``, or a ``.txt`` whose first line names columns."""
    if file.suffix != ".txt":
        return file.suffix in (".csv", ".tsv")
    try:
        return any(split_column(name) for name in next(read_lines(file.path), (0, []))[1])
    except FormatError:
        return False


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the person of every row, with the joints ordered by the names of the columns.

    Raises:
        FormatError: The table is broken or three-dimensional, or does not name the joints of a known layout.
    """
    lines = read_lines(file.path)
    header = next(lines, (0, []))[1]
    if not header:
        raise FormatError("the table has no rows")
    columns = columns_of(header)
    skeleton, places, notes = chosen_joints(columns, layout)
    frames: dict[int, list[DetectedPerson]] = {}
    times: dict[int, float] = {}
    unit = columns.unit
    tracks: dict[str, int] = {}
    for line, cells in lines:
        if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
            raise FormatError(f"line {line} has {len(cells)} cells, but the first line has {len(header)}")
        frame = len(frames)
        if columns.frame is not None:
            frame = whole_number(number(cells, columns.frame, line), f"line {line}: frame")
        elif columns.image is not None:
            frame = frame_number(cells[columns.image], f"line {line}: {header[columns.image]}")
        if frame in frames and columns.person is None:
            raise FormatError(f"line {line}: frame {frame} appears twice")
        people = frames.setdefault(frame, [])
        if columns.time is not None:
            times[frame], is_date = _time(cells, columns.time, line)
            unit = 1.0 if is_date else unit
        points = np.array([[number(cells, place.x, line), number(cells, place.y, line)] for place in places])  # j 2
        scores = np.array([1.0 if place.score < 0 else number(cells, place.score, line) for place in places])
        valid = columns.valid is None or number(cells, columns.valid, line) > 0
        if valid and np.isfinite(points).all(-1).any():
            track = None if columns.person is None else _track(cells[columns.person], tracks)
            people.append(detected(points, scores, skeleton, track))
    if not frames:
        raise FormatError("the table has no rows")
    solid = next((joint for joint, place in columns.joints.items() if place.z >= 0), None)
    if solid is not None:
        if skeleton != BLAZEPOSE_33 or not hold_shares(frames):
            raise FormatError(f"the table is three-dimensional (it has {solid}_z); 2D keypoints in pixels are expected")
        notes = (*notes, "coordinates are shares of the image, as MediaPipe writes; z is ignored")
    content = KeypointFrames(skeleton, frames, shares=solid is not None, notes=notes)
    if columns.time is None:
        return content
    return with_times(content, [times[frame] for frame in frames], header[columns.time], unit=unit)


def _time(cells: Sequence[str], index: int, line: int) -> tuple[float, bool]:
    """The number in a cell, or the seconds since 1970 of a date and time, and whether it is one.

    A date is such as ``2024-05-17 10:30:00.033``. Without a time zone, it counts as UTC, so that a change to summer
    time makes no gap.
    """
    try:
        return number(cells, index, line), False
    except FormatError:
        try:
            date = datetime.fromisoformat(cells[index].strip())
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp(), True
        except (ValueError, OverflowError):
            raise FormatError(f"line {line}: {shortened(cells[index])} is not a time") from None


def _track(name: str, tracks: dict[str, int]) -> int | None:
    """The number of a track; names are numbered in the order in which they appear."""
    name = name.strip()
    return tracks.setdefault(name, len(tracks)) if name.lower() not in ("", "nan", "none") else None
