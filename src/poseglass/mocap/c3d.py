"""Reader of C3D, the binary files of markers and joint centres of motion capture laboratories, by the library `c3d`."""

import warnings
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from poseglass.errors import FormatError
from poseglass.files.extras import needed
from poseglass.mocap.points import UNITS, Tracks

__all__ = ["read_c3d"]


def read_c3d(path: str | PathLike[str]) -> Tracks:
    """Read the points of a C3D file; what its analog channels measured is passed over.

    A point whose residual is negative is not known. Labels lose what stands before a colon (``Anna:LASI``).

    Raises:
        FormatError: The file is missing, broken or cut off, or its labels do not tell its points apart.
        DataError: The library is not installed; the message says how to.

    Example:
        >>> read_c3d("walk.c3d").names[:2]  # doctest: +SKIP
        ('LFHD', 'RFHD')
    """
    path = Path(path)
    library = needed("c3d")
    try:
        # The library warns of what does not matter here, such as files without analog channels.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = library.Reader(file)
            labels = _labels(reader)
            fps, announced = float(reader.point_rate), int(reader.frame_count)
            frames = [points[:, :4].astype(np.float32) for _, points, _ in reader.read_frames(analog_transform=False)]
            unit = reader.get("POINT:UNITS")
            name = "" if unit is None else str(unit.string_value).strip("\0 ").lower()
    except FileNotFoundError:
        raise FormatError(f"there is no file {path}") from None
    except OSError as problem:
        raise FormatError(f"cannot read {path}: {problem.strerror or problem}") from None
    except Exception as problem:  # the library raises anything at a broken file
        why = str(problem) or type(problem).__name__
        raise FormatError(f"{path} cannot be read as C3D ({why}); was it copied whole?") from None
    if len(frames) != announced or not frames:
        raise FormatError(f"{path}: {announced} frames are announced, there are {len(frames)}; was the file cut off?")
    rows = np.stack(frames).astype(np.float64)
    if len(labels) < rows.shape[1]:
        raise FormatError(f"{path}: {len(labels)} labels are there for {rows.shape[1]} points")
    rows[rows[..., 3] < 0] = np.nan
    named = [number for number in range(rows.shape[1]) if labels[number]]
    try:
        return Tracks(tuple(labels[n] for n in named), rows[:, named, :3], fps or None, UNITS.get(name))
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None


def _labels(reader: Any) -> list[str]:
    """Of all points: a parameter holds 255 labels at most, and others go on."""
    labels: list[str] = []
    for number in ["", *range(2, 30)]:
        if (parameter := reader.get(f"POINT:LABELS{number}")) is None:
            break
        labels += [str(label).strip("\0 ").rpartition(":")[2] for label in np.ravel(parameter.string_array)]
    return labels
