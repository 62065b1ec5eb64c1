"""Reader of TRC, the text files of markers that OpenSim, Pose2Sim and many motion capture programs write."""

from os import PathLike
from pathlib import Path

import numpy as np

from poseglass.errors import FormatError
from poseglass.mocap.points import UNITS, Rows, Tracks

__all__ = ["read_trc"]


def read_trc(path: str | PathLike[str]) -> Tracks:
    """Read a TRC file: five lines of header, then a line a frame with its number, its time and the markers.

    Cells are apart by tabs; an empty one is a marker that is not known.

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
        text = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as problem:
        raise FormatError(f"cannot read {path}: {problem.strerror or problem}") from None
    if len(text) < 5 or not text[0].startswith("PathFileType"):
        raise FormatError(f"{path} is no TRC file: five lines are expected, the first of them 'PathFileType ...'")
    keys, values = text[1].split(), text[2].split()
    about = dict(zip(keys, values, strict=False))
    try:
        fps, frames, markers = float(about["DataRate"]), int(float(about["NumFrames"])), int(float(about["NumMarkers"]))
        unit = UNITS[about["Units"].lower()]
    except KeyError as problem:
        raise FormatError(f"{path}, lines 2 and 3: {problem} is missing, or no unit ({', '.join(UNITS)})") from None
    except (ValueError, OverflowError) as problem:
        raise FormatError(f"{path}, line 3: {problem}") from None
    names = tuple(cell.strip() for cell in text[3].split("\t")[2:] if cell.strip())
    if len(names) != markers:
        raise FormatError(f"{path}, line 4: {markers} markers are announced, {len(names)} are named")
    rows = Rows(path, 2 + 3 * markers)
    for number, line in enumerate(text[5:], 6):
        if line.strip():
            cells = line.split("\t") if "\t" in line else line.split()
            rows.add(number, cells[:-1] if len(cells) == rows.width + 1 and not cells[-1].strip() else cells)
    values_ = rows.array()
    if len(values_) != frames:
        raise FormatError(f"{path}: {frames} frames are announced, there are {len(values_)}; was the file cut off?")
    times = values_[:, 1] if np.isfinite(values_[:, 1]).all() else None
    return Tracks(names, values_[:, 2:].reshape(len(values_), -1, 3), fps, unit, times)
