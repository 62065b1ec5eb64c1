"""Tables: ``.csv`` with columns ``nose_x, nose_y, nose_score, ...``, a row a frame, as `PoseSequence.save` writes them.

A column ``frame`` numbers the rows, ``seconds`` gives the frame rate and ``valid`` says where the person was seen; all
three may be missing, and so may the scores. An empty cell is a joint that is not known.
"""

import csv
from pathlib import Path

import numpy as np

from poseglass.body.skeleton import Skeleton
from poseglass.errors import FormatError
from poseglass.keypoints._layout import by_names, plain_name
from poseglass.keypoints._people import Detections
from poseglass.keypoints._source import Source, whole
from poseglass.people.following import DetectedPerson

__all__ = ["matches", "read"]


def matches(source: Source) -> bool:
    """Any ``.csv``."""
    return source.suffix == ".csv"


def read(source: Source, layout: Skeleton | None) -> Detections:
    """The person of every row, columns put in order by their names.

    Raises:
        FormatError: The table is broken, three-dimensional, or does not name the joints of a known layout.
    """
    header, rows = _cells(source.path)
    column = {plain_name(name): place for place, name in enumerate(header)}
    names = {name.removesuffix("_x") for name in column if name.endswith("_x")}
    if solid := sorted(name for name in names if f"{name}_z" in column):
        raise FormatError(f"the table is three-dimensional (it has {solid[0]}_z); 2D keypoints in pixels are expected")
    names = {name for name in names if f"{name}_y" in column}
    if not names:
        raise FormatError("the first line must name columns such as nose_x, nose_y, nose_score")
    skeleton = by_names(names, layout, "the columns")
    pick = [[column[f"{joint}_{axis}"] for axis in "xy"] for joint in skeleton.joints]
    trust = [column.get(f"{joint}_score") for joint in skeleton.joints]
    frames: dict[int, list[DetectedPerson]] = {}
    for number, values in enumerate(rows):
        line = number + 2
        frame = whole(values[column["frame"]], f"line {line}: frame") if "frame" in column else number
        if frame in frames:
            raise FormatError(f"line {line}: frame {frame} is there twice")
        points = np.array(values)[pick]
        scores = np.array([1.0 if place is None else values[place] for place in trust])
        seen = np.isfinite(points).all(-1).any() and ("valid" not in column or values[column["valid"]] > 0)
        frames[frame] = [DetectedPerson(points, scores)] if seen else []
    fps = None
    if "seconds" in column and len(rows) > 1:
        seconds = rows[-1][column["seconds"]] - rows[0][column["seconds"]]
        fps = (max(frames) - min(frames)) / seconds if seconds > 0 else None
    return Detections(skeleton, frames, fps)


def _cells(path: Path) -> tuple[list[str], list[list[float]]]:
    """The names of the columns, and the rows as numbers."""
    rows: list[list[float]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            for cells in reader:
                if len(cells) != len(header):
                    raise FormatError(f"line {reader.line_num} has {len(cells)} cells, the first line {len(header)}")
                try:
                    rows.append([float(cell) if cell.strip() else np.nan for cell in cells])
                except ValueError as problem:
                    raise FormatError(f"line {reader.line_num}: {problem}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise FormatError(f"cannot read the table: {problem}") from None
    if not rows:
        raise FormatError("the table has no rows")
    return header, rows
