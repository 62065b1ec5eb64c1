"""The table of motion capture formats by suffix, and functions that read any of them.

To add a format, write its reader in a file of its own and add a row to `READERS`.
"""

import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from poseglass.errors import FormatError

if TYPE_CHECKING:
    from poseglass.mocap.rigid import NamedMotion, RigidMotion
    from poseglass.mocap.tracks import PointTracks

__all__ = ["READERS", "MotionReader", "read_motion", "read_motions", "read_tracks"]

SHOWN = 6  # takes listed in an error


class MotionReader(NamedTuple):
    """The function that reads a format. It is imported on first use, so that ``--help`` can list the suffixes quickly.

    Args:
        home: The function as ``module:name``.
        takes_names: Whether it takes joint names, because files may lack them.
    """

    home: str
    takes_names: bool = False


READERS: dict[str, MotionReader] = {
    ".bvh": MotionReader("bvh:read_bvh"),
    ".amc": MotionReader("acclaim:read_acclaim"),
    ".c3d": MotionReader("c3d:read_c3d"),
    ".trc": MotionReader("trc:read_trc"),
    ".glb": MotionReader("gltf:read_glb"),
    ".csv": MotionReader("point_table:read_point_table"),
    ".npy": MotionReader("arrays:read_npy", takes_names=True),
    ".npz": MotionReader("arrays:read_npz", takes_names=True),
}


def read_motions(path: str | PathLike[str], names: Sequence[str] = ()) -> "list[NamedMotion]":
    """Read all takes of a motion capture file as its suffix says. Most formats hold one take.

    Args:
        path: The file.
        names: Joint names in the order of the array, for files that do not name their joints.

    Raises:
        FormatError: The file is missing, broken or of an unknown format; the message says where.

    Example:
        >>> _ = Path("walk.csv").write_text("frame,hip_x,hip_y,hip_z\\n0,1,2,3\\n1,1,2,4\\n")
        >>> [(motion.subject, motion.take, len(motion.motion)) for motion in read_motions("walk.csv")]
        [('', '', 2)]
    """
    from poseglass.mocap.rigid import NamedMotion

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise FormatError(f"{path} has an unknown format; expected one of {', '.join(READERS)}")
    if not path.is_file():
        raise FormatError(f"there is no file {path}")
    reader = READERS[suffix]
    module, _, name = reader.home.partition(":")
    read: Callable[..., Any] = getattr(import_module(f"poseglass.mocap.{module}"), name)
    try:
        motion = read(path, names) if reader.takes_names else read(path)
    except MemoryError:
        raise FormatError(f"{path} needs more memory than there is; split it") from None
    return motion if isinstance(motion, list) else [NamedMotion(motion)]


def read_motion(path: str | PathLike[str], names: Sequence[str] = ()) -> "RigidMotion | PointTracks":
    """Read a motion capture file with one take: as bones if the format has bones, otherwise as points.

    Args:
        path: The file.
        names: Joint names in the order of the array, for files that do not name their joints.

    Raises:
        FormatError: The file is missing, broken, of an unknown format, or holds several takes.

    Example:
        >>> read_motion("07_01.amc").parents[:3]  # doctest: +SKIP
        (-1, 0, 0)
    """
    motions = read_motions(path, names)
    if len(motions) != 1:
        takes = ", ".join(f"{motion.subject} {motion.take}".strip() for motion in motions[:SHOWN])
        rest = " and others" if len(motions) > SHOWN else ""
        raise FormatError(f"{path} holds {len(motions)} takes: {takes}{rest}. Read them with read_motions")
    return motions[0].motion


def read_tracks(path: str | PathLike[str], names: Sequence[str] = ()) -> "PointTracks":
    """Read named points over time from a motion capture file. The suffix determines the format.

    =============  ======================================================  =====================
    suffix         points                                                  stated by the file
    =============  ======================================================  =====================
    .bvh           joints, by forward kinematics                           fps
    .amc           ends of bones; needs the .asf in the same folder        unit; fps 120 assumed
    .glb           joints of the first skin, by forward kinematics         fps, unit
    .c3d           markers and joint centres                               fps, unit
    .trc           markers                                                 fps, unit, times
    .csv           columns such as left_knee_x, or one row per joint       times, fps from them
    .npz           ``points``, and optionally ``joints``, ``fps``, ...     what it contains
    .npy           an array (frames, joints, 3)                            nothing
    =============  ======================================================  =====================

    Args:
        path: The file.
        names: Joint names in the order of the array, for files that do not name their joints.

    Returns:
        Points in the file's own unit and axes, NaN where unknown. There is a warning for each of their `notes`, which
        say what the reader assumed or left out.

    Raises:
        FormatError: The file is missing, broken or of an unknown format; the message says where.

    Example:
        >>> _ = Path("walk.csv").write_text("frame,hip_x,hip_y,hip_z\\n0,1,2,3\\n1,1,2,4\\n")
        >>> read_tracks("walk.csv").points[:, 0].tolist()
        [[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]]
    """
    from poseglass.mocap.rigid import RigidMotion

    motion = read_motion(path, names)
    for note in motion.notes:
        warnings.warn(f"{path}: {note}", stacklevel=2)
    return motion.tracks() if isinstance(motion, RigidMotion) else motion
