"""The baseline for the path of a person: each frame is solved on its own."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import USUAL_FOCAL, rays
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError
from poseglass.judging.world_measures import ANKLES, standing

__all__ = ["frame_by_frame"]


def frame_by_frame(motion: PoseSequence, *, focal: float | None = None) -> PoseSequence:
    """Place a lifted motion by solving each frame on its own, with a camera taken to be level.

    A joint (x, y, z) relative to the pelvis, which the image shows at (u, v) on the plane z = 1, gives two equations
    that are linear in the pelvis's position (a, b, c): x + a = u (z + c) and y + b = v (z + c). The position is their
    least-squares solution, weighted with the scores. A frame that shows fewer than two joints takes its position from
    its neighbours, in proportion to time. Feet stand by the rule of
    :func:`poseglass.judging.world_measures.standing`.

    Args:
        motion: Human3.6M's joints in camera space, with their `pose2d` in pixels and its `size`; two frames or more.
        focal: Focal length in pixels; that of an ordinary lens by default.

    Raises:
        PoseError: The motion lacks its 2D poses or their image's size, or no frame shows two joints.

    Example:
        >>> points = np.random.default_rng(0).normal(0, 0.4, (30, 17, 3)) * (np.arange(17) > 0)[:, None]
        >>> placed = points + [0.2, 0.1, 4.0]
        >>> pixels = PoseSequence(1000 * placed[..., :2] / placed[..., 2:] + 500, H36M_17, "pixels", size=(1000, 1000))
        >>> motion = PoseSequence(points, H36M_17, "camera", pose2d=pixels)
        >>> frame_by_frame(motion, focal=1000).root[7].round(3).tolist()
        [0.20000000298023224, 0.10000000149011612, 4.0]
    """
    if motion.pose2d is None or (size := motion.pose2d.size) is None:
        raise PoseError("placing needs the 2D poses in pixels (pose2d) and the size of their image")
    pose2d = motion.pose2d.to_skeleton(H36M_17)
    scores = np.where(pose2d.validity[:, None], pose2d.confidence, 0.0)
    shown = np.where(scores[..., None] > 0, pose2d.points, 0).astype(float)
    root = _solved(motion.points.astype(float), rays(shown, size, focal)[..., :2], scores)
    known = (scores > 0).sum(-1) >= 2
    if not known.any():
        raise PoseError("no frame shows two joints, so the path is unknown")
    times = motion.times
    root = np.stack([np.interp(times, times[known], root[known, axis]) for axis in range(3)], -1)

    level = np.diag([1.0, -1.0, -1.0, 1.0])
    ankles = (motion.points[:, ANKLES] + root[:, None]) * [1, -1, -1]
    level[:3, 3] = -root[0] * [1, 0, -1] - [0, ankles[..., 1].min(), 0]
    contact = standing(ankles, motion.rate).astype(np.float32)
    focal = USUAL_FOCAL * max(size) if focal is None else focal
    return replace(motion, trajectory=Trajectory(root, contact=contact, to_world=level, focal=focal))


def _solved(
    points: Float[ndarray, "f 17 3"], image: Float[ndarray, "f 17 2"], weights: Float[ndarray, "f 17"]
) -> Float[ndarray, "f 3"]:
    """The position in each frame; meaningless if it shows fewer than two joints."""
    equations = np.zeros((*image.shape, 3))  # f 17 2 3
    equations[..., 0, 0] = equations[..., 1, 1] = 1
    equations[..., 2] = -image
    right = image * points[..., 2:] - points[..., :2]  # f 17 2
    matrix = np.einsum("fjra,fj,fjrb->fab", equations, weights, equations) + 1e-9 * np.eye(3)
    vector = np.einsum("fjra,fj,fjr->fa", equations, weights, right)
    solved: ndarray = np.linalg.solve(matrix, vector[..., None])[..., 0]
    return solved
