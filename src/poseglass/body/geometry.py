"""Cameras, projection, screen coordinates, the upward axis and similarity alignment, on plain numpy arrays.

World space: metres, y up, right-handed. Camera space: metres, x right, y down, z forward. Pixels: x right, y down.
All functions broadcast over leading axes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.errors import PoseError

__all__ = [
    "UP",
    "Camera",
    "Similarity",
    "align",
    "facing",
    "from_screen",
    "look_at",
    "rays",
    "rescale",
    "root_relative",
    "similarity",
    "to_screen",
    "to_y_up",
]

# The focal length assumed if it is unknown, as a multiple of the image's longer side. It lies between a phone's main
# camera (about 0.75) and a portrait lens (about 2).
USUAL_FOCAL = 1.1
NEAREST = 1e-6  # metres: points nearer to the camera's plane than this are not projected

# For each upward axis, the rotation that makes y point up. None of them mirrors.
UP = {
    "y": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "-y": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "z": ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    "-z": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "x": ((0, 0, 1), (1, 0, 0), (0, 1, 0)),
    "-x": ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
}


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with lens distortion, or a batch of them.

    Args:
        rotation: Rotation from world to camera, (... 3 3).
        position: Position of the camera's centre in the world in metres, (... 3).
        focal: Focal lengths in pixels, (... 2).
        centre: Principal point in pixels, (... 2).
        radial: Coefficients k1, k2, k3 of the radial distortion, (... 3).
        tangential: Coefficients p1, p2 of the tangential distortion, (... 2).

    Example:
        >>> import numpy as np
        >>> camera = Camera(np.eye(3), np.zeros(3), focal=np.full(2, 1000.0), centre=np.array([960.0, 540.0]))
        >>> camera.project(np.array([[0.0, 0.0, 5.0]])).tolist()
        [[960.0, 540.0]]
    """

    rotation: Float[ndarray, "*b 3 3"]
    position: Float[ndarray, "*b 3"]
    focal: Float[ndarray, "*b 2"]
    centre: Float[ndarray, "*b 2"]
    radial: Float[ndarray, "*b 3"] | None = None
    tangential: Float[ndarray, "*b 2"] | None = None

    def to_camera(self, world: Float[ndarray, "*b n 3"]) -> Float[ndarray, "*b n 3"]:
        """Convert world points (... n 3) to camera space."""
        camera: ndarray = (world - self.position[..., None, :]) @ np.swapaxes(self.rotation, -1, -2)
        return camera

    def to_world(self, camera: Float[ndarray, "*b n 3"]) -> Float[ndarray, "*b n 3"]:
        """Convert camera-space points (... n 3) to the world. The inverse of :meth:`to_camera`."""
        world: ndarray = camera @ self.rotation + self.position[..., None, :]
        return world

    def project(self, camera: Float[ndarray, "*b n 3"]) -> Float[ndarray, "*b n 2"]:
        """Project camera-space points (... n 3) to pixels (... n 2). Points at or behind the camera become NaN.

        The distortion is Brown's model as Human3.6M and OpenCV define it.
        """
        depth = camera[..., 2:]
        flat = camera[..., :2] / np.where(depth > NEAREST, depth, np.nan)
        square = (flat**2).sum(-1, keepdims=True)
        factor = np.ones_like(square)
        shift = np.zeros_like(flat)
        if self.radial is not None:
            k1, k2, k3 = np.moveaxis(self.radial[..., None, None, :], -1, 0)
            factor = 1 + k1 * square + k2 * square**2 + k3 * square**3
        if self.tangential is not None:
            p1, p2 = np.moveaxis(self.tangential[..., None, :], -1, 0)
            x, y, r2 = flat[..., 0], flat[..., 1], square[..., 0]
            shift = np.stack([2 * p1 * x * y + p2 * (r2 + 2 * x**2), p1 * (r2 + 2 * y**2) + 2 * p2 * x * y], -1)
        pixels: ndarray = (flat * factor + shift) * self.focal[..., None, :] + self.centre[..., None, :]
        return pixels


def look_at(direction: Float[ndarray, "*b 3"], roll: Float[ndarray, "*b"] | float = 0.0) -> Float[ndarray, "*b 3 3"]:
    """Rotation (... 3 3) from world to camera for a camera that looks along a world direction.

    Args:
        direction: Viewing direction (... 3), of any length but not straight up or down.
        roll: Rotation about the line of sight in radians, (...). The camera is level at 0.

    Example:
        >>> import numpy as np
        >>> (look_at(np.array([0.0, 0.0, -3.0])) @ np.array([0.0, 0.0, -1.0])).tolist()  # the camera's z axis
        [0.0, 0.0, 1.0]
    """
    forward = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    right = np.cross(forward, np.array([0.0, 1.0, 0.0]))
    right = right / np.linalg.norm(right, axis=-1, keepdims=True)
    down = np.cross(forward, right)
    cosine, sine = np.cos(roll)[..., None], np.sin(roll)[..., None]
    return np.stack([cosine * right + sine * down, cosine * down - sine * right, forward], -2)


