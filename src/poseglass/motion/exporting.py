"""Write a motion for other programs: `Export`, which prepares it once, and one function per format.

The functions are those of :data:`poseglass.files.outputs.WRITERS`. All of them take a
:class:`~poseglass.body.pose.PoseSequence` or an :class:`Export`.
"""

import logging
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.resample import resample
from poseglass.errors import PoseError
from poseglass.mocap import bvh, c3d, gltf, smpl, storage, trc
from poseglass.mocap.animation import Animation
from poseglass.mocap.storage import Columns
from poseglass.mocap.tracks import PointTracks, frame_rate
from poseglass.motion.opensim import coordinates
from poseglass.motion.rig import fit_rig
from poseglass.motion.upright import has_place, upright

__all__ = ["Export", "write_amass", "write_bvh", "write_c3d", "write_glb", "write_mot", "write_trc"]

log = logging.getLogger("poseglass")

UNEVEN = 0.1  # frames: times that differ less from an even clock are rounded to it


@dataclass(frozen=True, eq=False)
class Export:
    """A motion prepared for other programs: evenly spaced in time, upright, with a rig and angles when needed.

    A motion without a place in the world is exported in the camera's axes, turned upright, without a path; that is
    logged once.

    Args:
        motion: 3D poses in camera or world space.

    Raises:
        PoseError: The poses are not 3D, or there are none.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> walk = pg.PoseSequence(np.random.default_rng(0).normal(size=(30, 17, 3)), pg.H36M_17, "world", fps=30)
        >>> Export(walk).points.names[:2]
        ('pelvis', 'right_hip')
    """

    motion: PoseSequence

    def __post_init__(self) -> None:
        if self.motion.units != "metres":
            raise PoseError(f"expected 3D poses in metres, got poses in {self.motion.units}: lift them first")
        if not len(self.motion):
            raise PoseError("expected a motion of at least one frame, got none")
        self.motion.require_known("export")
        motion = _even(self.motion)
        if not has_place(motion):
            log.warning(
                "the motion has no place in the world: it is written in the camera's axes, turned upright, with the "
                "pelvis at the origin"
            )
            motion = replace(motion, trajectory=None)  # relative to a moving camera, it is no path through the world
        object.__setattr__(self, "motion", motion)

    @cached_property
    def animation(self) -> Animation:
        """A rig that moves as the person does."""
        return fit_rig(self.motion).animation

    @cached_property
    def points(self) -> PointTracks:
        """The joints in metres, y up; unknown where a joint or the whole person is."""
        motion = upright(self.motion)
        known = motion.validity[:, None] & (motion.confidence > 0)
        points = np.where(known[..., None], motion.points.astype(float), np.nan)
        return PointTracks(motion.skeleton.joints, points, motion.rate, unit=1.0, times=motion.times, space="world")

    @cached_property
    def angles(self) -> Columns:
        """Joint angles as the coordinates of OpenSim's full-body models."""
        return coordinates(self.motion)


def write_bvh(motion: PoseSequence | Export, path: Path) -> None:
    """Write the rig's motion as BVH."""
    bvh.write_bvh(_export(motion).animation, path)


def write_glb(motion: PoseSequence | Export, path: Path) -> None:
    """Write the rig's motion and a light body as GLB."""
    gltf.write_glb(_export(motion).animation, path)


def write_amass(motion: PoseSequence | Export, path: Path) -> None:
    """Write the rig's rotations in the layout of AMASS, without a body shape."""
    smpl.write_amass(smpl.smpl_motion(_export(motion).animation), path)


def write_trc(motion: PoseSequence | Export, path: Path) -> None:
    """Write the joints as the markers of a TRC file. Unknown ones are ``nan``."""
    trc.write_trc(_export(motion).points, path)


def write_c3d(motion: PoseSequence | Export, path: Path) -> None:
    """Write the joints as the points of a C3D file. Unknown ones have the residual -1."""
    c3d.write_c3d(_export(motion).points, path)


def write_mot(motion: PoseSequence | Export, path: Path) -> None:
    """Write joint angles as the coordinates of an OpenSim model."""
    storage.write_mot(_export(motion).angles, path)


def _export(motion: PoseSequence | Export) -> Export:
    return motion if isinstance(motion, Export) else Export(motion)


def _even(motion: PoseSequence) -> PoseSequence:
    """The motion on an even clock. Frames are interpolated if their times are not nearly even."""
    motion = replace(motion, pose2d=None, kept=None)  # not exported
    if motion.timestamps is None:
        return motion
    rate = frame_rate(motion.times) or motion.rate
    even = motion.start + np.arange(len(motion)) / rate
    if np.abs(motion.times - even).max() * rate < UNEVEN:
        return replace(motion, timestamps=None, fps=rate)
    return resample(motion, rate)
