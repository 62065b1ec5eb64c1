"""CMU's motion capture as Human3.6M's 17 joints. A whole download is read by :mod:`poseglass.own`.

The recordings go round as Acclaim's ASF/AMC and as Bruce Hahne's BVH conversion ("cgspeed"). Both share a unit of
length, stand y up and, at rest, face +z with their left at +x.
"""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.plausible import FASTEST
from poseglass.errors import DataError
from poseglass.mocap.rigid import RigidMotion

__all__ = ["SPLITS", "cmu_take", "cmu_to_h36m", "cut_glitches", "is_cmu", "repair_bvh"]

UNIT = 0.0254 / 0.45  # metres in CMU's unit of length, in either format
SHORTEST = 30  # frames of a clip

# The subjects that are held back from training.
SPLITS = {"cmu_02": "val", "cmu_64": "val", "cmu_07": "test", "cmu_08": "test", "cmu_13": "test", "cmu_49": "test"}
MIXED = "cmu_mixed"  # the subject of takes whose name does not say who it is

# Human3.6M's joints in the BVH files and, as the ends of bones, in the ASF files; a|b is the midpoint.
JOINTS = {
    "pelvis": ("LeftUpLeg|RightUpLeg", "lhipjoint|rhipjoint"),  # not Hips, which lies above the hip joints
    "right_hip": ("RightUpLeg", "rhipjoint"),
    "right_knee": ("RightLeg", "rfemur"),
    "right_ankle": ("RightFoot", "rtibia"),
    "left_hip": ("LeftUpLeg", "lhipjoint"),
    "left_knee": ("LeftLeg", "lfemur"),
    "left_ankle": ("LeftFoot", "ltibia"),
    "spine": ("Spine", "lowerback"),
    "thorax": ("Neck|Neck1", "thorax|lowerneck"),
    "neck_nose": ("Head", "upperneck"),  # the base of the skull
    "head_top": ("Head End Site", "head"),
    "left_shoulder": ("LeftArm", "lclavicle"),
    "left_elbow": ("LeftForeArm", "lhumerus"),
    "left_wrist": ("LeftHand|LeftFingerBase", "lradius|lwrist"),
    "right_shoulder": ("RightArm", "rclavicle"),
    "right_elbow": ("RightForeArm", "rhumerus"),
    "right_wrist": ("RightHand|RightFingerBase", "rradius|rwrist"),
}


def cmu_to_h36m(mocap: RigidMotion) -> PoseSequence:
    """A CMU recording as 17 joints in the world: metres, y up, at its own frame rate.

    A BVH file loses its first frame, a T-pose that the conversion added, and gets its lost bones back
    (:func:`repair_bvh`). Joint 9 stands at the base of the skull, some 5 cm behind a detector's nose.

    Raises:
        DataError: The joints are neither those of CMU's ASF files nor those of their BVH conversion.

    Example:
        >>> from poseglass.mocap.bvh import read_bvh
        >>> walk = cmu_to_h36m(read_bvh("07_01.bvh"))  # doctest: +SKIP
    """
    bvh = "lhipjoint" not in mocap.names
    parts = [JOINTS[joint][0 if bvh else 1].split("|") for joint in H36M_17.joints]
    needed = {name for names in parts for name in names} | ({"Spine1"} if bvh else set())  # which repairs the thorax
    if missing := sorted(needed - set(mocap.names)):
        raise DataError(
            f"this is not a recording of CMU's, or was renamed: joints {', '.join(missing)} are missing; "
            f"there are {', '.join(mocap.names)}"
        )
    if len(mocap) <= bvh:
        raise DataError("the recording is empty: it has no frame but the T-pose")
    if bvh:
        mocap = repair_bvh(mocap)
    points = np.stack([np.mean([mocap.joint(name) for name in names], axis=0) for names in parts], 1)
    points = points[1 if bvh else 0 :] * (mocap.unit or UNIT)
    return PoseSequence(points, H36M_17, "world", fps=mocap.fps)


def repair_bvh(mocap: RigidMotion) -> RigidMotion:
    """The thorax and wrist bones, which the BVH conversion left with no length, as long as they most likely were.

    The thorax is as long as the spine below it, a wrist half as long as the hand; what is left of the error is 1 to
    5 mm in the mean. Bones that have a length are left alone.
    """
    bones = dict(zip(mocap.names, mocap.offsets[0], strict=True))
    thorax = np.array([0, np.linalg.norm(bones["Spine1"]), 0])
    fixed = dict.fromkeys(("Neck", "LeftShoulder", "RightShoulder"), thorax)
    for side in ("Left", "Right"):
        fixed |= dict.fromkeys((f"{side}FingerBase", f"{side[0]}Thumb"), bones[f"{side}Hand"] / 2)
    return mocap.with_offsets({name: bone for name, bone in fixed.items() if name in bones and not bones[name].any()})


def cut_glitches(poses: PoseSequence) -> list[PoseSequence]:
    """The stretches between glitches: cut where a joint is faster than 25 m/s, those under 30 frames left out."""
    steps = np.linalg.norm(np.diff(poses.points, axis=0), axis=-1) * poses.rate
    cuts = np.flatnonzero((steps > FASTEST).any(-1)) + 1
    edges = [0, *cuts.tolist(), len(poses)]
    return [poses[a:b] for a, b in pairwise(edges) if b - a >= SHORTEST]


def cmu_take(path: Path) -> tuple[str, str]:
    """The names of a take and of its subject, from the name of its file: ``07_01`` is of the subject ``cmu_07``."""
    if match := re.fullmatch(r"(\d+)_(\d+)", path.stem):
        subject = f"cmu_{int(match[1]):02d}"
        return f"{subject}_{int(match[2]):02d}", subject
    return f"cmu_{path.stem}", MIXED


def is_cmu(mocap: RigidMotion) -> bool:
    """Whether a body has the bones that only CMU's recordings have, under their names."""
    return {"lhipjoint", "lradius"} <= {*mocap.names} or {"LHipJoint", "LeftFingerBase"} <= {*mocap.names}
