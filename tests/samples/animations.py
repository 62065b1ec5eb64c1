"""Animations and motions made up for tests."""

from dataclasses import replace

import numpy as np

from conftest import make_walk
from poseglass.body.pose import PoseSequence
from poseglass.body.trajectory import Trajectory
from poseglass.mocap.animation import Animation
from poseglass.mocap.rotations import euler_rotations

__all__ = ["placed_walk", "random_animation"]


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


def placed_walk(frames: int = 90) -> PoseSequence:
    """:func:`conftest.make_walk` with its path, in a world whose floor is 0.95 m below the pelvis."""
    walk = make_walk(frames)
    turn = np.radians(25)  # as in make_walk
    seconds = walk.times - walk.times.mean()
    root = np.outer(seconds, np.multiply(1.2, [np.cos(turn), 0, -np.sin(turn)])) + np.array([0, 0.1, 4.2])
    to_world = np.eye(4)
    to_world[:3, :3] = np.diag([1, -1, -1])
    to_world[:3, 3] = [0, 0.95 + 0.1, 4.2]
    return replace(walk, trajectory=Trajectory(root, contact=np.zeros((frames, 2)), to_world=to_world, focal=1000))
