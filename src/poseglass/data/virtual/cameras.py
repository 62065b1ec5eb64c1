"""Random virtual cameras that film clips of motion."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.geometry import Camera, look_at

__all__ = ["random_cameras"]

# Our own choices; the published weights were trained with them. Angles are in degrees; a positive pitch looks down.
LEVEL, LEVEL_PITCH, STEEP_PITCH = 0.6, (5, 10), (-25, 70)  # share of level cameras; their mean and deviation; the range
STEADY, STEADY_ROLL, TILTED_ROLL = 0.85, 4, (-45, 45)  # share of upright cameras; their deviation; the range of others
DISTANCES = (1.5, 10)  # metres from the middle of the motion, log-uniform
CLEARANCE = 0.5  # minimum distance in metres between the camera and the person's reach
IMAGES = {(1920, 1080): 0.5, (1080, 1920): 0.2, (1440, 1080): 0.15, (1080, 1080): 0.15}  # sizes and their shares
FOCALS = (0.55, 2.5)  # focal length as a multiple of the image's longer side, log-uniform: wide angle to telephoto
FILL = 1.3  # the person may be at most this many times as large as the shorter side of the image
OFF_CENTRE = 0.7  # limit of the person's offset from the image's centre (0) towards its edge (1)


def random_cameras(rng: Generator, points: Float[ndarray, "b f 17 3"]) -> tuple[Camera, Float[ndarray, "b 2"]]:
    """Draw a virtual camera for each clip.

    Cameras stand anywhere around the person, 1.5 to 10 m away. Most are level, some look up or steeply down, some are
    rolled. Lenses range from wide angle to telephoto, images have several aspect ratios, and the person is anywhere in
    the image.

    Args:
        rng: The source of randomness.
        points: World poses (b f 17 3), metres, y up.

    Returns:
        The cameras, one for each clip, and the sizes of their images in pixels: width and height (b 2).

    Example:
        >>> poses = np.random.default_rng(0).normal(0, 0.4, (8, 9, 17, 3))
        >>> camera, size = random_cameras(np.random.default_rng(1), poses)
        >>> camera.rotation.shape, size.shape
        ((8, 3, 3), (8, 2))
    """
    count = len(points)
    middle = points[:, :, 0].mean(1)  # b 3
    reach = np.linalg.norm(points - middle[:, None, None], axis=-1).max((1, 2))  # b

    yaw = rng.uniform(-np.pi, np.pi, count)
    pitch = np.radians(
        np.where(rng.random(count) < LEVEL, rng.normal(*LEVEL_PITCH, count), rng.uniform(*STEEP_PITCH, count))
    )
    steady, tilted = rng.normal(0, STEADY_ROLL, count), rng.uniform(*TILTED_ROLL, count)
    roll = np.radians(np.where(rng.random(count) < STEADY, steady, tilted))
    away = np.stack([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)], -1)
    nearest, farthest = np.log(DISTANCES)
    distance = np.maximum(np.exp(rng.uniform(nearest, farthest, count)), reach + CLEARANCE)

    size = np.array([*IMAGES], float)[rng.choice(len(IMAGES), count, p=[*IMAGES.values()])]
    shortest, longest = np.log(FOCALS)
    focal = size.max(-1) * np.exp(rng.uniform(shortest, longest, count))
    focal = np.minimum(focal, FILL * size.min(-1) * distance / np.maximum(2 * reach, 1.0))
    # The pixel at which the person appears, and the turn that brings the person there.
    offset = rng.uniform(-OFF_CENTRE, OFF_CENTRE, (count, 2)) * size / 2 * rng.random((count, 1))
    ray = np.concatenate([offset / focal[:, None], np.ones((count, 1))], -1)
    turned = np.swapaxes(look_at(ray * np.array([1.0, -1.0, -1.0])), -1, -2)
    camera = Camera(
        rotation=_MIRROR_YZ @ turned @ look_at(-away, roll),
        position=middle + away * distance[:, None],
        focal=np.repeat(focal[:, None], 2, 1),
        centre=size / 2,
    )
    return camera, size


_MIRROR_YZ = np.diag([1.0, -1.0, -1.0])
