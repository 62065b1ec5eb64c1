"""`BodyMotion`: a motion file as Human3.6M's 17 joints."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.data.cmu import SPLITS as CMU_SPLITS
from poseglass.data.cmu import cmu_take, cmu_to_h36m, is_cmu
from poseglass.errors import DataError
from poseglass.mocap.formats import read_motion
from poseglass.mocap.rigid import RigidMotion
from poseglass.own.description import MotionDescription
from poseglass.own.joint_names import map_joints
from poseglass.own.sources import MotionFile

__all__ = ["BodyMotion", "read_body"]

FARTHEST = 1e9  # units of length: 1000 km in millimetres; some programs mark unknown points by larger numbers


@dataclass(frozen=True, eq=False)
class BodyMotion:
    """A motion file as Human3.6M's 17 joints.

    Args:
        file: The file.
        points: Joint positions (f 17 3); NaN where unknown.
        fps: Frames per second; None if unknown.
        times: Time of each frame in seconds (f); None if unknown.
        unit: Metres per unit of length of the points; None if unknown.
        up: The axis that points up; None if unknown.
        space: ``camera`` or ``world``.
    """

    file: MotionFile
    points: Float[ndarray, "f 17 3"]
    fps: float | None
    times: Float[ndarray, " f"] | None
    unit: float | None
    up: str | None
    space: str

    def __len__(self) -> int:
        return len(self.points)


def read_body(file: MotionFile, description: MotionDescription) -> BodyMotion:
    """Read a motion file as 17 joints, in the file's own unit and axes.

    CMU's recordings are recognised by their joints. They are returned in metres, with their own subject and split.

    Raises:
        DataError: Joints are missing.
        FormatError: The file is missing or broken.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> from pathlib import Path
        >>> from poseglass.own.description import TakeEntry
        >>> _ = pg.PoseSequence(np.zeros((90, 17, 3)), pg.H36M_17, "camera", fps=30).save("walk.npz")
        >>> file = MotionFile(Path("walk.npz"), "anna", "walk", "walk", "train", TakeEntry("walk.npz"))
        >>> body = read_body(file, MotionDescription())
        >>> body.points.shape, body.fps, body.space
        ((90, 17, 3), 30.0, 'camera')
    """
    motion = read_motion(file.path, description.names)
    rigid = motion if isinstance(motion, RigidMotion) else None
    # The description's rate replaces a rate that the reader assumed, but not one that the file states.
    fps = file.entry.fps or (description.fps if rigid is not None and rigid.fps_assumed else None)
    if rigid is not None and not description.joints and is_cmu(rigid):
        poses = cmu_to_h36m(replace(rigid, unit=description.unit or rigid.unit))
        points = _unknown_to_nan(poses.points.astype(np.float64), zero_is_unknown=False)
        file = _cmu_file(file, description)
        return BodyMotion(file, points, fps or poses.fps, None, 1.0, description.up or "y", "world")
    tracks = motion.tracks() if isinstance(motion, RigidMotion) else motion
    points = _unknown_to_nan(tracks.points, zero_is_unknown=rigid is None)
    try:
        points = map_joints(tracks.names, description.joints).apply(points)
    except DataError as problem:
        raise DataError(f"{file.path}: {problem}") from None
    space = "camera" if file.entry.camera else (description.space or tracks.space or "world")
    up = "-y" if space == "camera" else description.up
    fps = fps or tracks.fps or description.fps
    return BodyMotion(file, points, fps, tracks.times, description.unit or tracks.unit, up, space)


def _cmu_file(file: MotionFile, description: MotionDescription) -> MotionFile:
    """A CMU file with CMU's subject, take and split, unless the description lists takes."""
    if file.entry.subject or description.takes:
        return file
    take, subject = cmu_take(file.path)
    split = description.split_of(subject) if description.splits else CMU_SPLITS.get(subject, "train")
    return replace(file, take=take, subject=subject, split=split, is_cmu=True)


def _unknown_to_nan(points: Float[ndarray, "f j 3"], *, zero_is_unknown: bool) -> Float[ndarray, "f j 3"]:
    """Replace unknown points with NaN: infinite and huge ones, and those at 0 0 0 in some frames but not in all.

    Programs write 0 0 0 for lost markers. A point that is always at 0 0 0 is the root of root-relative poses.
    """
    origin = (points == 0).all(-1)  # f j
    lost = origin & ~origin.all(0) & zero_is_unknown
    return np.where(lost[..., None] | ~(np.abs(points) < FARTHEST), np.nan, points)
