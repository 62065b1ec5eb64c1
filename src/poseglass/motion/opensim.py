"""`coordinates`: joint angles as the coordinates of OpenSim's full-body models, for ``.mot`` files."""

import logging

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.mocap.rotations import euler_angles, euler_rotations
from poseglass.mocap.storage import Columns
from poseglass.motion.angles import joint_angles
from poseglass.motion.upright import has_place, upright

__all__ = ["COORDINATES", "coordinates"]

log = logging.getLogger("poseglass")

PELVIS = ("pelvis_rotation", "pelvis_obliquity", "pelvis_tilt")
COORDINATES: dict[str, tuple[str, int]] = {
    "hip_flexion_*": ("*_hip_flexion", 1),
    "hip_adduction_*": ("*_hip_adduction", 1),
    "hip_rotation_*": ("*_hip_rotation", 1),
    "knee_angle_*": ("*_knee_flexion", 1),
    "ankle_angle_*": ("*_ankle_dorsiflexion", 1),
    "lumbar_extension": ("trunk_flexion", -1),
    "lumbar_bending": ("trunk_bending", 1),
    "lumbar_rotation": ("trunk_rotation", 1),
    "arm_flex_*": ("*_shoulder_flexion", 1),
    "arm_add_*": ("*_shoulder_abduction", -1),
    "arm_rot_*": ("*_shoulder_rotation", 1),
    "elbow_flex_*": ("*_elbow_flexion", 1),
}
"""OpenSim's coordinates, each with its angle in :data:`poseglass.motion.angles.ANGLES` and its sign; ``*`` stands for a
side. The pelvis is not in the table, because its order of rotations differs."""


def coordinates(motion: PoseSequence) -> Columns:
    """The coordinates of a full-body model of OpenSim, in degrees and metres.

    Names and signs are those of ``Rajagopal2016.osim`` (Rajagopal et al., IEEE Trans. Biomed. Eng. 63, 2016); the world
    is OpenSim's ground. A model needs a value in every frame, so unknown angles are interpolated in time. An
    angle that is unknown in every frame is left out, and so is the pelvis without a place in the world.

    Raises:
        PoseError: The poses are not 3D, or the skeleton does not convert to Human3.6M's.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> walk = pg.PoseSequence(np.random.default_rng(0).normal(size=(30, 17, 3)), pg.H36M_17, "world", fps=30)
        >>> coordinates(walk).names[:4]
        ('pelvis_tilt', 'pelvis_list', 'pelvis_rotation', 'pelvis_tx')
    """
    angles = joint_angles(motion)
    ours = {name: filled for name in angles.names if (filled := _without_gaps(angles[name])) is not None}
    theirs: dict[str, Float[ndarray, " f"]] = {}
    if has_place(motion) and {*PELVIS} <= ours.keys():
        theirs |= _pelvis(ours)
        path = upright(motion).to_skeleton().joint("pelvis").astype(float)
        theirs |= {f"pelvis_t{axis}": path[:, number] for number, axis in enumerate("xyz")}
    for side, short in (("right", "r"), ("left", "l")):
        for coordinate, (angle, sign) in COORDINATES.items():
            if (name := angle.replace("*", side)) in ours:
                theirs[coordinate.replace("*", short)] = sign * ours[name]
    return Columns((*theirs,), np.stack([*theirs.values()], -1), angles.times)


def _without_gaps(degrees: Float[ndarray, " f"]) -> Float[ndarray, " f"] | None:
    """The angle, interpolated where it is unknown; None if it always is."""
    known = np.isfinite(degrees)
    if not known.any():
        return None
    frames = np.arange(len(degrees))
    filled: ndarray = np.interp(frames, frames[known], degrees[known])
    return filled


def _pelvis(ours: dict[str, Float[ndarray, " f"]]) -> dict[str, Float[ndarray, " f"]]:
    """OpenSim's angles of the pelvis, which turns about Z (tilt), X (list) and Y (rotation), in this order.

    Ours turns about Y, X and Z, and faces the world's z axis at 0, where OpenSim's faces x.
    """
    rotation, obliquity, tilt = (ours[name] for name in PELVIS)
    turn = euler_rotations("yxz", np.radians(np.stack([rotation - 90, -obliquity, -tilt], -1)))
    degrees = np.degrees(euler_angles("zxy", turn[:, None])[:, 0])
    return dict(zip(("pelvis_tilt", "pelvis_list", "pelvis_rotation"), degrees.T, strict=True))
