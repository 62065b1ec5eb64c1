"""`Sample`: clips of 2D poses, and the 3D poses that belong to them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.clips.mirror import flip

__all__ = ["Sample", "mirrored"]


@dataclass(frozen=True)
class Sample:
    """A batch for training.

    Attributes:
        pose2d: What the model sees, (b f 17 i); a :class:`Sampler` gives (b f 17 3), as
            :func:`poseglass.clips.person.person_coordinates` makes it.
        pose3d: The truth, root-relative metres, (b f 17 3); a :class:`Sampler` gives them as a camera sees them that
            faces the pelvis.
        counts: Which frames count where it is judged, (b f); all where None.
    """

    pose2d: Float[ndarray, "b f 17 i"]
    pose3d: Float[ndarray, "b f 17 3"]
    counts: Bool[ndarray, "b f"] | None = None


def mirrored(sample: Sample) -> Sample:
    """Clips (b f 17 ...) and their mirror images, (2b f 17 ...), for training."""
    pose2d, pose3d = (np.concatenate([poses, flip(poses)]) for poses in (sample.pose2d, sample.pose3d))
    return Sample(pose2d, pose3d)
