"""The mirror image of poses."""

from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17, Skeleton

__all__ = ["flip"]


def flip(pose: Float[ndarray, "*b j i"], skeleton: Skeleton = H36M_17) -> Float[ndarray, "*b j i"]:
    """Mirror centred poses (... j i): negate x, and exchange left and right joints.

    Args:
        pose: 2D or 3D poses, with or without scores, whose x is centred at 0.
        skeleton: Tells which joints mirror each other.

    Example:
        >>> import numpy as np
        >>> flip(np.arange(34.0).reshape(17, 2))[1].tolist()  # the right hip: the left one, mirrored
        [-8.0, 9.0]
    """
    mirrored = pose[..., list(skeleton.mirror), :]  # indexing with a list copies
    mirrored[..., 0] *= -1
    return mirrored
