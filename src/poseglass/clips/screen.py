"""Poses in units of the screen, as some published models predict them, turned into metres."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import from_screen, rays, root_relative
from poseglass.body.proportions import H36M_LENGTHS
from poseglass.body.skeleton import H36M_17

__all__ = ["screen_to_metres"]

PARENTS = np.array(H36M_17.parents[1:])


def screen_to_metres(
    pose3d: Float[ndarray, "*b f 17 3"],
    pelvis: Float[ndarray, "*b f 2"],
    *,
    size: tuple[int, int],
    focal: float | None = None,
) -> Float[ndarray, "*b f 17 3"]:
    """Convert poses in units of the screen to metres in camera space, relative to the pelvis (... f 17 3).

    MotionBERT and the models trained on its data predict such poses: x and y are those of the image, and z has the
    same scale, so that the unit is half the image's width everywhere. (MotionBERT's authors: "The model input (2D) and
    output (3D) are both in normalized pixel coordinates", issue 21 of their repository.) The joints are projected back
    along their lines of sight. The image does not tell how large the person is, so in each frame the bones together
    get the length of an average person's (:data:`poseglass.body.proportions.H36M_LENGTHS`).

    Args:
        pose3d: Poses in units of the screen (... f 17 3).
        pelvis: The pelvis in screen coordinates (... f 2).
        size: Width and height of the image in pixels.
        focal: Focal length in pixels; None for that of an ordinary lens (:func:`poseglass.body.geometry.rays`).

    Example:
        >>> poses = np.random.default_rng(0).normal(0, 0.1, (9, 17, 3))
        >>> metres = screen_to_metres(poses, np.zeros((9, 2)), size=(1920, 1080))
        >>> float(np.linalg.norm(metres[:, 1:] - metres[:, PARENTS], axis=-1).sum(1).mean().round(3))
        4.117
    """
    pose3d = root_relative(pose3d)
    # In these units, the pelvis is as far away as the focal length is long.
    distance = 1 / rays(np.array([size[0], size[1] / 2]), size, focal)[0]
    pixels = from_screen(pelvis[..., None, :] + pose3d[..., :2], size)  # ... f 17 2
    placed = rays(pixels, size, focal) * (distance + pose3d[..., 2:])
    relative = root_relative(placed)
    bones = np.linalg.norm(relative[..., 1:, :] - relative[..., PARENTS, :], axis=-1).sum(-1)  # ... f
    metres: ndarray = relative * (H36M_LENGTHS.sum() / np.maximum(bones, 1e-9))[..., None, None]
    return metres
