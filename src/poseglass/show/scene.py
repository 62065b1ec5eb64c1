"""The look of 3D figures: colours, thickness of limbs, shading, viewpoint and ground.

The rendered video and the browser's player share it, so that they look the same. Nothing here draws.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton

__all__ = [
    "AMBER",
    "BONE",
    "DIM",
    "GRID",
    "INK",
    "LEFT",
    "MINT",
    "NIGHT",
    "PEOPLE",
    "RIGHT",
    "ROSE",
    "SHADING",
    "SLATE",
    "SOLE",
    "SURE",
    "UPRIGHT",
    "Colour",
    "Grid",
    "GroundLevel",
    "Shading",
    "Viewpoint",
    "bone_ends",
    "figure_colours",
    "girths",
    "middle_joints",
    "mix",
    "side_colours",
    "sides",
]  # fmt: skip

Colour = tuple[int, int, int]

NIGHT: Colour = (13, 16, 23)
"""The background."""
SLATE: Colour = (42, 49, 63)
"""A frame that was not kept, and other muted parts."""
INK: Colour = (222, 227, 236)
"""Text."""
DIM: Colour = (128, 138, 156)
"""Secondary text."""
LEFT: Colour = (64, 196, 240)
"""The left side of the body."""
RIGHT: Colour = (255, 116, 98)
"""The right side of the body."""
BONE: Colour = (226, 230, 238)
"""The middle of the body."""
AMBER: Colour = (255, 205, 92)
"""A kept frame."""
ROSE: Colour = (150, 62, 84)
"""A frame in which the person was not detected."""

MINT: Colour = (110, 231, 168)
"""A foot that stands on the ground."""
PEOPLE: tuple[Colour, ...] = (
    (240, 196, 88), (120, 200, 255), (244, 134, 190), (140, 224, 140), (180, 150, 255), (255, 150, 96),
)  # fmt: skip
"""The colours of several people, in turn."""

UPRIGHT = 0.98
"""Height of a standing person's middle above the ground in metres; the camera looks at it."""
SURE = 0.3
"""2D joints with a lower score are not drawn."""

# Metres from the centre of a joint to the skin, set by eye so that figures look like slim people.
GIRTH = {
    "hip": 0.054, "knee": 0.043, "ankle": 0.03, "shoulder": 0.044, "elbow": 0.034, "wrist": 0.026, "pelvis": 0.062,
    "spine": 0.058, "thorax": 0.052, "neck": 0.045, "neck_nose": 0.05, "nose": 0.05, "head": 0.07, "head_top": 0.07,
}  # fmt: skip
OTHER_GIRTH = 0.025  # of joints that are not in the table: hands, feet and face
SOLE = 0.06
"""Metres from the ankle to the ground."""
SINKING, RISING = 0.08, 0.3  # time constants of the ground in seconds: it covers 63 % of the way to a new height


@dataclass(frozen=True)
class Shading:
    """How limbs are coloured: shares of background colour mixed into them, and the size of the highlight.

    Args:
        dimmed: Share for a pose that was filled in.
        near: Share for a limb at the distance of the figure's centre.
        per_metre: Share added for each metre that a limb is farther away.
        most: Upper limit of the share that depends on distance.
        rim: Share for the dark rim of a limb.
        shade: Share for the side in shadow.
        highlight: Thickness of the lit side, as a share of the limb's.
        shift: Shift of the lit side up and to the left, as a share of the limb's thickness.
        rim_pixels: Thickness of the rim in pixels, for a picture 540 pixels high.
    """

    dimmed: float = 0.68
    near: float = 0.12
    per_metre: float = 0.6
    most: float = 0.4
    rim: float = 0.84
    shade: float = 0.22
    highlight: float = 0.6
    shift: float = 0.22
    rim_pixels: float = 1.5


@dataclass(frozen=True)
class Grid:
    """The grid on the ground, in metres.

    Args:
        cell: Side of a cell.
        reach: Distance from the figure at which the grid has faded out.
    """

    cell: float = 0.5
    reach: float = 2.25


SHADING, GRID = Shading(), Grid()


def figure_colours(index: int, *, alone: bool) -> tuple[Colour, Colour, Colour]:
    """The colours of a figure's middle, left and right.

    A person alone has a blue left and a red right side. One of several has a colour of their own, which is lighter on
    the left and darker on the right.
    """
    if alone:
        return BONE, LEFT, RIGHT
    own = PEOPLE[index % len(PEOPLE)]
    return own, mix(own, (255, 255, 255), 0.35), mix(own, NIGHT, 0.35)


