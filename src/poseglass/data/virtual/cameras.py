"""Random virtual cameras that look at clips of motion."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.geometry import Camera, look_at

__all__ = ["random_cameras"]


def random_cameras(rng: Generator, points: Float[ndarray, "b f 17 3"]) -> tuple[Camera, Float[ndarray, "b 2"]]:
    """A virtual camera for each clip of world poses, and the sizes (width, height) of their images (b 2).

    Any yaw; level or looking up or steeply down; some roll; 1.5 to 10 m away; wide to tele lens; the person anywhere in
    an image of any aspect ratio.
    """
    count = len(points)
    middle = points[:, :, 0].mean(1)
    reach = np.linalg.norm(points - middle[:, None, None], axis=-1).max((1, 2))

    yaw = rng.uniform(-np.pi, np.pi, count)
    pitch = np.radians(np.where(rng.random(count) < 0.6, rng.normal(5, 10, count), rng.uniform(-25, 70, count)))
    steady, tilted = rng.normal(0, 4, count), rng.uniform(-45, 45, count)
    roll = np.radians(np.where(rng.random(count) < 0.85, steady, tilted))
    away = np.stack([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)], -1)
    distance = np.maximum(np.exp(rng.uniform(np.log(1.5), np.log(10), count)), reach + 0.5)

    size = np.array([(1920, 1080), (1080, 1920), (1440, 1080), (1080, 1080)], float)[
        rng.choice(4, count, p=(0.5, 0.2, 0.15, 0.15))
    ]
    # Wide to tele, but the person fits into the image more or less.
    focal = size.max(-1) * np.exp(rng.uniform(np.log(0.55), np.log(2.5), count))
    focal = np.minimum(focal, 1.3 * size.min(-1) * distance / np.maximum(2 * reach, 1.0))
    # The person stands where this point of the image looks: the camera is turned away by that much.
    corner = rng.uniform(-0.7, 0.7, (count, 2)) * size / 2 * rng.random((count, 1))
    ray = np.concatenate([corner / focal[:, None], np.ones((count, 1))], -1)
    turned = np.swapaxes(look_at(ray * np.array([1.0, -1.0, -1.0])), -1, -2)
    camera = Camera(
        rotation=_MIRROR_YZ @ turned @ look_at(-away, roll),
        position=middle + away * distance[:, None],
        focal=np.repeat(focal[:, None], 2, 1),
        centre=size / 2,
    )
    return camera, size


_MIRROR_YZ = np.diag([1.0, -1.0, -1.0])
