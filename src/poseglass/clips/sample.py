"""`Sample`: clips of 2D poses with their true 3D poses, from data to training."""

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
        pose2d: What the model sees (b f 17 i), in the coordinates that it is trained on.
        pose3d: The truth, root-relative metres (b f 17 3), in the axes that the model answers in.
        counts: Which frames count in validation (b f); None for all.
    """

    pose2d: Float[ndarray, "b f 17 i"]
    pose3d: Float[ndarray, "b f 17 3"]
    counts: Bool[ndarray, "b f"] | None = None


def mirrored(sample: Sample) -> Sample:
    """Clips followed by their mirror images, twice as many, for training.

    Example:
        >>> mirrored(Sample(np.ones((2, 9, 17, 3)), np.ones((2, 9, 17, 3)))).pose2d[:, 0, 0, 0].tolist()
        [1.0, 1.0, -1.0, -1.0]
    """
    pose2d, pose3d = (np.concatenate([poses, flip(poses)]) for poses in (sample.pose2d, sample.pose3d))
    return Sample(pose2d, pose3d)
