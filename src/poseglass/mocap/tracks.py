"""`Tracks`: named points in motion, as any file of motion capture gives them; and which reader reads which file."""

import re
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.mocap.acclaim import Asf, read_amc, read_asf
from poseglass.mocap.bvh import read_bvh
from poseglass.mocap.c3d import read_c3d
from poseglass.mocap.point_table import read_point_table
from poseglass.mocap.points import Tracks
from poseglass.mocap.rigid import Mocap
from poseglass.mocap.trc import read_trc

__all__ = ["SUFFIXES", "Tracks", "asf_of", "read_mocap", "read_tracks"]


def read_tracks(path: str | PathLike[str], names: Sequence[str] = ()) -> Tracks:
    """Named points over time from a file, by its suffix.

    =============  ===============================================  =========================
    suffix         what                                             what it says of itself
    =============  ===============================================  =========================
    .bvh           joints, by forward kinematics                    fps
    .amc           the ends of bones; its .asf is in the folder     unit; 120 fps is assumed
    .c3d           markers and joint centres                        fps, unit
    .trc           markers                                          fps, unit
    .csv           columns such as left_knee_x, or rows of joints   fps, by ``seconds``
    .npy           an array (frames, joints, 3)                     nothing
    .npz           ``points``, ``joints``, ``fps``, ...             what is in it
    =============  ===============================================  =========================

    Args:
        path: The file.
        names: Which joint is which, in the order of arrays that do not say.

    Returns:
        Points in the file's own unit and axes; NaN where they are not known.

    Raises:
        FormatError: The file is missing, broken or of no known kind; the message names the place.

    Example:
        >>> _ = Path("walk.csv").write_text("frame,hip_x,hip_y,hip_z\\n0,1,2,3\\n1,1,2,4\\n")
        >>> read_tracks("walk.csv").points[:, 0].tolist()
        [[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]]
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FormatError(f"{path} is of no kind that can be read; the kinds are {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise FormatError(f"there is no file {path}")
    try:
        return SUFFIXES[suffix](path, names)
    except OSError as problem:
        raise FormatError(f"cannot read {path}: {problem.strerror or problem}") from None


def read_mocap(path: Path) -> Mocap:
    """The rigid body of a ``.bvh`` or an ``.amc`` file.

    Raises:
        FormatError: It is broken, or the skeleton of the AMC file is not in its folder.
    """
    return read_bvh(path) if path.suffix.lower() == ".bvh" else read_amc(path, asf_of(path))


def asf_of(path: Path) -> Asf:
    """The skeleton of an AMC file: that of its subject (``07.asf`` for ``07_01.amc``), or the only one in the folder.

    Raises:
        FormatError: There is none, or it is not clear which.
    """
    there = sorted(file for file in path.parent.iterdir() if file.suffix.lower() == ".asf")
    named = [file for file in there if file.stem == re.split("_", path.stem)[0]]
    if len(chosen := named or there) != 1:
        raise FormatError(f"{path} needs its skeleton {path.stem.split('_')[0]}.asf in the same folder")
    return read_asf(chosen[0])


def _rigid(path: Path, names: Sequence[str]) -> Tracks:
    mocap = read_mocap(path)
    return Tracks(mocap.names, mocap.positions, mocap.fps, mocap.unit)


def _array(path: Path, names: Sequence[str]) -> Tracks:
    try:
        points = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as problem:
        raise FormatError(f"{path} is no array, or is cut off: {problem}") from None
    return _named(path, points, names, {})


def _archive(path: Path, names: Sequence[str]) -> Tracks:
    """``points``, and whatever else it says: ``joints``, ``fps``, ``timestamps``, ``valid``, ``space``."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            wanted = ("points", "joints", "fps", "timestamps", "valid", "space")
            found: dict[str, Any] = {key: archive[key] for key in wanted if key in archive.files}
            there = archive.files
    except OSError:
        raise
    except Exception as problem:  # a broken archive can raise anything
        raise FormatError(f"{path} is no npz of plain arrays, or is cut off: {problem}") from None
    if "points" not in found:
        raise FormatError(f"{path} has no array 'points' (frames, joints, 3); it has {', '.join(there) or 'none'}")
    return _named(path, found["points"], names, found)


def _named(path: Path, points: ndarray, names: Sequence[str], about: dict[str, Any]) -> Tracks:
    if points.ndim != 3 or points.shape[2] != 3 or points.dtype.kind not in "fiu":
        raise FormatError(f"{path}: numbers (frames, joints, 3) are expected, got {points.dtype} {points.shape}")
    joints = tuple(str(joint) for joint in np.ravel(about["joints"])) if "joints" in about else tuple(names)
    if not joints:
        raise FormatError(
            f"{path} does not say which of its {points.shape[1]} joints is which: name them in motion.toml, as "
            'skeleton = "coco17" or skeleton = ["hips", "left_knee", ...]'
        )
    if len(joints) != points.shape[1]:
        raise FormatError(f"{path} has {points.shape[1]} joints, and {len(joints)} are named: {', '.join(joints)}")
    rows: Float[ndarray, "f n 3"] = np.array(points, np.float64)
    try:
        if "valid" in about:
            rows[~np.asarray(about["valid"], bool)] = np.nan
        fps = float(about["fps"]) if "fps" in about else None
        times = np.asarray(about["timestamps"], np.float64) if "timestamps" in about else None
    except (IndexError, TypeError, ValueError) as problem:
        raise FormatError(f"{path}: fps, timestamps or valid do not go with its points: {problem}") from None
    if times is not None and times.shape != (len(rows),):
        raise FormatError(f"{path} has {len(rows)} frames and {times.size} timestamps")
    space = str(about.get("space", "")) or None
    return Tracks(joints, rows, fps, times=times, space=space if space in ("camera", "world") else None)


SUFFIXES: dict[str, Callable[[Path, Sequence[str]], Tracks]] = {
    ".bvh": _rigid,
    ".amc": _rigid,
    ".c3d": lambda path, names: read_c3d(path),
    ".trc": lambda path, names: read_trc(path),
    ".csv": lambda path, names: read_point_table(path),
    ".npy": _array,
    ".npz": _archive,
}
