"""Animations made up for tests."""

import numpy as np

from poseglass.mocap.animation import Animation
from poseglass.mocap.rotations import euler_rotations

__all__ = ["random_animation"]


def random_animation(
    seed: int, *, joints: int = 8, frames: int = 5, leaves_turn: bool = True, fps: float = 44
) -> Animation:
    """A random tree of joints with random rest vectors and rotations; the joints at the ends may turn or not."""
    generator = np.random.default_rng(seed)
    parents = (-1, *(int(generator.integers(0, joint)) for joint in range(1, joints)))
    rest = generator.uniform(-0.5, 0.5, (joints, 3))
    rest[0] = 0
    angles = generator.uniform(-np.pi, np.pi, (frames * joints, 3))
    rotations = euler_rotations("zyx", angles).reshape(frames, joints, 3, 3)
    if not leaves_turn:
        rotations[:, [joint for joint in range(joints) if joint not in parents]] = np.eye(3)
    names = tuple(f"Joint{joint}" for joint in range(joints))
    root = generator.normal(0, 2, (frames, 3))
    return Animation(names, parents, rest, rotations, root, fps)
