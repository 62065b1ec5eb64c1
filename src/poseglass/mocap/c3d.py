"""Reader and writer of C3D, the binary marker format of motion capture laboratories.

The writer uses the library `c3d`. The reader does not: of 80 public files (those of ezc3d, BTK, pyomeca, ULEMA and
DeepLabCut), `c3d` 0.6 refuses 11 that can be read, and `ezc3d` 1.7.2 refuses 10, hangs on 1, returns no frames for 1
and wrong points for 4.
"""

from os import PathLike
from pathlib import Path

import numpy as np

from poseglass.errors import FormatError, PoseError
from poseglass.files.extras import require
from poseglass.files.quiet import without_warnings
from poseglass.files.writing import writing
from poseglass.mocap.c3d_points import parse_c3d
from poseglass.mocap.labels import clean_labels
from poseglass.mocap.text import read_content
from poseglass.mocap.tracks import PointTracks, unit_of

__all__ = ["read_c3d", "write_c3d"]

MILLIMETRE = 0.001  # of a metre
MOST_LABELS = 255  # labels in one parameter of the file, and characters in a label


def read_c3d(path: str | PathLike[str]) -> PointTracks:
    """Read the points of a C3D file; analog channels are ignored.

    A point with a negative residual is unknown. Labels lose the prefix of the subject (``Anna:LASI`` becomes ``LASI``);
    if there are several subjects, labels keep their prefixes (:func:`poseglass.mocap.labels.by_subject`). Points
    without a label are left out. POINT:Y_SCREEN, which should say which axis points up, is not used: it is wrong in 4
    of 63 public files.

    Source: the C3D File Format User Guide (c3d.org), "3D point residuals" and "POINT:LABELS".

    Raises:
        FormatError: The file is missing, broken or cut off.

    Example:
        >>> read_c3d("walk.c3d").names[:2]  # doctest: +SKIP
        ('LFHD', 'RFHD')
    """
    path = Path(path)
    content = read_content(path)
    try:
        points = parse_c3d(content)
        if len(points.labels) < points.samples.shape[1]:
            text = f"expected a label for each of {points.samples.shape[1]} points, got {len(points.labels)} labels"
            raise FormatError(text)
        samples = points.samples
        samples[(samples[..., 3] < 0) | ~np.isfinite(samples).all(-1)] = np.nan
        labels = clean_labels(points.labels[: samples.shape[1]])
        return PointTracks(
            labels.names,
            samples[:, labels.columns, :3],
            points.fps or None,
            unit_of(points.unit),
            notes=points.notes + labels.notes,
        )
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None


def write_c3d(tracks: PointTracks, path: str | PathLike[str]) -> None:
    """Write a C3D file: floats, in millimetres, y up, without analog channels. Unknown points get the residual -1.

    Source: the C3D File Format User Guide (c3d.org).

    Args:
        tracks: The points, at most 255. They must state their rate and unit. The format has no time stamps.
        path: The file. It is written completely or not at all.

    Raises:
        PoseError: The file cannot be written, the rate or the unit is unknown, or the format cannot store the names.
        DataError: The library is not installed; the message says how to install it.

    Example:
        >>> hip = PointTracks(("RHip",), np.ones((2, 1, 3)), fps=60, unit=1.0)
        >>> write_c3d(hip, "hip.c3d")
        >>> read_c3d("hip.c3d").points[0].tolist()
        [[1000.0, 1000.0, 1000.0]]
    """
    library = require("c3d")
    fps, unit = tracks.stated()
    if len(tracks.names) > MOST_LABELS:
        raise PoseError(f"expected at most {MOST_LABELS} points for a C3D file, got {len(tracks.names)}")
    for name in tracks.names:
        if not name.isascii() or not name.isprintable() or ":" in name or name != name.strip() or not name:
            raise PoseError(f"C3D cannot store the point name {name!r}: expected ASCII text without colons")
    known = np.isfinite(tracks.points).all(-1)
    samples = np.zeros((*known.shape, 5), np.float32)  # f j 5: x, y, z, residual, cameras
    samples[..., :3] = np.where(known[..., None], tracks.points, 0) * (unit / MILLIMETRE)
    samples[..., 3] = np.where(known, 0, -1)
    writer = library.Writer(point_rate=fps, point_units="mm")
    writer.set_point_labels(tracks.names)
    # Which of the file's axes run to the right and up on a screen.
    writer.point_group.add_str("X_SCREEN", "the axis to the right", "+X", 2)
    writer.point_group.add_str("Y_SCREEN", "the axis that points up", "+Y", 2)
    nothing = np.zeros((0, 0), np.float32)
    writer.add_frames([(frame, nothing) for frame in samples])
    with writing(path, PoseError) as temporary, temporary.open("wb") as file, without_warnings():
        writer.write(file)
