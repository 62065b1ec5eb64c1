"""A detector for tests that returns known keypoints."""

import math

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.detect._base import Detector
from poseglass.errors import DetectorError

__all__ = ["FakeDetector"]


class FakeDetector(Detector):
    """Returns the keypoints of a pose sequence frame by frame, whatever the images show: for tests without a network.

    Invalid frames, frames without a known joint, and frames after the last show nobody. If the time does not increase,
    the detector starts again at the first pose, as :class:`Detector` requires.

    Args:
        poses: The keypoints to return, in pixels.

    Raises:
        DetectorError: The poses are not in pixels.

    Example:
        >>> from poseglass import COCO_17
        >>> poses = PoseSequence(np.ones((2, 17, 2)), COCO_17, "pixels")
        >>> detector = FakeDetector(poses)
        >>> [len(detector.detect(np.zeros((8, 8, 3), np.uint8), seconds)) for seconds in (0.0, 0.1, 0.2)]
        [1, 1, 0]
    """

    def __init__(self, poses: PoseSequence) -> None:
        if poses.space != "pixels":
            raise DetectorError(f"expected poses in pixels, but these are in {poses.space} space")
        self.skeleton = poses.skeleton
        self._poses = poses
        self._seconds = -math.inf
        self._next = 0

    def detect(self, image: UInt8[ndarray, "_ _ 3"], seconds: float) -> Float[ndarray, "p j 3"]:
        """Return the pose of the next frame; see :meth:`Detector.detect`."""
        if seconds <= self._seconds:
            self._next = 0
        frame, self._seconds, self._next = self._next, seconds, self._next + 1
        nobody = np.zeros((0, len(self.skeleton), 3), np.float32)
        if frame >= len(self._poses) or not self._poses.validity[frame]:
            return nobody
        points, scores = self._poses.points[frame], self._poses.confidence[frame]
        if not scores.any():
            return nobody
        return np.concatenate([points, scores[:, None]], -1)[None]
