"""What passes through lifting: blocks of 2D poses, and the 3D poses predicted for them."""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Bool, Float
from numpy import ndarray

__all__ = ["PoseBlock", "Prediction"]


class PoseBlock(NamedTuple):
    """Consecutive frames: Human3.6M joints in pixels and their scores. Joints of score 0 may have any value."""

    points: Float[ndarray, "f 17 2"]
    scores: Float[ndarray, "f 17"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Poses of settled frames.

    Attributes:
        pose3d: Root-relative poses in camera space, metres, (f 17 3).
        kept: Whether any window kept the frame in the model's middle layers, (f).
    """

    pose3d: Float[ndarray, "f 17 3"]
    kept: Bool[ndarray, " f"]
