"""Turn 2D poses into the input of a model, in person coordinates (the same in training) or screen coordinates."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from poseglass.body.geometry import facing, rays, to_screen
from poseglass.clips.person import measure, pelvis_path, person_coordinates
from poseglass.clips.sides import steady_sides

__all__ = ["person_view", "screen_view"]


def person_view(
    points: Float[ndarray, "*b f 17 2"],
    scores: Float[ndarray, "*b f 17"],
    *,
    size: tuple[int, int] | None = None,
    focal: float | None = None,
) -> tuple[Float[ndarray, "*b f 17 3"], Float[ndarray, "*b f 3 3"] | None]:
    """The input of models that take person coordinates, and the rotations that turn its output to camera space.

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


def screen_view(
    points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"], *, size: tuple[int, int]
) -> Float[ndarray, "*b f 17 3"]:
    """The input of a model of screen coordinates: x, y and score of each joint (... f 17 3), float32.

    First, stretches in which a detector exchanged left and right are corrected (:mod:`poseglass.clips.sides`). Then
    unknown joints are interpolated between their neighbours in time. A joint that a clip never shows is put at the
    pelvis; a clip that shows no joint is put in the middle of the image. Coordinates are normalised by
    :func:`poseglass.body.geometry.to_screen`.

    Args:
        points: Human3.6M joints in pixels (... f 17 2).
        scores: Their confidence (... f 17); joints with score 0 are unknown and keep that score.
        size: Width and height of the image in pixels.

    Example:
        >>> screen_view(np.full((9, 17, 2), 960.0), np.ones((9, 17)), size=(1920, 1080))[0, 0].round(4).tolist()
        [0.0, 0.4375, 1.0]
    """
    joints, confidence = steady_sides(_tensor(points), _tensor(scores))
    person = measure(joints, confidence)
    pelvis = pelvis_path(joints, confidence)[..., None, :].numpy()  # ... f 1 2
    pelvis = np.where(np.isnan(pelvis), np.array(size) / 2, pelvis)
    screen = to_screen(np.where(person.ever.numpy(), person.points.numpy(), pelvis), size)
    return np.concatenate([screen, confidence[..., None].numpy()], -1).astype(np.float32)


def _tensor(array: Float[ndarray, "..."]) -> Float[Tensor, "..."]:
    return torch.from_numpy(np.array(array, order="C"))  # a copy: torch takes neither read-only nor reversed arrays
