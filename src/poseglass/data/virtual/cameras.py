"""Random virtual cameras that film clips of motion."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.body.geometry import NEAREST
from poseglass.clips.constants import constant
from poseglass.data.virtual.draws import Draws
from poseglass.data.virtual.vectors import cross, length, unit

__all__ = ["ClipCameras", "facing", "look_at", "random_cameras"]

# Our own choices; the published weights were trained with them. Angles are in degrees; a positive pitch looks down.
LEVEL, LEVEL_PITCH, STEEP_PITCH = 0.6, (5, 10), (-25, 70)  # share of level cameras; their mean and deviation; the range
STEADY, STEADY_ROLL, TILTED_ROLL = 0.85, 4, (-45, 45)  # share of upright cameras; their deviation; the range of others
DISTANCES = (1.5, 10)  # metres from the middle of the motion, log-uniform
CLEARANCE = 0.5  # minimum distance in metres between the camera and the person's reach
IMAGES = {(1920, 1080): 0.5, (1080, 1920): 0.2, (1440, 1080): 0.15, (1080, 1080): 0.15}  # sizes and their shares
FOCALS = (0.55, 2.5)  # focal length as a multiple of the image's longer side, log-uniform: wide angle to telephoto
FILL = 1.3  # the person may be at most this many times as large as the shorter side of the image
OFF_CENTRE = 0.7  # limit of the person's offset from the image's centre (0) towards its edge (1)


class ClipCameras(NamedTuple):
    """A pinhole camera for each clip, as :class:`poseglass.body.geometry.Camera` defines it.

    Attributes:
        rotation: From world to camera (b 3 3).
        position: In the world, in metres (b 3).
        focal: The focal length in pixels (b).
        size: Width and height of the image in pixels (b 2); the principal point is in its middle.
    """

    rotation: Float[Tensor, "b 3 3"]
    position: Float[Tensor, "b 3"]
    focal: Float[Tensor, " b"]
    size: Float[Tensor, "b 2"]

    def to_camera(self, world: Float[Tensor, "b f j 3"]) -> Float[Tensor, "b f j 3"]:
        """Convert world points to camera space: x right, y down, z forward."""
        return (world - self.position[:, None, None]) @ self.rotation[:, None].mT

    def project(self, space: Float[Tensor, "b f j 3"]) -> Float[Tensor, "b f j 2"]:
        """Project camera-space points to pixels. The depth of points at or behind the camera is taken as 1 µm."""
        flat: Tensor = space[..., :2] / space[..., 2:].clamp(min=NEAREST)
        return flat * self.focal[:, None, None, None] + (self.size / 2)[:, None, None]


def look_at(direction: Float[Tensor, "b 3"], roll: Float[Tensor, " b"] | None = None) -> Float[Tensor, "b 3 3"]:
    """:func:`poseglass.body.geometry.look_at` for tensors."""
    forward = unit(direction)
    x, y, z = forward.unbind(-1)
    right = unit(torch.stack([-z, torch.zeros_like(y), x], -1))  # forward x up
    down = cross(forward, right)
    if roll is None:
        return torch.stack([right, down, forward], -2)
    cosine, sine = roll.cos()[:, None], roll.sin()[:, None]
    return torch.stack([cosine * right + sine * down, cosine * down - sine * right, forward], -2)


def facing(ray: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    """:func:`poseglass.body.geometry.facing` for tensors."""
    x, y, z = unit(ray).unbind(-1)
    share = 1 / (1 + z)
    rows = [1 - share * x * x, -share * x * y, -x, -share * x * y, 1 - share * y * y, -y, x, y, z]
    return torch.stack(rows, -1).reshape(*ray.shape, 3)


def random_cameras(draws: Draws, points: Float[Tensor, "b f 17 3"]) -> ClipCameras:
    """Draw a virtual camera for each clip.

    Cameras stand anywhere around the person, 1.5 to 10 m away. Most are level, some look up or steeply down, some are
    rolled. Lenses range from wide angle to telephoto, images have several aspect ratios, and the person is anywhere in
    the image.

    Args:
        draws: The source of randomness.
        points: World poses (b f 17 3), metres, y up.

    Example:
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> cameras = random_cameras(TorchDraws(torch.Generator().manual_seed(1)), 0.4 * torch.randn(8, 9, 17, 3))
        >>> [*cameras.rotation.shape], [*cameras.size.shape]
        ([8, 3, 3], [8, 2])
    """
    count = len(points)
    middle = points[:, :, 0].mean(1)  # b 3
    reach = length(points - middle[:, None, None]).amax((1, 2))  # b

    yaw = draws.uniform(-math.pi, math.pi, count)
    level = draws.chance(LEVEL, count)
    mean, deviation = LEVEL_PITCH
    pitch = torch.where(level, mean + deviation * draws.normal(count), draws.uniform(*STEEP_PITCH, count)).deg2rad()
    steady, tilted = STEADY_ROLL * draws.normal(count), draws.uniform(*TILTED_ROLL, count)
    roll = torch.where(draws.chance(STEADY, count), steady, tilted).deg2rad()
    away = torch.stack([pitch.cos() * yaw.sin(), pitch.sin(), pitch.cos() * yaw.cos()], -1)
    nearest, farthest = (math.log(distance) for distance in DISTANCES)
    distance = draws.uniform(nearest, farthest, count).exp().maximum(reach + CLEARANCE)

    sizes = constant(tuple(IMAGES), points.device, points.dtype)
    size = sizes.index_select(0, draws.choice(tuple(IMAGES.values()), count))  # b 2
    shortest, longest = (math.log(focal) for focal in FOCALS)
    focal = size.amax(-1) * draws.uniform(shortest, longest, count).exp()
    focal = focal.minimum(FILL * size.amin(-1) * distance / (2 * reach).clamp(min=1.0))
    # The pixel at which the person appears, and the turn that brings the person there.
    offset = draws.uniform(-OFF_CENTRE, OFF_CENTRE, count, 2) * size / 2 * draws.uniform(0, 1, count, 1)
    ray = torch.cat([offset / focal[:, None], torch.ones_like(offset[:, :1])], -1)
    flip_yz = constant((1.0, -1.0, -1.0), points.device, points.dtype)
    rotation = flip_yz[:, None] * look_at(ray * flip_yz).mT @ look_at(-away, roll)
    return ClipCameras(rotation, middle + away * distance[:, None], focal, size)
