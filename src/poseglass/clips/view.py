"""Turn 2D poses into the input of a model of person coordinates, the same in training, evaluation and lifting."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from poseglass.body.geometry import facing, rays
from poseglass.clips.person import pelvis_path, person_coordinates
from poseglass.clips.sides import steady_sides

__all__ = ["person_view"]


def person_view(
    points: Float[ndarray, "*b f 17 2"],
    scores: Float[ndarray, "*b f 17"],
    *,
    size: tuple[int, int] | None = None,
    focal: float | None = None,
) -> tuple[Float[ndarray, "*b f 17 3"], Float[ndarray, "*b f 3 3"] | None]:
    """The input of a model of person coordinates, and the rotations that turn its output to camera space.

    First, stretches in which a detector exchanged left and right are corrected (:mod:`poseglass.clips.sides`). Then
    gaps are filled, and joints are measured from the pelvis in body sizes (:mod:`poseglass.clips.person`).

    Args:
        points: Human3.6M joints in pixels (... f 17 2).
        scores: Their confidence (... f 17); joints with score 0 are unknown.
        size: Width and height of the image in pixels. None if unknown; then there are no rotations.
        focal: Focal length in pixels; None for that of an ordinary lens (:func:`poseglass.body.geometry.rays`).

    Returns:
        Person coordinates and scores (... f 17 3), and rotations (... f 3 3) or None. ``poses @ rotation`` is in camera
        space.

    Example:
        >>> pose2d, rotation = person_view(np.zeros((1, 9, 17, 2)), np.ones((1, 9, 17)), size=(1920, 1080))
        >>> pose2d.shape, rotation.shape
        ((1, 9, 17, 3), (1, 9, 3, 3))
    """
    joints, confidence = steady_sides(_tensor(points), _tensor(scores))
    pose2d = person_coordinates(joints, confidence).numpy()
    if size is None:
        return pose2d, None
    path = pelvis_path(joints, confidence).numpy()
    path = np.where(np.isnan(path), np.array(size) / 2, path)  # without a known joint: the middle of the image
    return pose2d, facing(rays(path, size, focal))


def _tensor(array: Float[ndarray, "..."]) -> Float[Tensor, "..."]:
    return torch.from_numpy(np.array(array, order="C"))  # a copy: torch takes neither read-only nor reversed arrays