def sides(skeleton: Skeleton) -> tuple[list[int], list[int]]:
    """The side of each joint and of each bone: 0 in the middle, 1 left, 2 right. Bones across are in the middle."""

    def side(joint: str) -> int:
        return 1 if joint.startswith("left_") else 2 if joint.startswith("right_") else 0

    joints = [side(joint) for joint in skeleton.joints]
    bones = [0 if side(parent) and side(child) != side(parent) else side(child) for child, parent in skeleton.bones]
    return joints, bones


def side_colours(
    skeleton: Skeleton, colours: tuple[Colour, Colour, Colour] = (BONE, LEFT, RIGHT)
) -> tuple[list[Colour], list[Colour]]:
    """The colours of the joints and of the bones, given those of the middle, the left and the right."""
    joints, bones = sides(skeleton)
    return [colours[side] for side in joints], [colours[side] for side in bones]


def bone_ends(skeleton: Skeleton) -> tuple[list[int], list[int]]:
    """The joint indices of the far (child) and near (parent) ends of the bones."""
    return [skeleton.index(child) for child, _ in skeleton.bones], [skeleton.index(near) for _, near in skeleton.bones]


def girths(skeleton: Skeleton) -> Float[ndarray, " j"]:
    """The radius of the body at each joint in metres."""
    return np.array(
        [GIRTH.get(name.removeprefix("left_").removeprefix("right_"), OTHER_GIRTH) for name in skeleton.joints]
    )


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """Mix a share (0 to 1) of the other colour into a colour."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def middle_joints(skeleton: Skeleton) -> list[int]:
    """The joints whose mean the camera follows: the root, else the hips, else all joints."""
    hips = [i for i, name in enumerate(skeleton.joints) if name in ("left_hip", "right_hip")]
    return [skeleton.index(skeleton.root)] if skeleton.root else hips or list(range(len(skeleton)))


@dataclass(frozen=True)
class Viewpoint:
    """A camera that looks at a point above the ground under the figure, by default from slightly aside and above.

    Args:
        yaw: The camera's angle around the figure, to the right, in degrees.
        pitch: The camera's angle above the figure, in degrees.
        distance: Distance to the point in metres.
        height: Height of the point above the ground in metres.
        zoom: Focal length, as a multiple of the picture's height.

    Example:
        >>> Viewpoint(yaw=0, pitch=0).project(np.array([[0.0, -0.98, 0.0]]), (640, 480)).tolist()
        [[320.0, 240.0, 4.6]]
    """

    yaw: float = 38.0
    pitch: float = 13.0
    distance: float = 4.6
    height: float = UPRIGHT
    zoom: float = 1.66

    @cached_property
    def turn(self) -> Float[ndarray, "3 3"]:
        """The rotation from the scene's axes to the camera's. Both have x right, y down, z away."""
        yaw, pitch = math.radians(self.yaw), math.radians(self.pitch)
        (sin, cos), (up, level) = (math.sin(yaw), math.cos(yaw)), (math.sin(pitch), math.cos(pitch))
        return np.array([[cos, 0, sin], [sin * up, level, -cos * up], [-sin * level, up, cos * level]])

    def project(self, points: Float[ndarray, "*b 3"], size: tuple[int, int]) -> Float[ndarray, "*b 3"]:
        """Project points, in metres from the ground under the figure, to pixels x, y and depth in metres (... 3)."""
        turned = (points + np.array([0, self.height, 0])) @ self.turn.T
        depth = np.maximum(turned[..., 2:] + self.distance, 0.2)
        width, height = size
        pixels = turned[..., :2] / depth * (self.zoom * height) + [width / 2, height / 2]
        return np.concatenate([pixels, depth], -1)


class GroundLevel:
    """Estimates the height of the ground frame by frame. It follows the lowest joint, quickly down and slowly up.

    Root-relative poses have no height above the ground. Putting the lowest joint on the ground restores it, so a figure
    bobs when it walks and goes down in a squat. The slow rise keeps the ground calm under swinging feet.

    Args:
        fps: Frames per second.

    Example:
        >>> round(GroundLevel(30)(np.array([[0.0, -0.5, 0.0], [0.0, 0.9, 0.0]])), 2)
        0.96
    """

    def __init__(self, fps: float) -> None:
        self._sink, self._rise = (1 - math.exp(-1 / (fps * seconds)) for seconds in (SINKING, RISING))
        self._height: float | None = None

    def __call__(self, points: Float[ndarray, "j 3"]) -> float:
        """The y coordinate (down) of the ground under the next pose. A pose without known joints does not change it."""
        heights = points[np.isfinite(points).all(1), 1]
        if len(heights):
            lowest = float(heights.max()) + SOLE
            if self._height is None:
                self._height = lowest
            self._height += (lowest - self._height) * (self._sink if lowest > self._height else self._rise)
        return self._height or 0.0
