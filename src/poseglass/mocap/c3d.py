"""Reader and writer of C3D, the binary marker format of motion capture laboratories; both use the library `c3d`."""

import itertools
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from poseglass.errors import FormatError, PoseError
from poseglass.files.extras import require
from poseglass.files.quiet import without_warnings
from poseglass.files.writing import writing
from poseglass.mocap.tracks import UNITS, PointTracks

__all__ = ["read_c3d", "write_c3d"]

MILLIMETRE = 0.001  # of a metre
MOST_LABELS = 255  # labels in one parameter of the file, and characters in a label


def read_c3d(path: str | PathLike[str]) -> PointTracks:
    """Read the points of a C3D file; analog channels are ignored.

    A point with a negative residual is unknown. Labels lose a subject prefix (``Anna:LASI`` becomes ``LASI``).
    Points without a label are left out.

    Source: the C3D File Format User Guide (c3d.org), "3D point residuals" and "POINT:LABELS".

    Raises:
        FormatError: The file is missing, broken or cut off, or its labels are not unique.
        DataError: The library is not installed; the message says how to install it.

    Example:
        >>> read_c3d("walk.c3d").names[:2]  # doctest: +SKIP
        ('LFHD', 'RFHD')
    """
    path = Path(path)
    library = require("c3d")
    try:
        # The library warns about things that do not matter here, such as files without analog channels.
        with path.open("rb") as file, without_warnings():
            reader = library.Reader(file)
            labels = _labels(reader)
            fps, announced = float(reader.point_rate), int(reader.frame_count)
            frames = [points[:, :4].astype(np.float32) for _, points, _ in reader.read_frames(analog_transform=False)]
            parameter = reader.get("POINT:UNITS")
            unit = "" if parameter is None else str(parameter.string_value).strip("\0 ").lower()
    except FileNotFoundError:
        raise FormatError(f"there is no file {path}") from None
    except OSError as problem:
        raise FormatError(f"cannot read {path}: {problem.strerror or problem}") from None
    except Exception as problem:  # the library raises exceptions of many kinds for a broken file
        reason = str(problem) or type(problem).__name__
        raise FormatError(f"{path} cannot be read as C3D ({reason}); was it copied completely?") from None
    if len(frames) != announced or not frames:
        text = f"expected {announced} frames, as the header announces, got {len(frames)}; was the file cut off?"
        raise FormatError(f"{path}: {text}")
    samples = np.stack(frames).astype(np.float64)  # f j 4: x, y, z, residual
    if len(labels) < samples.shape[1]:
        raise FormatError(f"{path}: expected a label for each of {samples.shape[1]} points, got {len(labels)} labels")
    samples[samples[..., 3] < 0] = np.nan
    labelled = [number for number in range(samples.shape[1]) if labels[number]]
    names = tuple(labels[number] for number in labelled)
    try:
        return PointTracks(names, samples[:, labelled, :3], fps or None, UNITS.get(unit))
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None


def _labels(reader: Any) -> list[str]:
    """Labels of all points. One parameter holds at most 255 of them; LABELS2, LABELS3, ... hold the rest."""
    labels: list[str] = []
    for suffix in itertools.chain([""], itertools.count(2)):
        if (parameter := reader.get(f"POINT:LABELS{suffix}")) is None:
            return labels
        labels += [str(label).strip("\0 ").rpartition(":")[2] for label in np.ravel(parameter.string_array)]
    raise AssertionError("the count has no end")


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
