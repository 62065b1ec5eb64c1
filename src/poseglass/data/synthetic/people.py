"""Synthetic people: procedural motion of any length with exact 3D, free of any licence.

A body of fixed bones stands, walks, sits or bows, driven by a few sines whose rates and phases come from the generator
passed in. The motion is smooth and plausible but belongs to nobody. Its purpose is to try the tools.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.proportions import H36M_LENGTHS
from poseglass.body.skeleton import H36M_17
from poseglass.data.virtual.detector import DetectorNoise, detect
from poseglass.data.virtual.draws import NumpyDraws

__all__ = ["STYLES", "Style", "detections", "move", "stand_camera"]

ANKLE = 0.08  # height of an ankle above the floor in metres
ROOM = 1.2  # people stay within this many metres of the middle
NOISE = DetectorNoise(jitter=(0.006, 0.012), bias=0.006, outliers=0.002, swaps=0, gaps=0, blackouts=0)


class Style(NamedTuple):
    """How an action is performed.

    Args:
        stride: Strides per second; 0 stands still.
        sit: How far hips and knees are bent, from 0 (upright) to 1 (on a chair).
        lean: How far the trunk leans forward, in radians.
        arms: How far the arms go up and down, in radians.
    """

    stride: float = 0.0
    sit: float = 0.0
    lean: float = 0.05
    arms: float = 0.3


# Keys are Human3.6M's names of its actions.
STYLES: dict[str, Style] = {
    "Directions": Style(arms=0.8),
    "Discussion": Style(arms=0.6, lean=0.1),
    "Eating": Style(sit=0.95, arms=0.7, lean=0.2),
    "Greeting": Style(arms=1.1),
    "Phoning": Style(stride=0.4, arms=0.5),
    "Photo": Style(sit=0.2, arms=0.9, lean=0.15),
    "Posing": Style(sit=0.1, arms=0.7),
    "Purchases": Style(sit=0.3, lean=0.6, arms=0.7),
    "Sitting": Style(sit=1.0, arms=0.3, lean=0.15),
    "SittingDown": Style(sit=1.3, arms=0.4, lean=0.5),
    "Smoking": Style(sit=0.9, arms=0.6),
    "Waiting": Style(arms=0.2),
    "WalkDog": Style(stride=0.8, lean=0.15, arms=0.4),
    "Walking": Style(stride=0.95, arms=0.35),
    "WalkTogether": Style(stride=0.9, arms=0.3),
}


def move(
    rng: Generator, style: Style, frames: int, *, fps: float = 50.0, scale: float = 1.0
) -> Float[ndarray, "f 17 3"]:
    """Generate the motion of a person.

    Args:
        rng: The source of randomness.
        style: What the person does.
        frames: The number of frames.
        fps: Frames per second.
        scale: The size of the person; 1 is an average adult. Bone lengths are constant.

    Returns:
        Human3.6M's 17 joints in the world (f 17 3), metres, z up, the floor at z = 0.

    Example:
        >>> import numpy as np
        >>> move(np.random.default_rng(0), STYLES["Walking"], 100).shape
        (100, 17, 3)
    """
    time = np.arange(frames) / fps
    pace = 2 * np.pi * style.stride * time + 0.3 * _wander(rng, time, 0.1) + rng.uniform(0, 2 * np.pi)
    walks = min(style.stride, 0.9) / 0.9
    if walks:
        angle = rng.choice([-1.0, 1.0]) * style.stride * 1.1 / ROOM * time + rng.uniform(0, 2 * np.pi)
        place = ROOM * np.stack([np.cos(angle), np.sin(angle)], -1)
        yaw = np.arctan2(*np.gradient(place, axis=0).T[::-1]) if frames > 1 else angle
    else:
        place = 0.3 * np.stack([_wander(rng, time, 0.05), _wander(rng, time, 0.05)], -1)
        yaw = rng.uniform(-np.pi, np.pi) + 0.6 * _wander(rng, time, 0.08)
    zero = np.zeros(frames)
    ahead = np.stack([np.cos(yaw), np.sin(yaw), zero], -1)
    left = np.stack([-np.sin(yaw), np.cos(yaw), zero], -1)
    up = np.array([0.0, 0.0, 1.0])
    length = dict(zip(H36M_17.joints, H36M_LENGTHS * scale, strict=True))
    joints = {"pelvis": np.zeros((frames, 3))}

    def hang(child: str, parent: str, swing: ndarray, spread: ndarray | float = 0.0, side: float = 0.0) -> None:
        """Place a bone that hangs down, swung forward by one angle and spread to the side by another."""
        down = np.cos(spread) * np.cos(swing)
        bone = np.asarray(np.cos(spread) * np.sin(swing))[:, None] * ahead - down[:, None] * up
        bone += np.broadcast_to(side * np.sin(spread), frames)[:, None] * left
        joints[child] = joints[parent] + length[child] * bone

    lean = np.pi - style.lean - 0.1 * _wander(rng, time, 0.2)
    hang("spine", "pelvis", lean)
    hang("thorax", "spine", lean - 0.05)
    hang("neck_nose", "thorax", lean - 0.45 + 0.1 * _wander(rng, time, 0.3))
    hang("head_top", "neck_nose", lean + 0.1)
    for name, side in (("left", 1.0), ("right", -1.0)):
        step = pace + (0 if side > 0 else np.pi)
        thigh = 1.45 * style.sit + walks * (0.45 * np.sin(step) + 0.08) + 0.06 * _wander(rng, time, 0.3)
        knee = 1.45 * style.sit + walks * (0.12 + 0.9 * np.clip(np.cos(step), 0, None) ** 2) + 0.05
        lift = style.arms * (1 + _wander(rng, time, 0.25)) - 0.3 * walks * np.sin(step)
        hang(f"{name}_hip", "pelvis", zero, np.pi / 2, side)
        hang(f"{name}_knee", f"{name}_hip", thigh, 0.06 + 0.1 * style.sit, side)
        hang(f"{name}_ankle", f"{name}_knee", thigh - knee)
        hang(f"{name}_shoulder", "thorax", zero, np.pi / 2 - 0.12, side)
        hang(f"{name}_elbow", f"{name}_shoulder", lift, 0.2 + 0.15 * _wander(rng, time, 0.2), side)
        hang(f"{name}_wrist", f"{name}_elbow", lift + 0.35 + 0.4 * style.arms * (1 + _wander(rng, time, 0.3)))
    body = np.stack([joints[name] for name in H36M_17.joints], 1)
    body[..., :2] += place[:, None]
    body[..., 2] += ANKLE - body[:, [3, 6], 2].min(1, keepdims=True)
    return body


def detections(rng: Generator, pixels: Float[ndarray, "f 17 2"]) -> Float[ndarray, "f 17 2"]:
    """Add a 2D detector's errors to projected joints: a few pixels off, rarely far off, none missing.

    Args:
        rng: The source of randomness.
        pixels: The true positions (f 17 2).

    Returns:
        The positions that a detector would report (f 17 2).
    """
    points, _ = detect(NumpyDraws(rng), torch.from_numpy(pixels)[None], NOISE, H36M_17.mirror)
    return points[0].cpu().numpy()


def stand_camera(yaw: float, *, distance: float = 4.5, height: float = 1.4) -> tuple[ndarray, ndarray]:
    """Return a level camera that looks at the middle of the room.

    Args:
        yaw: The camera's angle around the middle, in radians.
        distance: Metres from the middle.
        height: Metres above the floor.

    Returns:
        The rotation, world to camera (3 3), and the position (3), metres, z up.
    """
    forward = -np.array([np.cos(yaw), np.sin(yaw), 0.0])
    down = np.array([0.0, 0.0, -1.0])
    return np.stack([np.cross(down, forward), down, forward]), -distance * forward + np.array([0, 0, height])


def _wander(rng: Generator, time: Float[ndarray, " f"], rate: float) -> Float[ndarray, " f"]:
    """A smooth random curve between about -1 and 1, at about this many cycles per second."""
    rates, phases = rate * rng.uniform(0.6, 1.6, 3), rng.uniform(0, 2 * np.pi, 3)
    return np.asarray(np.sin(2 * np.pi * np.outer(time, rates) + phases).mean(-1) * 1.3)
