"""A synthetic person, standing or moving, with every joint's position given; metres, y up, facing +z, left at +x."""

import numpy as np
from numpy import ndarray

# The left side and the middle; the right side mirrors the left. Proportions of an adult of 1.75 m.
MIDDLE = {
    "pelvis": (0.0, 0.93, 0.0),
    "spine": (0.0, 1.17, -0.01),
    "thorax": (0.0, 1.42, -0.01),
    "neck": (0.0, 1.43, 0.0),
    "neck_nose": (0.0, 1.55, 0.09),
    "nose": (0.0, 1.55, 0.09),
    "head": (0.0, 1.58, 0.02),
    "head_top": (0.0, 1.68, 0.03),
}
LEFT = {
    "hip": (0.134, 0.93, 0.0),
    "knee": (0.14, 0.49, 0.01),
    "ankle": (0.14, 0.05, 0.0),
    "shoulder": (0.16, 1.41, -0.01),
    "elbow": (0.20, 1.13, -0.03),
    "wrist": (0.22, 0.89, 0.05),
    "eye": (0.032, 1.585, 0.075),
    "eye_inner": (0.018, 1.585, 0.08),
    "eye_outer": (0.045, 1.585, 0.07),
    "ear": (0.075, 1.565, -0.005),
    "mouth": (0.025, 1.51, 0.075),
    "pinky": (0.23, 0.80, 0.05),
    "index": (0.22, 0.79, 0.08),
    "thumb": (0.20, 0.83, 0.08),
    "heel": (0.14, 0.01, -0.05),
    "big_toe": (0.13, 0.01, 0.18),
    "small_toe": (0.18, 0.01, 0.16),
    "foot_index": (0.14, 0.01, 0.18),
}


def joint(name: str) -> ndarray:
    """The position of a joint, given its name in the skeletons."""
    if name in MIDDLE:
        return np.array(MIDDLE[name])
    side, _, part = name.partition("_")
    return np.array(LEFT[part]) * ([1, 1, 1] if side == "left" else [-1, 1, 1])


def body(joints: tuple[str, ...]) -> ndarray:
    """The standing person (j 3) with these joints."""
    return np.stack([joint(name) for name in joints])


def turned(points: ndarray, angle: float, axis: int = 1) -> ndarray:
    """Rotate points (... 3) about an axis, with the matrix written out."""
    c, s = np.cos(angle), np.sin(angle)
    matrices = {
        0: [[1, 0, 0], [0, c, -s], [0, s, c]],
        1: [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        2: [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return points @ np.array(matrices[axis]).T


def motion(frames: int, joints: tuple[str, ...], seed: int = 0) -> ndarray:
    """The person (f j 3) swaying, turning and wandering smoothly. Every joint also moves slightly on its own."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None, None]
    phase, speed = rng.uniform(0, 6, (1, len(joints), 3)), rng.uniform(0.05, 0.15, (1, len(joints), 3))
    swaying = body(joints) + 0.05 * np.sin(phase + speed * time)
    path = np.concatenate([0.3 * np.sin(0.03 * time), 0 * time, 0.5 * np.cos(0.02 * time)], -1)
    return np.stack([turned(pose, 0.02 * t) for t, pose in enumerate(swaying)]) + path
