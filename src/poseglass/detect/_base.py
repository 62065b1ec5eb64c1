"""The interface of 2D detectors: an image in, the keypoints of everyone in it out."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from jaxtyping import Float, UInt8
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import DetectorError

__all__ = ["Detector", "SecondTry"]


class SecondTry(NamedTuple):
    """A detector for a video in which another one detected nobody, and how it differs, in words."""

    detector: "Detector"
    difference: str


class Detector(ABC):
    """Finds people in the frames of a video.

    To use your own, subclass this, set `skeleton`, and write :meth:`detect`.

    Attributes:
        skeleton: The joints that :meth:`detect` returns.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> class Nobody(Detector):
        ...     skeleton = pg.BLAZEPOSE_33
        ...
        ...     def detect(self, image, seconds):
        ...         return np.zeros((0, 33, 3), np.float32)
    """

    skeleton: Skeleton

    @abstractmethod
    def detect(self, image: UInt8[ndarray, "_ _ 3"], seconds: float) -> Float[ndarray, "p j 3"]:
        """Detect the people in one frame, in any order.

        Args:
            image: The frame, RGB.
            seconds: The frame's time. It increases from frame to frame; if it does not, another video starts.

        Returns:
            Each person's joints, (p j 3): position in pixels (x right, y down) and a score from 0 to 1. Other scores
            are clipped. The shape is (0, j, 3) if nobody is in view.
        """

    def for_people(self, count: int) -> "Detector":
        """A detector for up to this number of people in a frame. Default: this one, which detects everybody.

        Override it if detecting one person is faster than detecting several.
        """
        return self

    def with_confidence(self, confidence: float) -> "Detector":
        """A detector that finds people with at least this confidence, from 0 to 1.

        Raises:
            DetectorError: The confidence is out of range, or, by default, there is no such setting.
        """
        raise DetectorError(f"{type(self).__name__} has no minimum confidence; leave out the confidence {confidence:g}")

    def second_try(self) -> SecondTry | None:
        """A detector that finds more people, and makes more errors, for a video in which this one finds nobody.

        Default: None, for no second try.
        """
        return None
