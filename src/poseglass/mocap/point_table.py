"""Reader of 3D point tables, ``.csv``: one row per frame, as `PoseSequence.save` writes them, or one row per joint.

Wide tables have columns ``left_knee_x, left_knee_y, left_knee_z, left_knee_score, ...``; long tables have columns
``frame, joint, x, y, z``. In both, ``seconds`` is the time, and an empty cell or a score of 0 is an unknown point. In
wide tables, ``valid`` marks frames: those where it is not positive are unknown. 2D tables follow the same conventions
(:mod:`poseglass.keypoints.table`).
"""

import csv
from collections import Counter
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.mocap.rigid import MOST_POSES
from poseglass.mocap.text import NumberTable
from poseglass.mocap.tracks import PointTracks, frame_rate

__all__ = ["read_point_table"]

LONG = ("frame", "joint", "x", "y", "z")
# A table of n rows may span 20 n + 1000 frames: long gaps are fine, time codes or milliseconds in 'frame' are not.
SPAN_FACTOR, SPAN_EXTRA = 20, 1000


def read_point_table(path: str | PathLike[str]) -> PointTracks:
    """Read a table of 3D points.

    Frame numbers may start anywhere. Frames missing from the table become NaN, and their times are interpolated.

    Raises:
        FormatError: The table is missing or broken, or has no z columns; the message names the lines.

    Example:
        >>> _ = Path("long.csv").write_text("frame,joint,x,y,z\\n0,hip,1,2,3\\n0,knee,1,2,2\\n1,hip,1,2,4\\n")
        >>> read_point_table("long.csv").points.shape
        (2, 2, 3)
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [cell.strip() for cell in next(reader, [])]
            columns = {name.lower(): place for place, name in enumerate(header)}
            if len(columns) != len(header):
                counts = Counter(map(str.lower, header))
                repeated = sorted({name for name in header if counts[name.lower()] > 1})
                raise FormatError(f"{path}, line 1: expected unique columns, got {', '.join(repeated)} more than once")
            lines = ((reader.line_num, cells) for cells in reader if cells)
            return _long(path, columns, lines) if columns.keys() >= {*LONG} else _wide(path, header, columns, lines)
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise FormatError(f"cannot read {path}: {problem}") from None


def _wide(
    path: Path, header: list[str], columns: dict[str, int], lines: Iterator[tuple[int, list[str]]]
) -> PointTracks:
    names = tuple(name[:-2] for name in header if name.lower().endswith("_x"))
    if not names or any(f"{name}_{axis}".lower() not in columns for name in names for axis in "yz"):
        flat = next((name for name in names if f"{name}_z".lower() not in columns), "")
        given = f"{flat} has no z: is this a table of 2D poses?" if flat else f"got {', '.join(header)[:80]}"
        raise FormatError(
            f"{path}, line 1: expected columns such as left_knee_x, left_knee_y, left_knee_z, "
            f"or {', '.join(LONG)}; {given}"
        )
    table = NumberTable(path, len(header))
    for number, cells in lines:
        table.add(number, cells)
    values = table.array()
    points = values[:, [[columns[f"{name}_{axis}".lower()] for axis in "xyz"] for name in names]]  # f j 3
    for joint, name in enumerate(names):
        if (score := columns.get(f"{name}_score".lower())) is not None:
            points[values[:, score] == 0, joint] = np.nan
    if (valid := columns.get("valid")) is not None:
        points[~(values[:, valid] > 0)] = np.nan
    frames = values[:, columns["frame"]] if "frame" in columns else np.arange(len(values), dtype=np.float64)
    seconds = values[:, columns["seconds"]] if "seconds" in columns else None
    return _fill_gaps(path, names, frames, points, seconds)


def _long(path: Path, columns: dict[str, int], lines: Iterator[tuple[int, list[str]]]) -> PointTracks:
    table = NumberTable(path, len(columns))
    names: dict[str, int] = {}
    joints: list[int] = []
    for number, cells in lines:
        rows = len(table.rows)
        table.add(number, ["0" if place == columns["joint"] else cell for place, cell in enumerate(cells)])
        if len(table.rows) > rows:
            joints.append(names.setdefault(cells[columns["joint"]].strip(), len(names)))
    values = table.array()
    frames, frame = np.unique(values[:, columns["frame"]], return_inverse=True)
    if len(frames) * len(names) > MOST_POSES:
        text = f"{len(frames):,} frames of {len(names):,} joints are too many to read at once; split the file"
        raise FormatError(f"{path}: {text}")
    points = np.full((len(frames), len(names), 3), np.nan)
    if len({*zip(frame.tolist(), joints, strict=True)}) != len(joints):
        raise FormatError(f"{path}: expected one row per joint and frame, got a joint twice in a frame")
    points[frame, joints] = values[:, [columns[axis] for axis in "xyz"]]  # f j 3
    if "score" in columns:
        zero = values[:, columns["score"]] == 0
        points[frame[zero], np.array(joints)[zero]] = np.nan
    seconds = None
    if "seconds" in columns:
        seconds = np.full(len(frames), np.nan)
        seconds[frame] = values[:, columns["seconds"]]
    return _fill_gaps(path, tuple(names), frames, points, seconds)


def _fill_gaps(
    path: Path,
    names: tuple[str, ...],
    frames: Float[ndarray, " f"],
    points: Float[ndarray, "f j 3"],
    seconds: Float[ndarray, " f"] | None,
) -> PointTracks:
    """Insert the frames that the table lacks."""
    if not np.isfinite(frames).all() or (frames != np.round(frames)).any() or (np.diff(frames) <= 0).any():
        raise FormatError(f"{path}: expected whole numbers that increase from row to row in the column 'frame'")
    rows = (frames - frames[0]).astype(int)
    if (length := int(rows[-1]) + 1) > SPAN_FACTOR * len(rows) + SPAN_EXTRA:
        text = f"expected consecutive frames, got {frames[0]:.0f} to {frames[-1]:.0f} in {len(rows)} rows"
        raise FormatError(f"{path}: {text}; number the frames, or leave out the column 'frame'")
    filled = np.full((length, *points.shape[1:]), np.nan)
    filled[rows] = points
    times = None if seconds is None else np.interp(np.arange(length), rows, seconds)
    return PointTracks(names, filled, None if times is None else frame_rate(times), times=times)
