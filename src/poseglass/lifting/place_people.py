"""Place the lifted people of one source in the world, with what its frames and its metadata tell of the camera."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.motion.placing import Placing, place_together
from poseglass.waist.hourglass import PoseModel, backbone_of

if TYPE_CHECKING:
    from poseglass.video.background import Background, Boxes
    from poseglass.video.reading import VideoReader

__all__ = ["background_of", "place_people"]

log = logging.getLogger("poseglass")


def background_of(video: "VideoReader", placing: Placing) -> "Background | None":
    """A watch for a moving camera; None if the user says how it moves, or for a single image."""
    if placing.camera != "auto" or video.info.frames == 1:
        return None
    from poseglass.video.background import Background

    return Background()


def place_people(
    motions: Sequence[PoseSequence],
    model: PoseModel,
    placing: Placing,
    *,
    focal: float | None,
    background: "Background | None" = None,
) -> list[PoseSequence]:
    """Add uncertainties, if the weights are calibrated, and trajectories, if the motions have an image size.

    Logs what the result rests on: a moving camera, or an unknown focal length.

    Args:
        motions: The people that one camera saw, the most prominent first.
        model: The model that lifted them.
        placing: What the user says about people and camera.
        focal: Focal length in pixels, if known.
        background: What has watched the frames.
    """
    if (calibration := backbone_of(model).uncertainty) is not None:
        motions = [replace(motion, uncertainty=calibration.radius(motion)) for motion in motions]
    camera, size = placing.camera, motions[0].size
    if background is not None and background.moves([_boxes(motion) for motion in motions], size):
        camera = "moving"
        log.warning("the camera moves: the path is relative to the camera, and there is no way to the world")
    if focal is None and placing.height is None and size is not None:
        log.info("the focal length is unknown: the path's scale is a guess (give the focal length or a height)")
    return place_together(motions, focal=focal, height=placing.height, pitch=placing.pitch, camera=camera)


def _boxes(motion: PoseSequence) -> "Boxes":
    """Where the person is in the image."""
    from poseglass.video.background import Boxes

    assert motion.pose2d is not None
    points = motion.pose2d.points
    visible = ((motion.pose2d.confidence > 0) & motion.pose2d.validity[:, None])[..., None]
    low, high = np.where(visible, points, np.inf).min(1), np.where(visible, points, -np.inf).max(1)
    return Boxes(motion.times, np.where(visible.any(1), np.concatenate([low, high], -1), np.nan))
