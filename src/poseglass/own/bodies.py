"""`BodyMotion`: a motion file as Human3.6M's 17 joints."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.data.cmu import SPLITS as CMU_SPLITS
from poseglass.data.cmu import cmu_take, cmu_to_h36m, is_cmu
from poseglass.errors import DataError
from poseglass.mocap.formats import read_motions
from poseglass.mocap.labels import by_subject
from poseglass.mocap.rigid import RigidMotion
from poseglass.mocap.tracks import PointTracks
from poseglass.own.description import MotionDescription
from poseglass.own.joint_names import map_joints
from poseglass.own.sources import MotionFile, action_of

__all__ = ["BodyMotion", "read_bodies"]

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
        notes: What was assumed or left out in reading, one sentence each.
        up_assumed: Whether `up` is only the format's custom.
    """

    file: MotionFile
    points: Float[ndarray, "f 17 3"]
    fps: float | None
    times: Float[ndarray, " f"] | None
    unit: float | None
    up: str | None
    space: str
    notes: tuple[str, ...] = ()
    up_assumed: bool = False

    def __len__(self) -> int:
        return len(self.points)


def read_bodies(file: MotionFile, description: MotionDescription) -> Iterator[BodyMotion | DataError]:
    """Read the people of a motion file as 17 joints, in the file's own unit and axes.

    A file with the points of several subjects, or with several takes, gives a motion for each of them, whose subject
    and take are those of the file's own names. CMU's recordings are recognised by their joints. They are returned in
    metres, with their own subject and split.

    Yields:
        The motions. Where joints are missing, the error takes the place of the motion.

    Raises:
        FormatError: The file is missing or broken.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> from pathlib import Path
        >>> from poseglass.own.description import TakeEntry
        >>> _ = pg.PoseSequence(np.zeros((90, 17, 3)), pg.H36M_17, "camera", fps=30).save("walk.npz")
        >>> file = MotionFile(Path("walk.npz"), "anna", "walk", "walk", "train", TakeEntry("walk.npz"))
        >>> (body,) = read_bodies(file, MotionDescription())
        >>> body.points.shape, body.fps, body.space
        ((90, 17, 3), 30.0, 'camera')
    """
    motions = read_motions(file.path, description.names)
    first = motions[0].motion
    if len(motions) == 1 and isinstance(first, RigidMotion) and not description.joints and is_cmu(first):
        yield _cmu_body(file, first, description)
        return
    parts = [
        (_named(file, named.subject or subject, named.take, description, alone=len(motions) == 1), named.motion, tracks)
        for named in motions
        for subject, tracks in by_subject(_tracks(named.motion)).items()
    ]
    problems = []
    count = 0
    for part, motion, tracks in parts:
        try:
            body = _body(part, motion, tracks, description)
        except DataError as problem:
            problems.append(DataError(f"{part.path}, {part.subject}: {problem}" if len(parts) > 1 else str(problem)))
            continue
        count += 1
        yield body
    # A prop beside a person, such as Sword:tip, is no error.
    yield from problems if not count or len(motions) > 1 else ()


def _tracks(motion: RigidMotion | PointTracks) -> PointTracks:
    return motion.tracks() if isinstance(motion, RigidMotion) else motion


def _named(file: MotionFile, subject: str, take: str, description: MotionDescription, *, alone: bool) -> MotionFile:
    """The file as one of its subjects and takes; unchanged if it holds one."""
    if not subject and not take:
        return file
    if subject and file.entry.subject:
        subject = f"{file.entry.subject} {subject}"
    subject, take = subject or file.subject, file.take if alone else take
    return replace(file, subject=subject, take=take, action=action_of(take), split=description.split_of(subject))


def _cmu_body(file: MotionFile, motion: RigidMotion, description: MotionDescription) -> BodyMotion:
    poses = cmu_to_h36m(replace(motion, unit=description.unit or motion.unit))
    points = _unknown_to_nan(poses.points.astype(np.float64), zero_is_unknown=False)
    file = _cmu_file(file, description)
    # The description's rate replaces a rate that the reader assumed, but not one that the file states.
    fps = file.entry.fps or (description.fps if motion.fps_assumed else None) or poses.fps
    return BodyMotion(file, points, fps, None, 1.0, description.up or "y", "world", motion.notes)


def _body(
    file: MotionFile, motion: RigidMotion | PointTracks, tracks: PointTracks, description: MotionDescription
) -> BodyMotion:
    is_rigid = isinstance(motion, RigidMotion)
    joint_map = map_joints(tracks.names, description.joints)
    points = joint_map.apply(_unknown_to_nan(tracks.points, zero_is_unknown=not is_rigid))
    space = "camera" if file.entry.camera else (description.space or tracks.space or "world")
    up = "-y" if space == "camera" else (description.up or tracks.up)
    assumed = isinstance(motion, RigidMotion) and motion.fps_assumed
    fps = file.entry.fps or (description.fps if assumed else None) or tracks.fps or description.fps
    notes = (*tracks.notes, *filter(None, [joint_map.note]))
    up_assumed = isinstance(motion, RigidMotion) and motion.up_assumed and not description.up and space == "world"
    unit = description.unit or tracks.unit
    return BodyMotion(file, points, fps, tracks.times, unit, up, space, notes, up_assumed)


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
