"""What a 2D detector is: an image in, the keypoints of everyone in it out."""

from abc import ABC, abstractmethod

from jaxtyping import Float, UInt8
from numpy import ndarray

from poseglass.body.skeleton import Skeleton

__all__ = ["Detector"]


class Detector(ABC):
    """Finds people in the frames of a video.

    To bring your own, subclass it, set `skeleton` and write :meth:`detect`.

    Attributes:
        skeleton: Which joint is which in what :meth:`detect` returns.

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
    def detect(self, image: UInt8[ndarray, "h w 3"], seconds: float) -> Float[ndarray, "p j 3"]:
        """The people in one frame, in no particular order.

        Args:
            image: The frame, RGB.
            seconds: Its time, which increases from frame to frame; where it does not, another video begins.

        Returns:
            For each person and joint the place in pixels, x right and y down, and a score from 0 to 1; of shape
            (0, j, 3) where nobody is seen.
        """
