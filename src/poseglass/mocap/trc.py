"""Reader and writer of TRC, the text format for markers of OpenSim, Pose2Sim and many motion capture programs."""

from os import PathLike
from pathlib import Path

import numpy as np

from poseglass.errors import FormatError, PoseError
from poseglass.files.printable import printable
from poseglass.files.writing import writing
from poseglass.mocap.text import NumberTable
from poseglass.mocap.tracks import UNITS, PointTracks

__all__ = ["read_trc", "write_trc"]

FIELDS = (
    *("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"),
    *("OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"),
)
MILLIMETRE = 0.001  # of a metre
HEADER = 5  # lines: file type, names of fields, their values, marker names, axis names


def read_trc(path: str | PathLike[str]) -> PointTracks:
    """Read a TRC file: five header lines, then one line per frame with its number, time and markers.

    Cells are separated by tabs; an empty cell is an unknown coordinate.

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
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as problem:
        raise FormatError(f"cannot read {path}: {problem.strerror or problem}") from None
    if len(lines) < HEADER or not lines[0].startswith("PathFileType"):
        raise FormatError(f"{path} is not a TRC file: expected {HEADER} header lines, the first 'PathFileType ...'")
    header = dict(zip(lines[1].split(), lines[2].split(), strict=False))
    try:
        fps, frames = float(header["DataRate"]), int(float(header["NumFrames"]))
        markers, unit = int(float(header["NumMarkers"])), UNITS[header["Units"].lower()]
    except KeyError as problem:
        fields = f"DataRate, NumFrames, NumMarkers and Units (one of {', '.join(UNITS)})"
        raise FormatError(f"{path}, lines 2 and 3: expected {fields}; {problem} is missing or unknown") from None
    except (ValueError, OverflowError) as problem:
        raise FormatError(f"{path}, line 3: {problem}") from None
    names = tuple(cell.strip() for cell in lines[3].split("\t")[2:] if cell.strip())
    if len(names) != markers:
        raise FormatError(f"{path}, line 4: expected {markers} marker names, as line 3 announces, got {len(names)}")
    table = NumberTable(path, 2 + 3 * markers)
    for number, line in enumerate(lines[HEADER:], HEADER + 1):
        if line.strip():
            cells = line.split("\t") if "\t" in line else line.split()
            trailing_tab = len(cells) == table.width + 1 and not cells[-1].strip()
            table.add(number, cells[:-1] if trailing_tab else cells)
    values = table.array()
    if len(values) != frames:
        text = f"expected {frames} frames, as line 3 announces, got {len(values)}; was the file cut off?"
        raise FormatError(f"{path}: {text}")
    times = values[:, 1] if np.isfinite(values[:, 1]).all() else None
    return PointTracks(names, values[:, 2:].reshape(frames, markers, 3), fps, unit, times)  # f j 3


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