def rays(pixels: Float[ndarray, "*b 2"], size: tuple[int, int], focal: float | None = None) -> Float[ndarray, "*b 3"]:
    """Lines of sight through pixels: directions in camera space (... 3), scaled to z = 1. Distortion is ignored.

    Args:
        pixels: Points in the image (... 2).
        size: Width and height of the image in pixels.
        focal: Focal length in pixels. None assumes an ordinary lens: 1.1 times the longer side.

    Example:
        >>> import numpy as np
        >>> rays(np.array([1920.0, 540.0]), (1920, 1080), focal=960).tolist()
        [1.0, 0.0, 1.0]
    """
    flat = (pixels - np.array(size) / 2) / (USUAL_FOCAL * max(size) if focal is None else focal)
    return np.concatenate([flat, np.ones((*flat.shape[:-1], 1))], -1)


def facing(ray: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3 3"]:
    """The smallest rotation (... 3 3) that turns a direction in camera space onto the z axis.

    What a person looks like in an image depends on the line of sight to them, not on where the camera points. This
    rotation leads from camera space to the axes of a camera that has been turned to face the person.

    Args:
        ray: Directions (... 3), of any length, with z above 0.

    Example:
        >>> import numpy as np
        >>> turn = facing(np.array([3.0, 0.0, 4.0]))
        >>> (turn @ np.array([3.0, 0.0, 4.0])).round(6).tolist()
        [0.0, 0.0, 5.0]
    """
    x, y, z = np.moveaxis(ray / np.linalg.norm(ray, axis=-1, keepdims=True), -1, 0)
    # Rodrigues' formula about the axis (y, -x, 0).
    share = 1 / (1 + z)
    rows = [1 - share * x * x, -share * x * y, -x, -share * x * y, 1 - share * y * y, -y, x, y, z]
    return np.stack(rows, -1).reshape(*ray.shape, 3)


def to_screen(pixels: Float[ndarray, "*b 2"], size: tuple[int, int]) -> Float[ndarray, "*b 2"]:
    """Convert pixels (... 2) to normalised screen coordinates: x from -1 to 1 over the width, y on the same scale.

    This is the field's convention (VideoPose3D): 2 x / w - 1, 2 y / w - h / w.

    Example:
        >>> import numpy as np
        >>> to_screen(np.array([1920.0, 540.0]), (1920, 1080)).tolist()
        [1.0, 0.0]
    """
    width, height = size
    screen: ndarray = 2 * pixels / width - np.array([1.0, height / width])
    return screen


def from_screen(screen: Float[ndarray, "*b 2"], size: tuple[int, int]) -> Float[ndarray, "*b 2"]:
    """Convert normalised screen coordinates (... 2) to pixels. The inverse of :func:`to_screen`."""
    width, height = size
    pixels: ndarray = (screen + np.array([1.0, height / width])) * width / 2
    return pixels


def to_y_up(points: Float[ndarray, "*b 3"], up: str = "z") -> Float[ndarray, "*b 3"]:
    """Rotate points (... 3) so that y points up, as in world space.

    Args:
        points: Points in right-handed axes.
        up: The axis that points up now: ``x``, ``y``, ``z``, ``-x``, ``-y`` or ``-z``. Motion capture and robotics
            mostly use ``z``; in camera space it is ``-y``.

    Raises:
        PoseError: `up` is not one of these.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> standing = np.zeros((1, 17, 3))
        >>> standing[:, 10, 2] = 1.7  # z up: the head is 1.7 m above the pelvis
        >>> motion = pg.PoseSequence(to_y_up(standing, "z"), pg.H36M_17, "world")
        >>> motion.joint("head_top").round(3).tolist()
        [[0.0, 1.7000000476837158, 0.0]]
    """
    if up not in UP:
        raise PoseError(f"up must be one of {', '.join(UP)}, got {up!r}")
    turned: ndarray = points @ np.array(UP[up], float).T
    return turned


class Similarity(NamedTuple):
    """A transform that scales, rotates and moves points, or a batch of them. Call it with the points.

    Attributes:
        scale: The scale, (... 1 1).
        rotation: The rotation, (... 3 3), which multiplies points from the right.
        mean: The point that stays in place when scaling and rotating, (... 1 3).
        goal: Where that point moves to, (... 1 3).
    """

    scale: Float[ndarray, "*b 1 1"]
    rotation: Float[ndarray, "*b _ _"]
    mean: Float[ndarray, "*b 1 _"]
    goal: Float[ndarray, "*b 1 _"]

    def __call__(self, points: Float[ndarray, "*b n _"]) -> Float[ndarray, "*b n _"]:
        """Transform points (... n 3)."""
        moved: ndarray = self.scale * (points - self.mean) @ self.rotation + self.goal
        return moved


def similarity(
    points: Float[ndarray, "*b n _"], target: Float[ndarray, "*b n _"], *, scaled: bool = True
) -> Similarity:
    """The transform (without mirroring) that brings points as close to the target as possible.

    Least squares in float64 (Umeyama, PAMI 1991). It can be applied to other points than it was fitted to. It returns
    NaN for a set that has a value that is not finite, or whose target has.

    Args:
        points: Point sets (... n 2) or (... n 3). If all points of a set coincide, they move to the target's mean.
        target: The point sets to align with, of the same shape.
        scaled: Also scale the points, rather than only turn and move them.

    Example:
        >>> import numpy as np
        >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> similarity(square, 3 * square + 5)(np.array([[2.0, 2.0]])).round(6).tolist()
        [[11.0, 11.0]]
    """
    points, target, broken = _finite(points, target)
    mean, goal = points.mean(-2, keepdims=True), target.mean(-2, keepdims=True)
    centred = points - mean
    u, singular, vt = np.linalg.svd(np.swapaxes(centred, -1, -2) @ (target - goal))
    sign = np.ones_like(singular)
    sign[..., -1] = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    spread = (centred**2).sum((-1, -2), keepdims=True)
    scale = (singular * sign).sum(-1)[..., None, None] / np.where(spread > 0, spread, 1) if scaled else 1 + 0 * spread
    return Similarity(scale, (u * sign[..., None, :]) @ vt, mean, np.where(broken, np.nan, goal))


def align(points: Float[ndarray, "*b n _"], target: Float[ndarray, "*b n _"]) -> Float[ndarray, "*b n _"]:
    """Move, rotate and scale points (without mirroring) to lie as close to the target as possible.

    :func:`similarity` fits the transform. A set becomes NaN if it or its target has a value that is not finite; other
    sets are unaffected.

    Args:
        points: Point sets (... n 2) or (... n 3).
        target: The point sets to align with, of the same shape.

    Example:
        >>> import numpy as np
        >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> bool(np.allclose(align(square, 3 * square + 5), 3 * square + 5))
        True
    """
    finite, _, broken = _finite(points, target)
    return np.where(broken, np.nan, similarity(points, target)(finite))


def rescale(points: Float[ndarray, "*b n _"], target: Float[ndarray, "*b n _"]) -> Float[ndarray, "*b n _"]:
    """Scale points about the origin to lie as close to the target as possible.

    Least squares in float64. A set whose points are all at the origin stays there. Values that are not finite are
    treated as in :func:`align`.

    Args:
        points: Point sets (... n 2) or (... n 3), such as root-relative poses.
        target: The point sets to approach, of the same shape.

    Example:
        >>> import numpy as np
        >>> rescale(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 4.0]])).tolist()
        [[0.0, 0.0], [3.0, 0.0]]
    """
    points, target, broken = _finite(points, target)
    square = (points**2).sum((-1, -2), keepdims=True)
    scale = (points * target).sum((-1, -2), keepdims=True) / np.where(square > 0, square, 1)
    return np.where(broken, np.nan, scale * points)


@runtime_checkable
class _Array(Protocol):
    """A numpy array or a torch tensor, without importing torch."""

    def __getitem__(self, index: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...


_Points = TypeVar("_Points", bound=_Array)


def root_relative(points: _Points, root: int = 0) -> _Points:
    """Subtract the root joint from all joints, so that the root is at the origin in every frame.

    This is what *root-relative* means throughout the package.

    Args:
        points: A numpy array or torch tensor (... j 3).
        root: Index of the root joint; 0 is Human3.6M's pelvis.

    Example:
        >>> import numpy as np
        >>> root_relative(np.array([[1.0, 2.0, 3.0], [1.0, 2.5, 3.0]])).tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.5, 0.0]]
    """
    relative: _Points = points - points[..., root : root + 1, :]
    return relative


def _finite(
    points: Float[ndarray, "*b n _"], target: Float[ndarray, "*b n _"]
) -> tuple[Float[ndarray, "*b n _"], Float[ndarray, "*b n _"], Bool[ndarray, "*b 1 1"]]:
    """Both arrays in float64, zeroed where a set or its target is not finite, and a mask of those sets."""
    broken = ~(np.isfinite(points) & np.isfinite(target)).all((-1, -2), keepdims=True)
    return np.where(broken, 0.0, points.astype(np.float64)), np.where(broken, 0.0, target.astype(np.float64)), broken
