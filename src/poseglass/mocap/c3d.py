"""Reader of C3D, the binary marker format of motion capture laboratories; uses the library `c3d`."""

import itertools
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from poseglass.errors import FormatError
from poseglass.files.extras import require
from poseglass.files.quiet import without_warnings
from poseglass.mocap.tracks import UNITS, PointTracks

__all__ = ["read_c3d"]


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
