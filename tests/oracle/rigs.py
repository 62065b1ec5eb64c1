"""A person of rigid bones, posed by joint angles: forward kinematics in plain loops."""

import numpy as np
from numpy import ndarray

# Joint of Human3.6M, the joint its bone starts at, and the bone in the T-pose: y up, facing +z, the left at +x.
BONES = (
    ("right_hip", "pelvis", (-0.12, 0, 0)),
    ("right_knee", "right_hip", (0, -0.42, 0)),
    ("right_ankle", "right_knee", (0, -0.4, 0)),
    ("left_hip", "pelvis", (0.12, 0, 0)),
    ("left_knee", "left_hip", (0, -0.42, 0)),
    ("left_ankle", "left_knee", (0, -0.4, 0)),
    ("lower_back", "pelvis", (0, 0.06, 0)),
    ("spine", "lower_back", (0, 0.16, 0)),
    ("thorax", "spine", (0, 0.25, 0)),
    ("neck_nose", "thorax", (0, 0.12, 0.05)),
    ("head_top", "neck_nose", (0, 0.1, -0.05)),
    ("left_shoulder", "thorax", (0.15, 0, 0)),
    ("left_elbow", "left_shoulder", (0.28, 0, 0)),
    ("left_wrist", "left_elbow", (0.25, 0, 0)),
    ("right_shoulder", "thorax", (-0.15, 0, 0)),
    ("right_elbow", "right_shoulder", (-0.28, 0, 0)),
    ("right_wrist", "right_elbow", (-0.25, 0, 0)),
)
# The rig's joint that turns the bones which start here. Two joints turn bones at the thorax: neck and collar bones.
TURNS = {
    "pelvis": "Hips",
    "lower_back": "Spine",
    "spine": "Chest",
    "neck_nose": "Head",
    **{
        f"{side}_{joint}": side.capitalize() + name
        for side in ("left", "right")
        for joint, name in (("shoulder", "Arm"), ("elbow", "ForeArm"), ("hip", "UpLeg"), ("knee", "Leg"))
    },
}


def about(axis: tuple[float, float, float], angle: float) -> ndarray:
    """The rotation about an axis by an angle in radians (Rodrigues)."""
    x, y, z = np.array(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def pose_rig(turns: dict[str, ndarray], root: ndarray, joints: tuple[str, ...]) -> ndarray:
    """The positions of joints (j 3), from each rig joint's rotation relative to its parent; missing ones are 0."""
    place, world = {"pelvis": root}, {"pelvis": turns.get("Hips", np.eye(3))}
    for end, start, bone in BONES:
        turn = world[start]
        if start == "thorax":
            side = "Left" if end == "left_shoulder" else "Right"
            name = "Neck" if end == "neck_nose" else side + "Shoulder"
            turn = turn @ turns.get(name, np.eye(3))
        place[end] = place[start] + turn @ np.array(bone)
        world[end] = turn @ turns.get(TURNS.get(end, ""), np.eye(3))
    return np.array([place[joint] for joint in joints])


def random_turns(rng: np.random.Generator, bend: tuple[float, float] = (0.7, 2.4)) -> dict[str, ndarray]:
    """Rotations that 17 joints determine, with elbows and knees bent by an angle between these, in radians."""
    ball = {
        name: about(rng.normal(size=3), rng.uniform(0, 1.2))
        for name in ("Hips", "Chest", "Neck", "LeftArm", "RightArm", "LeftUpLeg", "RightUpLeg")
    }
    hinge = {
        "Spine": about((0, 0, 1), rng.uniform(-0.4, 0.4)),
        "LeftForeArm": about((0, -1, 0), rng.uniform(*bend)),
        "RightForeArm": about((0, 1, 0), rng.uniform(*bend)),
        "LeftLeg": about((1, 0, 0), rng.uniform(*bend)),
        "RightLeg": about((1, 0, 0), rng.uniform(*bend)),
    }
    # Both shoulders are pulled up and forward by the same angles; otherwise they look like a turn of the chest.
    up, forward = rng.uniform(-0.3, 0.3, size=2)
    collar = {"LeftShoulder": about((0, -forward, up), np.hypot(up, forward))}
    collar["RightShoulder"] = about((0, forward, -up), np.hypot(up, forward))
    return ball | hinge | collar
