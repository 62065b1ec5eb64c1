"""Reader and writer of npz files in the layout of AMASS: rotations of the joints of SMPL+H, without a body shape.

SMPL's rest pose is a T-pose, facing +z, as that of :class:`poseglass.mocap.animation.Animation`, so the rotations of a
rig apply to it. The bodies differ in their bone lengths and a little in their rest pose. The file therefore moves an
SMPL body as the rig moves, but does not put its joints where the rig's joints are.
"""

from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError, PoseError
from poseglass.files.arrays import read_arrays
from poseglass.files.writing import writing
from poseglass.mocap.animation import Animation
from poseglass.mocap.rotations import axis_rotations, rotation_vectors, vector_rotations

__all__ = ["SMPL_JOINTS", "SMPL_PARENTS", "SmplMotion", "read_amass", "smpl_motion", "write_amass"]

SMPL_JOINTS = (
    *("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle"),
    *("spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
)
"""The body's joints, which SMPL, SMPL+H and SMPL-X share. Source: Loper et al., "SMPL", 2015, and its software."""

SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)

HAND_JOINTS = 30  # SMPL+H has three joints per finger after the body's; AMASS stores all 52 (amass.is.tue.mpg.de)
RATES = ("mocap_framerate", "mocap_frame_rate", "fps")  # keys of SMPL+H, of SMPL-X, and of other tools
SMPLX_PARTS = ("root_orient", "pose_body")  # in place of "poses" in files of SMPL-X
SHAPES = 16  # shape parameters in the files of AMASS

RIG_JOINTS: dict[str, str] = {
    "pelvis": "Hips",
    "spine1": "Spine",
    "spine3": "Chest",
    "neck": "Neck",
    "head": "Head",
    **{f"{side.lower()}_{smpl}": f"{side}{rig}" for side in ("Left", "Right") for smpl, rig in {
        "hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "foot": "ToeBase",
        "collar": "Shoulder", "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand",
    }.items()},
}  # fmt: skip
"""The rig's joint that turns the same part of the body. SMPL's other joint, spine2, stays straight."""

# AMASS's z points up. A rig's y points up: a quarter turn about x.
Z_UP: Float[ndarray, "3 3"] = axis_rotations("x", np.array([np.pi / 2]))[0]


class SmplMotion(NamedTuple):
    """The motion of an SMPL body, z up, as AMASS stores it.

    Args:
        rotations: Rotation of each body joint relative to its parent (f 22 3 3), in the order of `SMPL_JOINTS`.
        translation: Path of the pelvis in metres (f 3). AMASS's ``trans`` moves the whole body instead, whose pelvis
            is not at its origin: subtract the first joint of your body model at rest, which is about 0.2 m below.
        fps: Frames per second.
    """

    rotations: Float[ndarray, "f 22 3 3"]
    translation: Float[ndarray, "f 3"]
    fps: float


def smpl_motion(animation: Animation) -> SmplMotion:
    """The motion of an SMPL body whose parts turn as those of a rig.

    Raises:
        PoseError: The rig's root is not ``Hips``, or none of its other joints has a counterpart in SMPL.
    """
    matched = {smpl: animation.names.index(rig) for smpl, rig in RIG_JOINTS.items() if rig in animation.names}
    if matched.get("pelvis") != 0 or len(matched) < 2:
        expected = ", ".join(RIG_JOINTS.values())
        raise PoseError(f"expected a rig with the root Hips and joints such as {expected}; got {animation.names}")
    world = np.empty((len(animation), len(SMPL_JOINTS), 3, 3))
    for joint, (name, parent) in enumerate(zip(SMPL_JOINTS, SMPL_PARENTS, strict=True)):
        # A joint that the rig lacks stays straight.
        world[:, joint] = animation.orientations[:, matched[name]] if name in matched else world[:, parent]
    local = np.swapaxes(world[:, SMPL_PARENTS], -1, -2) @ world
    local[:, 0] = Z_UP @ world[:, 0]
    return SmplMotion(local, animation.root @ Z_UP.T, animation.fps)


def write_amass(motion: SmplMotion, path: str | PathLike[str]) -> None:
    """Write an npz file with the arrays of AMASS.

    The arrays are ``poses`` (f 156: rotation vectors of 52 joints, those of the fingers zero), ``trans`` (f 3),
    ``mocap_framerate``, and ``gender`` and ``betas``, which say "neutral" and zeros because the shape is unknown.

    Source: Mahmood et al., "AMASS: Archive of Motion Capture as Surface Shapes", ICCV 2019; amass.is.tue.mpg.de.

    Raises:
        PoseError: The file cannot be written.

    Example:
        >>> still = SmplMotion(np.tile(np.eye(3), (9, 22, 1, 1)), np.zeros((9, 3)), fps=30)
        >>> write_amass(still, "still.amass.npz")
        >>> np.load("still.amass.npz")["poses"].shape
        (9, 156)
    """
    poses = np.zeros((len(motion.rotations), len(SMPL_JOINTS) + HAND_JOINTS, 3))
    poses[:, : len(SMPL_JOINTS)] = rotation_vectors(motion.rotations)
    arrays = {
        "poses": poses.reshape(len(poses), -1),  # f 3j
        "trans": motion.translation,
        "mocap_framerate": np.array(motion.fps),
        "gender": np.array("neutral"),
        "betas": np.zeros(SHAPES),
    }
    with writing(path, PoseError) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # NumPy's types confuse keywords and arrays


def read_amass(path: str | PathLike[str]) -> SmplMotion:
    """Read the motion of the body from an npz file in the layout of AMASS. The shape and the fingers are left out.

    Raises:
        FormatError: The file is missing, broken, or has other arrays.

    Example:
        >>> read_amass("CMU/07/07_01_poses.npz").fps  # doctest: +SKIP
        120.0
    """
    path = Path(path)
    try:
        arrays = read_arrays(path, ("poses", *SMPLX_PARTS, "trans", *RATES))
        parts = ["poses"] if "poses" in arrays else SMPLX_PARTS
        poses = np.concatenate([np.asarray(arrays[part], float) for part in parts], -1)
        translation = np.asarray(arrays["trans"], float)
        fps = float(arrays[next((key for key in RATES if key in arrays), RATES[0])])
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None
    except (KeyError, TypeError, ValueError) as problem:
        raise FormatError(f"{path} is not an npz with poses, trans and {RATES[0]}: {problem}") from None
    if not (np.isfinite(fps) and fps > 0 and np.isfinite(poses).all() and np.isfinite(translation).all()):
        raise FormatError(f"{path}: expected finite numbers and a positive {RATES[0]}, got others (rate {fps})")
    joints = len(SMPL_JOINTS)
    if poses.ndim != 2 or poses.shape[1] < 3 * joints or translation.shape != (len(poses), 3) or not len(poses):
        shapes = f"poses {poses.shape} and trans {translation.shape}"
        raise FormatError(f"{path}: expected poses (frames, {3 * joints} or more) and trans (frames, 3), got {shapes}")
    vectors = poses[:, : 3 * joints].reshape(len(poses), joints, 3)  # f 22 3
    return SmplMotion(vector_rotations(vectors), translation, fps)
