"""Convert CMU's motion capture to Human3.6M's 17 joints. :mod:`poseglass.own` reads a whole download.

The takes exist as Acclaim ASF/AMC files and in Bruce Hahne's BVH conversion ("cgspeed"). Both have the same unit of
length and y up. In the rest pose the person faces +z, with the left side at +x.
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

UNIT = 0.0254 / 0.45  # metres per CMU unit of length, in both formats
SHORTEST = 30  # minimum frames of a clip

# Subjects that are not used for training.
SPLITS = {"cmu_02": "val", "cmu_64": "val", "cmu_07": "test", "cmu_08": "test", "cmu_13": "test", "cmu_49": "test"}
MIXED = "cmu_mixed"  # the subject of takes whose names do not tell it

# For each Human3.6M joint: the joint of the BVH files, and the bone of the ASF files that ends there; a|b: midpoint.
JOINTS = {
    "pelvis": ("LeftUpLeg|RightUpLeg", "lhipjoint|rhipjoint"),  # Hips lies above the hip joints
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
    """Convert a CMU take to 17 joints in the world: metres, y up, at its own frame rate.

    The first frame of a BVH file, a T-pose added by the conversion, is dropped, and bones without length are repaired
    (:func:`repair_bvh`). Joint 9 is at the base of the skull, about 5 cm behind the nose that detectors report.

    Args:
        mocap: A take in either format.

    Raises:
        DataError: The joints are not those of CMU's ASF files or of the BVH conversion, or there is no frame.

    Example:
        >>> from poseglass.mocap.bvh import read_bvh
        >>> walk = cmu_to_h36m(read_bvh("07_01.bvh"))  # doctest: +SKIP
    """
    bvh = "lhipjoint" not in mocap.names
    parts = [JOINTS[joint][0 if bvh else 1].split("|") for joint in H36M_17.joints]
    needed = {name for names in parts for name in names} | ({"Spine1"} if bvh else set())  # needed for the repair
    if missing := sorted(needed - set(mocap.names)):
        raise DataError(
            f"this is not a CMU take: it lacks the joints {', '.join(missing)}; there are {', '.join(mocap.names)}"
        )
    if len(mocap) <= bvh:
        raise DataError("the take is empty: it has no frame besides the T-pose")
    if bvh:
        mocap = repair_bvh(mocap)
    points = np.stack([np.mean([mocap.joint(name) for name in names], axis=0) for names in parts], 1)
    points = points[1 if bvh else 0 :] * (mocap.unit or UNIT)
    return PoseSequence(points, H36M_17, "world", fps=mocap.fps)


def repair_bvh(mocap: RigidMotion) -> RigidMotion:
    """Restore the thorax and wrist bones, which have no length in the BVH conversion.

    The thorax gets the length of the spine below it, and a wrist gets half the length of the hand. The remaining mean
    error is 1 to 5 mm. Bones that have a length are not changed.
    """
    bones = dict(zip(mocap.names, mocap.offsets[0], strict=True))
    thorax = np.array([0, np.linalg.norm(bones["Spine1"]), 0])
    fixed = dict.fromkeys(("Neck", "LeftShoulder", "RightShoulder"), thorax)
    for side in ("Left", "Right"):
        fixed |= dict.fromkeys((f"{side}FingerBase", f"{side[0]}Thumb"), bones[f"{side}Hand"] / 2)
    return mocap.with_offsets({name: bone for name, bone in fixed.items() if name in bones and not bones[name].any()})


def cut_glitches(poses: PoseSequence) -> list[PoseSequence]:
    """Cut a take where a joint moves faster than 25 m/s, and drop pieces of fewer than 30 frames."""
    steps = np.linalg.norm(np.diff(poses.points, axis=0), axis=-1) * poses.rate
    cuts = np.flatnonzero((steps > FASTEST).any(-1)) + 1
    edges = [0, *cuts.tolist(), len(poses)]
    return [poses[a:b] for a, b in pairwise(edges) if b - a >= SHORTEST]


def cmu_take(path: Path) -> tuple[str, str]:
    """Return the names of a take and its subject, given the path of its file.

    Example:
        >>> cmu_take(Path("07_01.amc"))
        ('cmu_07_01', 'cmu_07')
    """
    if match := re.fullmatch(r"(\d+)_(\d+)", path.stem):
        subject = f"cmu_{int(match[1]):02d}"
        return f"{subject}_{int(match[2]):02d}", subject
    return f"cmu_{path.stem}", MIXED


def is_cmu(mocap: RigidMotion) -> bool:
    """Return whether a take has the bone names of CMU's files."""
    return {"lhipjoint", "lradius"} <= {*mocap.names} or {"LHipJoint", "LeftFingerBase"} <= {*mocap.names}
