"""Tables: ``.csv`` with columns ``nose_x, nose_y, nose_score, ...``, one row per frame, as `PoseSequence.save` writes.

Optional columns are ``frame`` (the frame number), ``seconds`` (the time), ``valid`` (whether the person was detected)
and the scores. An empty cell is an unknown value.
"""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints.file import KeypointFile
from poseglass.keypoints.frames import KeypointFrames
from poseglass.keypoints.layouts import layout_by_names, plain_name
from poseglass.keypoints.parsing import whole_number
from poseglass.people.detection import DetectedPerson

__all__ = ["matches", "read"]


# Seconds by which a time may differ from even spacing: many tools round times to milliseconds.
JITTER = 2e-3


def matches(file: KeypointFile) -> bool:
    """Whether the file is a ``.csv``."""
    return file.suffix == ".csv"


def read(file: KeypointFile, layout: Skeleton | None) -> KeypointFrames:
    """Read the person of every row, with the joints ordered by the names of the columns.

    Raises:
        FormatError: The table is broken or three-dimensional, or does not name the joints of a known layout.
    """
    header, rows = _cells(file.path)
    column = {plain_name(name): index for index, name in enumerate(header)}
    names = {name.removesuffix("_x") for name in column if name.endswith("_x")}
    if solid := sorted(name for name in names if f"{name}_z" in column):
        raise FormatError(f"the table is three-dimensional (it has {solid[0]}_z); 2D keypoints in pixels are expected")
    names = {name for name in names if f"{name}_y" in column}
    if not names:
        raise FormatError("the first line must name columns such as nose_x, nose_y, nose_score")
    skeleton = layout_by_names(names, layout, "the columns")
    point_columns = [[column[f"{joint}_{axis}"] for axis in "xy"] for joint in skeleton.joints]
    score_columns = [column.get(f"{joint}_score") for joint in skeleton.joints]
    frames: dict[int, list[DetectedPerson]] = {}
    for number, values in enumerate(rows):
        line = number + 2
        frame = whole_number(values[column["frame"]], f"line {line}: frame") if "frame" in column else number
        if frame in frames:
            raise FormatError(f"line {line}: frame {frame} appears twice")
        points = np.array(values)[point_columns]  # j 2
        scores = np.array([1.0 if index is None else values[index] for index in score_columns])
        known = np.isfinite(points).all(-1).any() and ("valid" not in column or values[column["valid"]] > 0)
        frames[frame] = [DetectedPerson(points, scores)] if known else []
    people = KeypointFrames(skeleton, frames)
    return _with_times(people, [values[column["seconds"]] for values in rows]) if "seconds" in column else people


def _with_times(people: KeypointFrames, seconds: list[float]) -> KeypointFrames:
    """Add the clock: a start and a frame rate if frames are evenly spaced, else a time for every frame.

    The times of frames that the table skips are interpolated. Rows may come in any order.
    """
    clock = {frame: time for frame, time in zip(people.frames, seconds, strict=True) if np.isfinite(time)}
    numbers = np.array(sorted(clock))
    times = np.array([clock[frame] for frame in numbers])
    if len(times) < 2:
        return replace(people, start=float(times[0]) if len(times) else 0.0)
    if (np.diff(times) <= 0).any():
        raise FormatError("seconds must increase from frame to frame")
    fps = float(np.ptp(numbers) / np.ptp(times))
    even = times[0] + (numbers - numbers[0]) / fps
    if np.abs(times - even).max() <= JITTER:
        return replace(people, fps=fps, start=float(times[0] - (numbers[0] - min(people.frames)) / fps))
    spanned = np.arange(min(people.frames), max(people.frames) + 1)
    inside = np.interp(spanned, numbers, times)
    outside = np.where(spanned < numbers[0], spanned - numbers[0], np.maximum(spanned - numbers[-1], 0)) / fps
    return replace(people, fps=fps, timestamps=inside + outside)


def _cells(path: Path) -> tuple[list[str], list[list[float]]]:
    """Read the names of the columns, and the rows as numbers."""
    rows: list[list[float]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            for cells in reader:
                if len(cells) != len(header):
                    raise FormatError(
                        f"line {reader.line_num} has {len(cells)} cells, but the first line has {len(header)}"
                    )
                try:
                    rows.append([float(cell) if cell.strip() else np.nan for cell in cells])
                except ValueError as problem:
                    raise FormatError(f"line {reader.line_num}: {problem}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise FormatError(f"cannot read the table: {problem}") from None
    if not rows:
        raise FormatError("the table has no rows")
    return header, rows
