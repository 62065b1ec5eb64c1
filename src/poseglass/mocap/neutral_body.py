"""A neutral body that SMPL's rotations can move without SMPL's model files, by forward kinematics."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.mocap.rigid import RigidMotion
from poseglass.mocap.smpl import SMPL_JOINTS, SMPL_PARENTS, SmplMotion

__all__ = ["NEUTRAL_REST", "neutral_bones"]

# Vectors in metres from the parent to each joint in SMPL's rest pose: a T-pose, y up, facing +z, the left towards +x.
# Lengths between Human3.6M's joints are the means of that data set; the joints between them (spine1 to spine3, collars)
# and the toes are estimates. SMPL's own bodies differ in shape, and their pelvis is a little above the hips.
NEUTRAL_REST: dict[str, tuple[float, float, float]] = {
    "pelvis": (0, 0, 0),
    "spine1": (0, 0.118, 0),
    "spine2": (0, 0.118, 0),
    "spine3": (0, 0.054, 0),
    "neck": (0, 0.200, 0),
    "head": (0, 0.116, 0),
    "head_top": (0, 0.115, 0),
    **{
        f"{side}_{joint}": (sign * x, y, z)
        for side, sign in (("left", 1), ("right", -1))
        for joint, (x, y, z) in {
            "hip": (0.134, 0, 0),
            "knee": (0, -0.443, 0),
            "ankle": (0, -0.443, 0),
            "foot": (0, -0.06, 0.13),
            "collar": (0.040, 0.170, 0),
            "shoulder": (0.111, 0.030, 0),
            "elbow": (0.278, 0, 0),
            "wrist": (0.249, 0, 0),
        }.items()
    },
}
NOTE = "SMPL's rotations move a neutral body with the mean bone lengths of Human3.6M; the file's body shape is not used"


def neutral_bones(motion: SmplMotion) -> RigidMotion:
    """The neutral body moved by the rotations of SMPL, in metres, z up, with a joint ``head_top``.

    Example:
        >>> still = SmplMotion(np.tile(np.eye(3), (9, 22, 1, 1)), np.zeros((9, 3)), fps=30)
        >>> neutral_bones(still).joint("left_wrist")[0].round(3).tolist()
        [0.678, 0.49, 0.0]
    """
    names, parents = (*SMPL_JOINTS, "head_top"), (*SMPL_PARENTS, SMPL_JOINTS.index("head"))
    world: Float[ndarray, "f j 3 3"] = np.empty_like(motion.rotations)
    for joint, parent in enumerate(SMPL_PARENTS):
        own = motion.rotations[:, joint]
        world[:, joint] = world[:, parent] @ own if parent >= 0 else own
    bones = world[:, parents]  # f j 3 3: a bone turns with the joint at its start
    bones[:, 0] = np.eye(3)
    offsets = np.tile(np.array([NEUTRAL_REST[name] for name in names]), (len(world), 1, 1))  # f j 3
    offsets[:, 0] = motion.translation
    return RigidMotion(names, parents, offsets, bones, motion.fps, unit=1.0, up="z", notes=(NOTE,))
