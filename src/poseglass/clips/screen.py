"""Screen coordinates: the input of published models, and their poses in units of the screen, turned into metres."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import from_screen, rays, root_relative, to_screen
from poseglass.body.proportions import H36M_LENGTHS
from poseglass.body.skeleton import H36M_17
from poseglass.clips.person import measure, pelvis_path
from poseglass.clips.sides import steady_sides

__all__ = ["screen_to_metres", "screen_view"]

PARENTS = np.array(H36M_17.parents[1:])


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
    points, scores = steady_sides(points, scores)
    person = measure(points, scores)
    pelvis = pelvis_path(points, scores)[..., None, :]  # ... f 1 2
    pelvis = np.where(np.isnan(pelvis), np.array(size) / 2, pelvis)
    screen = to_screen(np.where(person.ever, person.points, pelvis), size)
    return np.concatenate([screen, scores[..., None]], -1).astype(np.float32)


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
