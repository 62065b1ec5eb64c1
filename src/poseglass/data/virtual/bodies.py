"""Other bodies for the same motion: bone lengths of random people, and motion taken over to them."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.skeleton import H36M_17

__all__ = ["random_lengths", "retarget"]


PARENTS = np.array(H36M_17.parents)


# Human3.6M's mean bone lengths in metres, each from the joint's parent.
H36M_LENGTHS = np.array(
    [0, 0.134, 0.443, 0.443, 0.134, 0.443, 0.443, 0.236, 0.254, 0.116, 0.115, 0.151, 0.278, 0.249, 0.151, 0.278, 0.249]
)


def retarget(points: Float[ndarray, "b f 17 3"], lengths: Float[ndarray, "b 17"]) -> Float[ndarray, "b f 17 3"]:
    """The same motion on bodies of other bone lengths: directions kept, the root's path scaled with the legs.

    Args:
        points: World poses (b f 17 3).
        lengths: Mean length of each joint's bone to its parent in metres, (b 17). The root's is not used.
    """
    bones = points[:, :, 1:] - points[:, :, PARENTS[1:]]
    own = np.linalg.norm(bones, axis=-1).mean(1)  # b 16
    bones = bones * (lengths[:, 1:] / np.maximum(own, 1e-6))[:, None, :, None]
    legs = [2, 3, 5, 6]
    stature = lengths[:, legs].sum(1) / own[:, [i - 1 for i in legs]].sum(1)
    moved = np.empty_like(points)
    moved[:, :, 0] = points[:, :, 0] * stature[:, None, None]
    for joint in range(1, 17):
        moved[:, :, joint] = moved[:, :, PARENTS[joint]] + bones[:, :, joint - 1]
    return moved


def random_lengths(rng: Generator, own: Float[ndarray, "b 17"]) -> Float[ndarray, "b 17"]:
    """Bone lengths of random people, adults and some children, left and right alike, (b 17)."""
    count = len(own)
    toward = rng.uniform(0, 1.15, (count, 1))
    lengths = own + toward * (H36M_LENGTHS - own)
    # Stretched in proportion, by parts of the body that grow together, and bone by bone.
    arms, legs, trunk = ([11, 12, 13, 14, 15, 16], [2, 3, 5, 6], [7, 8, 9, 10])
    for part in (arms, legs, trunk):
        lengths[:, part] *= np.exp(rng.normal(0, 0.05, (count, 1)))
    own_way = np.exp(rng.normal(0, 0.05, (count, 17)))
    lengths *= (own_way + own_way[:, list(H36M_17.mirror)]) / 2
    child = rng.random((count, 1)) < 0.1
    return np.asarray(
        lengths * np.where(child, rng.uniform(0.6, 0.9, (count, 1)), np.exp(rng.normal(0, 0.05, (count, 1))))
    )
