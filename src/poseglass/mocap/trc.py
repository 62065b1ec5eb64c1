"""Reader of TRC, the text format for markers of OpenSim, Pose2Sim and many motion capture programs."""

from os import PathLike
from pathlib import Path

import numpy as np

from poseglass.errors import FormatError
from poseglass.mocap.text import NumberTable
from poseglass.mocap.tracks import UNITS, PointTracks

__all__ = ["read_trc"]

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
