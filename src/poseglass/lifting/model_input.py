"""Prepare clips for a model by its card, and bring its poses into camera space."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import root_relative
from poseglass.clips.screen import screen_to_metres
from poseglass.clips.view import person_view, screen_view
from poseglass.waist.hourglass import PoseModel

__all__ = ["ModelInput", "model_input"]

EVERY = slice(None)


@dataclass(frozen=True, eq=False)
class ModelInput:
    """Clips as a model sees them, and what is needed to place its poses in camera space.

    Attributes:
        pose2d: The model's input (b f 17 i).
        rotation: For a model of person coordinates, the rotations to camera space (b f 3 3); None for no rotation.
        pelvis: For a model whose poses are in units of the screen, the pelvis in screen coordinates (b f 2).
        size: Width and height of the image in pixels, if known.
        focal: Focal length in pixels, if known.
    """

    pose2d: Float[ndarray, "b f 17 i"]
    rotation: Float[ndarray, "b f 3 3"] | None = None
    pelvis: Float[ndarray, "b f 2"] | None = None
    size: tuple[int, int] | None = None
    focal: float | None = None

    def to_camera(self, pose3d: Float[ndarray, "b _ 17 3"], frames: slice = EVERY) -> Float[ndarray, "b _ 17 3"]:
        """Convert the model's poses to metres in camera space, relative to the pelvis.

        Args:
            pose3d: The model's poses (b f 17 3), or those of some frames.
            frames: The frames of the clips that have poses.
        """
        pose3d = root_relative(pose3d)
        if self.pelvis is not None and self.size is not None:
            return screen_to_metres(pose3d, self.pelvis[:, frames], size=self.size, focal=self.focal)
        return pose3d if self.rotation is None else pose3d @ self.rotation[:, frames]


def model_input(
    model: PoseModel,
    points: Float[ndarray, "b f 17 2"],
    scores: Float[ndarray, "b f 17"],
    *,
    size: tuple[int, int] | None,
    focal: float | None = None,
) -> ModelInput:
    """Prepare clips in the coordinates that the model's card states, with or without scores as the model takes.

    Args:
        model: The model.
        points: Human3.6M joints in pixels (b f 17 2).
        scores: Their confidence (b f 17); joints with score 0 are unknown.
        size: Width and height of the image in pixels. Models of screen coordinates need it.
        focal: Focal length in pixels; None for that of an ordinary lens.

    Example:
        >>> import poseglass as pg
        >>> model = pg.create_model("mixste-tiny", frames=9, card=pg.Card(coordinates="screen"))
        >>> model_input(model, np.ones((1, 9, 17, 2)), np.ones((1, 9, 17)), size=(640, 480)).pose2d.shape
        (1, 9, 17, 2)
    """
    card, rotation, pelvis = model.card, None, None
    if card.coordinates == "screen":
        assert size is not None, "screen coordinates need the image's size"
        pose2d = screen_view(points, scores, size=size)
        if card.units == "screen":
            pelvis = pose2d[..., 0, :2].astype(np.float64)
    else:
        pose2d, rotation = person_view(points, scores, size=size, focal=focal)
    pose2d = np.ascontiguousarray(pose2d[..., : model.inputs])
    return ModelInput(pose2d, rotation, pelvis, size, focal)
