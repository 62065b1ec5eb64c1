"""The stage that 3D figures stand on: colours, how thick a body is, the camera, the ground.

The rendered video and the browser's player share it, so that they show the same. Nothing here draws.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.errors import PoseError

__all__ = [
    "AMBER", "BONE", "DIM", "INK", "LEFT", "NIGHT", "RIGHT", "ROSE", "SLATE", "SURE",
    "Camera", "Colour", "Floor", "bone_ends", "girths", "middle_joints", "mix", "on_stage", "side_colours",
]  # fmt: skip

Colour = tuple[int, int, int]

NIGHT: Colour = (13, 16, 23)
"""Behind everything."""
SLATE: Colour = (42, 49, 63)
"""What is there but not lit."""
INK: Colour = (222, 227, 236)
DIM: Colour = (128, 138, 156)
LEFT: Colour = (64, 196, 240)
RIGHT: Colour = (255, 116, 98)
BONE: Colour = (226, 230, 238)
"""The middle of the body."""
AMBER: Colour = (255, 205, 92)
"""A kept frame."""
ROSE: Colour = (150, 62, 84)
"""A frame in which nobody was seen."""

SURE = 0.3
"""2D joints of lower score are not drawn."""

# Metres from a joint's centre to its skin, for the joints whose size is worth showing.
GIRTH = {
    "hip": 0.054, "knee": 0.043, "ankle": 0.03, "shoulder": 0.044, "elbow": 0.034, "wrist": 0.026, "pelvis": 0.062,
    "spine": 0.058, "thorax": 0.052, "neck": 0.045, "neck_nose": 0.05, "nose": 0.05, "head": 0.07, "head_top": 0.07,
}  # fmt: skip
SLIM = 0.025
SOLE = 0.06  # the ground lies below the ankle


def side_colours(skeleton: Skeleton) -> tuple[list[Colour], list[Colour]]:
    """The colour of each joint and of each bone: left, right or middle."""

    def colour(joint: str) -> Colour:
        return LEFT if joint.startswith("left_") else RIGHT if joint.startswith("right_") else BONE

    across = [child.split("_")[0] != parent.split("_")[0] and parent.startswith(("left_", "right_"))
              for child, parent in skeleton.bones]  # fmt: skip
    bones = [BONE if cross else colour(child) for (child, _), cross in zip(skeleton.bones, across, strict=True)]
    return [colour(joint) for joint in skeleton.joints], bones


def bone_ends(skeleton: Skeleton) -> tuple[list[int], list[int]]:
    """Joint numbers of the far and of the near end of each bone."""
    return [skeleton.index(child) for child, _ in skeleton.bones], [skeleton.index(near) for _, near in skeleton.bones]


def girths(skeleton: Skeleton) -> Float[ndarray, " j"]:
    """How thick the body is at each joint, in metres."""
    return np.array([GIRTH.get(name.removeprefix("left_").removeprefix("right_"), SLIM) for name in skeleton.joints])


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """A colour with a share of another in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def middle_joints(skeleton: Skeleton) -> list[int]:
    """The joints whose mean the camera follows: the root, or the hips, or all there are."""
    hips = [i for i, name in enumerate(skeleton.joints) if name in ("left_hip", "right_hip")]
    return [skeleton.index(skeleton.root)] if skeleton.root else hips or list(range(len(skeleton)))


def on_stage(motion: PoseSequence) -> Float[ndarray, "f j 3"]:
    """The points as the stage wants them: metres, x right, y down, z away.

    Raises:
        PoseError: The motion is not 3D.
    """
    if motion.space not in ("camera", "world"):
        raise PoseError(f"expected a 3D motion in camera or world space, got {motion.space}; lift it first")
    return motion.points if motion.space == "camera" else motion.points * np.array([1, -1, -1], np.float32)


@dataclass(frozen=True)
class Camera:
    """Looks at a point over the ground under the figure, from a little aside and above.

    Args:
        yaw: How far to the right it stands, in degrees around the figure.
        pitch: How far up it stands, in degrees.
        distance: Metres to the point it looks at.
        height: Metres of that point over the ground.
        zoom: Its focal length, as a multiple of the picture's height.
    """

    yaw: float = 38.0
    pitch: float = 13.0
    distance: float = 4.6
    height: float = 0.98
    zoom: float = 1.66

    @cached_property
    def turn(self) -> Float[ndarray, "3 3"]:
        """The rotation from the stage's axes to the camera's; both have x right, y down, z away."""
        yaw, pitch = math.radians(self.yaw), math.radians(self.pitch)
        (sin, cos), (up, level) = (math.sin(yaw), math.cos(yaw)), (math.sin(pitch), math.cos(pitch))
        return np.array([[cos, 0, sin], [sin * up, level, -cos * up], [-sin * level, up, cos * level]])

    def project(self, points: Float[ndarray, "*n 3"], size: tuple[int, int]) -> Float[ndarray, "*n 3"]:
        """Pixels x, y and the depth in metres of points given in metres from the ground under the figure."""
        seen = (points + np.array([0, self.height, 0])) @ self.turn.T
        depth = np.maximum(seen[..., 2:] + self.distance, 0.2)
        width, height = size
        pixels = seen[..., :2] / depth * (self.zoom * height) + [width / 2, height / 2]
        return np.concatenate([pixels, depth], -1)


class Floor:
    """The height of the ground, guessed as the video goes: the lowest joint's, sinking fast and rising slowly.

    Root-relative poses have no height of their own; standing the lowest joint on the ground gives it back, so that a
    walk bobs and a squat goes down, while the slow rise keeps the ground calm under swinging feet.

    Args:
        fps: Poses a second.
    """

    def __init__(self, fps: float) -> None:
        self._sink, self._rise = (1 - math.exp(-1 / (fps * seconds)) for seconds in (0.08, 0.3))
        self._height: float | None = None

    def __call__(self, points: Float[ndarray, "j 3"]) -> float:
        """The ground's y (down) under the next pose; poses of which nothing is known leave it where it is."""
        heights = points[np.isfinite(points).all(1), 1]
        if len(heights):
            lowest = float(heights.max()) + SOLE
            if self._height is None:
                self._height = lowest
            self._height += (lowest - self._height) * (self._sink if lowest > self._height else self._rise)
        return self._height or 0.0
