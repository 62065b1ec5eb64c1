"""Reader of 3D tables, ``.csv``: a row a frame as `PoseSequence.save` writes them, or a row a joint.

Wide: columns ``left_knee_x, left_knee_y, left_knee_z, left_knee_score, ...``. Long: ``frame, joint, x, y, z``. In both,
``seconds`` gives the time, ``valid`` says where somebody was seen, and an empty cell or a score of 0 is a point that is
not known. The conventions are those of the 2D tables (:mod:`poseglass.keypoints.table`).
"""

import csv
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.mocap.points import Rows, Tracks, clock

__all__ = ["read_point_table"]


def read_point_table(path: str | PathLike[str]) -> Tracks:
    """Read a table of 3D points.

    Frames may begin at any number, and those that are left out are NaN.

    Raises:
        FormatError: The table is missing or broken, or has no z; the message names the lines.

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
            column = {name.lower(): place for place, name in enumerate(header)}
            if len(column) != len(header):
                raise FormatError(f"{path}, line 1: a column is there twice")
            lines = ((reader.line_num, cells) for cells in reader if cells)
            if {"frame", "joint", "x", "y", "z"} <= column.keys():
                return _long(path, column, lines)
            return _wide(path, header, column, lines)
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise FormatError(f"cannot read {path}: {problem}") from None


def _wide(path: Path, header: list[str], column: dict[str, int], lines: Iterator[tuple[int, list[str]]]) -> Tracks:
    names = tuple(name[:-2] for name in header if name.lower().endswith("_x"))
    if not names or any(f"{name}_z".lower() not in column or f"{name}_y".lower() not in column for name in names):
        flat = next((name for name in names if f"{name}_z".lower() not in column), "")
        came = f"{flat} has no z: is this a table of 2D poses?" if flat else f"got {', '.join(header)[:80]}"
        raise FormatError(
            f"{path}, line 1: columns such as left_knee_x, left_knee_y, left_knee_z are expected, or "
            f"frame, joint, x, y, z; {came}"
        )
    rows = Rows(path, len(header))
    for number, cells in lines:
        rows.add(number, cells)
    values = rows.array()
    points = values[:, [[column[f"{name}_{axis}".lower()] for axis in "xyz"] for name in names]]
    for number, name in enumerate(names):
        if (score := column.get(f"{name}_score".lower())) is not None:
            points[values[:, score] == 0, number] = np.nan
    if (valid := column.get("valid")) is not None:
        points[~(values[:, valid] > 0)] = np.nan
    frames = values[:, column["frame"]] if "frame" in column else np.arange(len(values), dtype=np.float64)
    seconds = values[:, column["seconds"]] if "seconds" in column else None
    return _spread(path, names, frames, points, seconds)


def _long(path: Path, column: dict[str, int], lines: Iterator[tuple[int, list[str]]]) -> Tracks:
    rows = Rows(path, len(column))
    names: dict[str, int] = {}
    joints: list[int] = []
    for number, cells in lines:
        before = len(rows.rows)
        rows.add(number, ["0" if place == column["joint"] else cell for place, cell in enumerate(cells)])
        if len(rows.rows) > before:
            joints.append(names.setdefault(cells[column["joint"]].strip(), len(names)))
    values = rows.array()
    frames, row = np.unique(values[:, column["frame"]], return_inverse=True)
    points = np.full((len(frames), len(names), 3), np.nan)
    if len({*zip(row.tolist(), joints, strict=True)}) != len(joints):
        raise FormatError(f"{path}: a joint is there twice in a frame")
    points[row, joints] = values[:, [column[axis] for axis in "xyz"]]
    if "score" in column:
        zero = values[:, column["score"]] == 0
        points[row[zero], np.array(joints)[zero]] = np.nan
    seconds = None
    if "seconds" in column:
        seconds = np.full(len(frames), np.nan)
        seconds[row] = values[:, column["seconds"]]
    return _spread(path, tuple(names), frames, points, seconds)


def _spread(
    path: Path,
    names: tuple[str, ...],
    frames: Float[ndarray, " f"],
    points: Float[ndarray, "f n 3"],
    seconds: Float[ndarray, " f"] | None,
) -> Tracks:
    """Frames that the table leaves out get a row of their own."""
    if not np.isfinite(frames).all() or (frames != np.round(frames)).any() or (np.diff(frames) <= 0).any():
        raise FormatError(f"{path}: the numbers in 'frame' must be whole and rise from row to row")
    place = (frames - frames[0]).astype(int)
    if (length := int(place[-1]) + 1) > 20 * len(place) + 1000:
        raise FormatError(f"{path}: the frames go from {frames[0]:.0f} to {frames[-1]:.0f} in {len(place)} rows")
    spread = np.full((length, *points.shape[1:]), np.nan)
    spread[place] = points
    times = None if seconds is None else np.interp(np.arange(length), place, seconds)
    return Tracks(names, spread, None if times is None else clock(times), times=times)
