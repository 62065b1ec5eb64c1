"""The same motion on other bodies: random bone lengths, and the transfer of motion to them."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.proportions import H36M_LENGTHS
from poseglass.body.skeleton import H36M_17

__all__ = ["PARENTS", "random_lengths", "retarget"]

PARENTS = np.array(H36M_17.parents)
LEGS = [2, 3, 5, 6]  # joints at the end of thighs and shanks
ARMS = [11, 12, 13, 14, 15, 16]
TRUNK = [7, 8, 9, 10]

# Our own choices; the published weights were trained with them.
TOWARD_H36M = 1.15  # limit of the random blend from a body's own proportions (0) to Human3.6M's (1) and beyond
SPREAD = 0.05  # standard deviation of the logarithm of each factor: one per part, one per bone, one per adult
CHILDREN = 0.1  # share of children
CHILD_SIZES = (0.6, 0.9)  # range of children's sizes, relative to an adult of the same proportions


def retarget(points: Float[ndarray, "b f 17 3"], lengths: Float[ndarray, "b 17"]) -> Float[ndarray, "b f 17 3"]:
    """Transfer motion to bodies with other bone lengths.

    Bones keep their directions. The path of the root is scaled like the legs, so that feet do not slide.

    Args:
        points: World poses (b f 17 3).
        lengths: The mean length in metres of the bone from each joint to its parent (b 17). The root's is not used.

    Returns:
        World poses (b f 17 3).

    Example:
        >>> poses = np.random.default_rng(0).normal(size=(2, 9, 17, 3))
        >>> retarget(poses, np.tile(H36M_LENGTHS, (2, 1))).shape
        (2, 9, 17, 3)
    """
    bones = points[:, :, 1:] - points[:, :, PARENTS[1:]]
    own = np.linalg.norm(bones, axis=-1).mean(1)  # b 16
    bones = bones * (lengths[:, 1:] / np.maximum(own, 1e-6))[:, None, :, None]
    stature = lengths[:, LEGS].sum(1) / own[:, [joint - 1 for joint in LEGS]].sum(1)  # b
    moved = np.empty_like(points)
    moved[:, :, 0] = points[:, :, 0] * stature[:, None, None]
    for joint in range(1, 17):
        moved[:, :, joint] = moved[:, :, PARENTS[joint]] + bones[:, :, joint - 1]
    return moved


def random_lengths(rng: Generator, own: Float[ndarray, "b 17"]) -> Float[ndarray, "b 17"]:
    """Draw the bone lengths of random people: adults and some children, left and right equal.

    Args:
        rng: The source of randomness.
        own: The bone lengths of the recorded people in metres (b 17).

    Returns:
        Bone lengths in metres (b 17).

    Example:
        >>> lengths = random_lengths(np.random.default_rng(0), np.tile(H36M_LENGTHS, (8, 1)))
        >>> lengths.shape, bool(np.allclose(lengths[:, 2], lengths[:, 5]))
        ((8, 17), True)
    """
    count = len(own)
    toward = rng.uniform(0, TOWARD_H36M, (count, 1))
    lengths = own + toward * (H36M_LENGTHS - own)
    for part in (ARMS, LEGS, TRUNK):  # parts that grow together
        lengths[:, part] *= np.exp(rng.normal(0, SPREAD, (count, 1)))
    each_bone = np.exp(rng.normal(0, SPREAD, (count, 17)))
    lengths *= (each_bone + each_bone[:, list(H36M_17.mirror)]) / 2
    child = rng.random((count, 1)) < CHILDREN
    return np.asarray(
        lengths * np.where(child, rng.uniform(*CHILD_SIZES, (count, 1)), np.exp(rng.normal(0, SPREAD, (count, 1))))
    )
