"""Reader and writer of TRC, the text format for markers of OpenSim, Pose2Sim and many motion capture programs."""

import csv
from contextlib import suppress
from os import PathLike
from pathlib import Path

import numpy as np

from poseglass.errors import FormatError, PoseError
from poseglass.files.printable import printable
from poseglass.files.writing import writing
from poseglass.mocap.labels import clean_labels
from poseglass.mocap.text import SHOWN_TEXT, NumberTable, read_text
from poseglass.mocap.tracks import UNITS, PointTracks, frame_rate, unit_of

__all__ = ["read_trc", "write_trc"]

FIELDS = (
    *("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"),
    *("OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"),
)
MILLIMETRE = 0.001  # of a metre
MOST_PADDED = 1 << 24  # numbers of a table that is much larger than its text, because cells are missing in it
HEADER = 5  # lines: file type, names of fields, their values, marker names, axis names


def read_trc(path: str | PathLike[str]) -> PointTracks:
    """Read a TRC file: five header lines, then one line per frame with its number, time and markers.

    Cells are separated by tabs, commas, semicolons or spaces. An empty cell, or one that is missing at the end of a
    line, is an unknown coordinate. Units may be symbols or words. If the header announces other numbers of frames or
    markers than there are, as in a file that was cropped, the `notes` say so.

    Source: OpenSim User's Guide, "Marker (.trc) Files".

    Raises:
        FormatError: The file is missing or broken; the message names the lines.

    Example:
        >>> head = "PathFileType\\t4\\t(X/Y/Z)\\tw.trc\\nDataRate\\tNumFrames\\tNumMarkers\\tUnits\\n60\\t1\\t1\\tmm\\n"
        >>> head += "Frame#\\tTime\\tRHip\\t\\t\\n\\t\\tX1\\tY1\\tZ1\\n\\n"
        >>> _ = Path("w.trc").write_text(head + "1\\t0.0\\t1\\t2\\t3\\n")
        >>> tracks = read_trc("w.trc")
        >>> tracks.names, tracks.fps, tracks.unit
        (('RHip',), 60.0, 0.001)
    """
    path = Path(path)
    text = read_text(path)
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < HEADER or not lines[0].lstrip('" ').lower().startswith("pathfiletype"):
        raise FormatError(f"{path} is not a TRC file: expected {HEADER} header lines, the first 'PathFileType ...'")
    separator = next((mark for mark in "\t;," if mark in lines[3]), " ")
    values = _cells(lines[2], separator)
    values = _decimal_points(values) if separator == ";" else values
    fps, announced, unit = _header(path, _cells(lines[1], separator), values)
    labels = [cell for cell in _cells(lines[3], separator)[2:] if cell]
    if not labels:
        raise FormatError(f"{path}, line 4: expected marker names, separated by tabs, got none")
    table, unnamed = NumberTable(path, 2 + 3 * len(labels)), 0
    if table.width * len(lines) > max(MOST_PADDED, len(text)):
        raise FormatError(f"{path}: {len(lines):,} lines are too short for the {len(labels):,} markers named in line 4")
    for number, line in enumerate(lines[HEADER:], HEADER + 1):
        if not line.strip():
            continue
        cells = _cells(line, separator if separator in line else " ")
        cells = _decimal_points(cells) if separator == ";" else cells
        while len(cells) > table.width and not cells[-1]:
            cells.pop()
        cut_off = number == len(lines) and not text.endswith("\n")
        if separator != " " and separator in line and not cut_off and len(cells) > 2:
            cells += [""] * (table.width - len(cells))
        if len(cells) > table.width and (len(cells) - table.width) % 3 == 0:
            unnamed = max(unnamed, (len(cells) - table.width) // 3)
            cells = cells[: table.width]
        table.add(number, cells)
    array = table.array()
    notes = [
        f"line 3 announces {number} {what}, and there are {given}"
        for what, number, given in zip(("frames", "markers"), announced, (len(array), len(labels)), strict=True)
        if number is not None and number != given
    ]
    if unnamed:
        notes.append(f"up to {unnamed} markers per line have no name and are left out")
    times = array[:, 1] if np.isfinite(array[:, 1]).all() else None
    points = array[:, 2:].reshape(len(array), -1, 3)  # f j 3
    cleaned = clean_labels(labels)
    if fps is None and times is not None:
        fps = frame_rate(times)
    try:
        return PointTracks(cleaned.names, points[:, cleaned.columns], fps, unit, times, notes=(*notes, *cleaned.notes))
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None


def _cells(line: str, separator: str) -> list[str]:
    """The cells of a line without the spaces around them; a cell in quotation marks may contain the separator."""
    if separator == " ":
        return line.split()
    if '"' in line:
        with suppress(csv.Error):  # a cell is longer than 131,072 characters
            line_cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
            return [cell.strip() for cell in line_cells]
    return [cell.strip() for cell in line.split(separator)]


def _decimal_points(cells: list[str]) -> list[str]:
    """Numbers with decimal commas, as programs write them that separate cells by semicolons."""
    return [cell.replace(",", ".") for cell in cells]


def _header(
    path: Path, keys: list[str], cells: list[str]
) -> tuple[float | None, tuple[int | None, int | None], float | None]:
    """Frames per second, the announced numbers of frames and markers, and the unit; None for what is missing."""
    filled = [cell for cell in cells if cell]
    if len(filled) == len([key for key in keys if key]):
        keys, cells = [key for key in keys if key], filled  # some programs write two tabs
    header = {key.lower(): cell for key, cell in zip(keys, cells, strict=False) if cell}
    numbers: list[float | None] = []
    for key in ("DataRate", "NumFrames", "NumMarkers"):
        try:
            numbers.append(float(header[key.lower()]) if key.lower() in header else None)
        except ValueError:
            text = f"expected a number for {key}, got {header[key.lower()][:SHOWN_TEXT]!r}"
            raise FormatError(f"{path}, line 3: {text}") from None
    unit = unit_of(header["units"]) if "units" in header else None
    if "units" in header and unit is None:
        text = f"expected one of {', '.join(UNITS)} for Units, or its name, got {header['units'][:SHOWN_TEXT]!r}"
        raise FormatError(f"{path}, line 3: {text}")
    rate = numbers[0] if numbers[0] is not None and 0 < numbers[0] < np.inf else None
    frames, markers = (int(number) if number is not None and np.isfinite(number) else None for number in numbers[1:])
    return rate, (frames, markers), unit


def write_trc(tracks: PointTracks, path: str | PathLike[str]) -> None:
    """Write a TRC file, in millimetres. The coordinates of an unknown point are ``nan``.

    An empty cell would be unknown too, but OpenSim 4.6 refuses a line whose last cell is empty. OpenSim expects y to
    point up; the axes are written as they are.

    Args:
        tracks: The points. They must state their rate and unit.
        path: The file. It is written completely or not at all.

    Raises:
        PoseError: The file cannot be written, the rate or the unit is unknown, or a name contains a tab or ends in a
            space.

    Example:
        >>> write_trc(PointTracks(("RHip",), np.ones((2, 1, 3)), fps=60, unit=1.0), "hip.trc")
        >>> read_trc("hip.trc").points[0].tolist()
        [[1000.0, 1000.0, 1000.0]]
    """
    path = Path(path)
    fps, unit = tracks.stated()
    for name in tracks.names:
        if not name or name != name.strip() or {*name} & {*"\t\r\n"}:
            raise PoseError(f"TRC cannot store the point name {name!r}: expected text without tabs and outer spaces")
    times = np.arange(len(tracks)) / fps if tracks.times is None else tracks.times
    millimetres = (tracks.points * (unit / MILLIMETRE)).reshape(len(tracks), -1)  # f 3j
    rate, frames = f"{fps:.10g}", len(tracks)
    axes = [f"{axis}{number}" for number in range(1, len(tracks.names) + 1) for axis in "XYZ"]
    head = [
        ["PathFileType", "4", "(X/Y/Z)", printable(path.name)],
        [*FIELDS],
        [rate, rate, str(frames), str(len(tracks.names)), "mm", rate, "1", str(frames)],
        ["Frame#", "Time", *(cell for name in tracks.names for cell in (name, "", ""))],
        ["", "", *axes],
        [],
    ]
    with writing(path, PoseError) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines("\t".join(cells) + "\n" for cells in head)
        for frame, (seconds, row) in enumerate(zip(times, millimetres, strict=True), 1):
            file.write("\t".join([str(frame), f"{seconds:.7f}", *(f"{value:.4f}" for value in row)]) + "\n")
