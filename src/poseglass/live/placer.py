"""`Placer`: final poses become motion: smoothed if wanted, and with their path."""

from collections import deque
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import USUAL_FOCAL
from poseglass.body.pose import PoseSequence
from poseglass.body.trajectory import Trajectory
from poseglass.lifting.chunks import motion_chunk
from poseglass.live.newest import LiftedFrame
from poseglass.motion.body_size import body_size
from poseglass.motion.causal_path import CausalPath
from poseglass.motion.placing import sight_of
from poseglass.motion.smoothing import OneEuro
from poseglass.people.tracker import MEMORY

__all__ = ["Placer"]

USUAL = 300
"""Frames whose bones tell the person's usual size: ten seconds at 30 frames per second."""


class Placer:
    """Turns final poses into motion, frame by frame. Another person, or a long pause, starts anew.

    Args:
        focal: Focal length in pixels. Default: that of an ordinary lens.
        cutoff: Cut-off of the One-Euro filter at rest in Hz. Default: no filter.
    """

    def __init__(self, *, focal: float | None, cutoff: float | None) -> None:
        self._focal, self._cutoff = focal, cutoff
        self._person, self._time = 0, -np.inf
        self._restart()

    def place(self, frame: LiftedFrame) -> PoseSequence:
        """The motion of a frame: Human3.6M's joints, and the path if the size of the image is known."""
        step = frame.time - self._time
        if frame.person != self._person or step > MEMORY:
            self._restart()
        self._person, self._time = frame.person, frame.time
        points, pose2d = frame.pose3d, frame.pose2d
        if self._euro is not None:
            points = self._euro.push(points, 1 / step)
        motion = motion_chunk(replace(pose2d, person=frame.person), points[None].astype(np.float32))
        if motion.size is None:
            return motion
        focal = self._focal or USUAL_FOCAL * max(motion.size)
        points = motion.points.astype(np.float64) / self._size(motion)
        root, contact = self._path.push(frame.time, sight_of(motion, points, focal))
        if self._path_euro is not None:
            root = self._path_euro.push(root[None], 1 / step)[0]
        return replace(motion, trajectory=Trajectory(root[None], contact=contact[None], focal=float(focal)))

    def _size(self, motion: PoseSequence) -> float:
        """The size of the pose as a multiple of the usual size of the last frames: it would shift the path."""
        self._sizes.append((motion.points[0], bool(motion.validity[0]), motion.start))
        points, visible, times = map(np.array, zip(*self._sizes, strict=True))
        return float(body_size(points.astype(np.float64), visible, times)[-1])

    def _restart(self) -> None:
        self._sizes: deque[tuple[Float[ndarray, "17 3"], bool, float]] = deque(maxlen=USUAL)
        self._path = CausalPath()
        self._euro: OneEuro | None = None
        self._path_euro: OneEuro | None = None
        if self._cutoff is not None:
            self._euro, self._path_euro = OneEuro(self._cutoff), OneEuro(self._cutoff)
