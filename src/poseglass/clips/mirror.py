"""The mirror image of poses."""

from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17, Skeleton

__all__ = ["flip"]


def flip(pose: Float[ndarray, "*b j i"], skeleton: Skeleton = H36M_17) -> Float[ndarray, "*b j i"]:
    """The mirror image of centred poses (... j i): x negated, left and right joints exchanged."""
    mirrored = pose[..., list(skeleton.mirror), :]  # indexing with a list copies
    mirrored[..., 0] *= -1
    return mirrored
