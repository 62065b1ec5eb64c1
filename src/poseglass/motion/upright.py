"""`upright`: a motion with y up, in the world if its place there is known."""

from dataclasses import replace

from poseglass.body.geometry import to_y_up
from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError

__all__ = ["has_place", "upright"]


def has_place(motion: PoseSequence) -> bool:
    """Whether the motion is in the world, or knows the way there."""
    return motion.space == "world" or motion.is_placed


def upright(motion: PoseSequence) -> PoseSequence:
    """The motion with y up, in metres, on its own skeleton.

    A motion with a place in the world is taken there (:meth:`PoseSequence.world`). Otherwise the camera's axes are
    turned so that y points up in the image and z to the camera, and the pelvis stays at the origin: gravity and the
    path are unknown.

    Raises:
        PoseError: The poses are not 3D.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> pose = np.zeros((1, 17, 3))
        >>> pose[:, 10, 1] = -0.5  # the head is above the pelvis: y points down in camera space
        >>> upright(pg.PoseSequence(pose, pg.H36M_17, "camera")).joint("head_top").round(3).tolist()
        [[0.0, 0.5, 0.0]]
    """
    if motion.units != "metres":
        raise PoseError(f"expected 3D poses in metres, got poses in {motion.units}: lift them first")
    if has_place(motion):
        return motion.world()
    return replace(motion, points=to_y_up(motion.points, "-y"), space="world", trajectory=None)
