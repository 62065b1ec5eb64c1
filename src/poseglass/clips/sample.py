"""`Sample`: a batch of 2D clips with their true 3D poses, passed from data to training."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.clips.mirror import flip

__all__ = ["Sample", "mirrored"]


@dataclass(frozen=True, eq=False)
class Sample:
    """A batch of clips and their true poses.

    Attributes:
        pose2d: The model's input (b f 17 i), in the coordinates it is trained on.
        pose3d: The true poses, root-relative, in metres (b f 17 3), in the axes of the model's output.
        counts: Which frames count in validation (b f); None for all.
    """

    pose2d: Float[ndarray, "b f 17 i"]
    pose3d: Float[ndarray, "b f 17 3"]
    counts: Bool[ndarray, "b f"] | None = None


def mirrored(sample: Sample) -> Sample:
    """The clips followed by their mirror images, so twice as many, for training.

    Example:
        >>> mirrored(Sample(np.ones((2, 9, 17, 3)), np.ones((2, 9, 17, 3)))).pose2d[:, 0, 0, 0].tolist()
        [1.0, 1.0, -1.0, -1.0]
    """
    pose2d, pose3d = (np.concatenate([poses, flip(poses)]) for poses in (sample.pose2d, sample.pose3d))
    return Sample(pose2d, pose3d)
