"""`mannequin`: a light body mesh for any skeleton, an ellipsoid around each bone."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from poseglass.mocap.animation import Animation

__all__ = ["Mesh", "mannequin"]

RINGS, SECTORS = 7, 10  # of an ellipsoid: 72 vertices
OVERLAP = 1.12  # length of an ellipsoid over that of its bone, so that neighbours touch
SHORTEST = 1e-6  # metres: a shorter bone has no body
SLENDER = 0.17  # radius over length of a bone that has no entry in RADII
LIMITS = (0.012, 0.08)  # metres: the least and the largest such radius

RADII: dict[str, tuple[float, float]] = {
    "Spine": (0.15, 0.11),
    "Chest": (0.14, 0.11),
    "Neck": (0.16, 0.12),
    "Head": (0.055, 0.06),
    "HeadTop": (0.085, 0.105),
    **{f"{side}UpLeg": (0.09, 0.09) for side in ("Left", "Right")},
    **{f"{side}Leg": (0.085, 0.085) for side in ("Left", "Right")},
    **{f"{side}Foot": (0.06, 0.06) for side in ("Left", "Right")},
}
"""Radii sideways and to the front, in metres, by the joint at the bone's end; estimates for an adult."""


class Mesh(NamedTuple):
    """Triangles that move with the joints.

    Args:
        vertices: Positions in metres, in the rest pose whose lowest joint is at height 0, (n 3).
        normals: Directions away from the surface, one per vertex, (n 3).
        joints: The joint that moves each vertex, (n).
        triangles: Indices of vertices, counterclockwise seen from outside, (m 3).
    """

    vertices: Float[ndarray, "n 3"]
    normals: Float[ndarray, "n 3"]
    joints: Int[ndarray, " n"]
    triangles: Int[ndarray, "m 3"]


def rest_positions(animation: Animation) -> Float[ndarray, "j 3"]:
    """Joint positions in the rest pose (j 3), in metres, the lowest one at height 0 and the root at x = z = 0."""
    positions = animation.rest.copy()
    for joint, parent in enumerate(animation.parents[1:], 1):
        positions[joint] += positions[parent]
    positions[:, 1] -= positions[:, 1].min()
    return positions


def mannequin(animation: Animation) -> Mesh:
    """A body mesh for the animation's skeleton in its rest pose.

    Example:
        >>> import numpy as np
        >>> rest = np.array([[0, 0, 0], [0, -0.4, 0]])
        >>> leg = Animation(("Hip", "Knee"), (-1, 0), rest, np.tile(np.eye(3), (1, 2, 1, 1)), np.zeros((1, 3)), 30)
        >>> mannequin(leg).vertices.shape
        (72, 3)
    """
    ball, triangles = _ball()
    positions = rest_positions(animation)
    vertices, normals, joints = [], [], []
    lengths = np.linalg.norm(animation.rest, axis=-1)
    for joint, parent in enumerate(animation.parents):
        length = float(lengths[joint])
        if length < SHORTEST and (joint or lengths.max() >= SHORTEST):  # without any bone, the root gets a ball
            continue
        plain = float(np.clip(SLENDER * length, *LIMITS))
        aside, ahead = RADII.get(animation.names[joint], (plain, plain))
        half = max(OVERLAP * length / 2, min(aside, ahead))  # a short bone gets a ball, not a disc
        radii, axes = np.array([aside, half, ahead]), _axes(animation.rest[joint])
        vertices.append((ball * radii) @ axes + positions[joint] - animation.rest[joint] / 2)
        outward = (ball / radii) @ axes
        normals.append(outward / np.linalg.norm(outward, axis=-1, keepdims=True))
        joints.append(max(parent, 0))
    starts = len(ball) * np.arange(len(joints))
    return Mesh(
        np.concatenate(vertices),  # n 3
        np.concatenate(normals),  # n 3
        np.repeat(np.array(joints), len(ball)),
        (triangles[None] + starts[:, None, None]).reshape(-1, 3),  # m 3
    )


def _axes(bone: Float[ndarray, "3"]) -> Float[ndarray, "3 3"]:
    """Axes of the ellipsoid around a bone, in rows: sideways, along the bone, and to the front."""
    length = float(np.linalg.norm(bone))
    along = bone / length if length else np.array([0.0, 1, 0])
    side = np.cross(along, (0, 0, 1)) if abs(along[2]) < 0.9 else np.cross((0, 1, 0), along)
    side = side / np.linalg.norm(side)
    return np.stack([side, along, np.cross(side, along)])


def _ball() -> tuple[Float[ndarray, "n 3"], Int[ndarray, "m 3"]]:
    """A sphere of radius 1: its poles on the y axis, and rings of vertices between them."""
    polar = np.pi * np.arange(1, RINGS + 1) / (RINGS + 1)
    around = 2 * np.pi * np.arange(SECTORS) / SECTORS
    rings = np.stack(
        [
            np.outer(np.sin(polar), np.sin(around)),
            np.outer(np.cos(polar), np.ones(SECTORS)),
            np.outer(np.sin(polar), np.cos(around)),
        ],
        -1,
    )
    vertices = np.concatenate([[[0.0, 1, 0]], rings.reshape(-1, 3), [[0.0, -1, 0]]])  # n 3
    last = len(vertices) - 1
    triangles = []
    for sector in range(SECTORS):
        here, after = 1 + sector, 1 + (sector + 1) % SECTORS
        triangles.append((0, here, after))
        for ring in range(RINGS - 1):
            upper, lower = ring * SECTORS, (ring + 1) * SECTORS
            triangles += [(here + upper, here + lower, after + lower), (here + upper, after + lower, after + upper)]
        bottom = (RINGS - 1) * SECTORS
        triangles.append((last, after + bottom, here + bottom))
    return vertices, np.array(triangles)
