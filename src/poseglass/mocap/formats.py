"""The table of motion capture formats by suffix, and `read_motion` and `read_tracks`, which read any of them.

To add a format, write its reader in a file of its own and add a row to `READERS`.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from poseglass.errors import FormatError
from poseglass.mocap.acclaim import read_acclaim
from poseglass.mocap.arrays import read_npy, read_npz
from poseglass.mocap.bvh import read_bvh
from poseglass.mocap.c3d import read_c3d
from poseglass.mocap.point_table import read_point_table
from poseglass.mocap.rigid import RigidMotion
from poseglass.mocap.tracks import PointTracks
from poseglass.mocap.trc import read_trc

__all__ = ["READERS", "read_motion", "read_tracks"]

# The reader of each suffix, given the path and the joint names for files that have none.
READERS: dict[str, Callable[[Path, Sequence[str]], RigidMotion | PointTracks]] = {
    ".bvh": lambda path, names: read_bvh(path),
    ".amc": lambda path, names: read_acclaim(path),
    ".c3d": lambda path, names: read_c3d(path),
    ".trc": lambda path, names: read_trc(path),
    ".csv": lambda path, names: read_point_table(path),
    ".npy": read_npy,
    ".npz": read_npz,
}


def read_motion(path: str | PathLike[str], names: Sequence[str] = ()) -> RigidMotion | PointTracks:
    """Read a motion capture file as its suffix says: as bones if the format has bones, otherwise as points.

    Args:
        path: The file.
        names: Joint names in the order of the array, for files that do not name their joints.

    Raises:
        FormatError: The file is missing, broken or of an unknown format; the message says where.

    Example:
        >>> read_motion("07_01.amc").parents[:3]  # doctest: +SKIP
        (-1, 0, 0)
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise FormatError(f"{path} has an unknown format; expected one of {', '.join(READERS)}")
    if not path.is_file():
        raise FormatError(f"there is no file {path}")
    return READERS[suffix](path, names)


def read_tracks(path: str | PathLike[str], names: Sequence[str] = ()) -> PointTracks:
    """Read named points over time from a motion capture file. The suffix determines the format.

    =============  ======================================================  =====================
    suffix         points                                                  stated by the file
    =============  ======================================================  =====================
    .bvh           joints, by forward kinematics                           fps
    .amc           ends of bones; needs the .asf in the same folder        unit; fps 120 assumed
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
        Points in the file's own unit and axes, NaN where unknown.

    Raises:
        FormatError: The file is missing, broken or of an unknown format; the message says where.

    Example:
        >>> _ = Path("walk.csv").write_text("frame,hip_x,hip_y,hip_z\\n0,1,2,3\\n1,1,2,4\\n")
        >>> read_tracks("walk.csv").points[:, 0].tolist()
        [[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]]
    """
    motion = read_motion(path, names)
    return motion.tracks() if isinstance(motion, RigidMotion) else motion
