"""The same motion on other bodies: random bone lengths, and the transfer of motion to them."""

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.body.proportions import H36M_LENGTHS
from poseglass.body.skeleton import H36M_17
from poseglass.clips.constants import constant
from poseglass.data.virtual.draws import Draws
from poseglass.data.virtual.vectors import length

__all__ = ["PARENTS", "bone_lengths", "bones", "random_lengths", "retarget"]

PARENTS = tuple(max(parent, 0) for parent in H36M_17.parents)  # the root counts as its own parent
# Joints whose bones grow together, by the bone from the joint's parent to it.
LEGS, ARMS, TRUNK = (2, 3, 5, 6), (11, 12, 13, 14, 15, 16), (7, 8, 9, 10)

# Our own choices; the published weights were trained with them.
TOWARD_H36M = 1.15  # limit of the random blend from a body's own proportions (0) to Human3.6M's (1) and beyond
SPREAD = 0.05  # standard deviation of the logarithm of each factor: one per part, one per bone, one per adult
CHILDREN = 0.1  # share of children
CHILD_SIZES = (0.6, 0.9)  # range of children's sizes, relative to an adult of the same proportions


def bones(points: Float[Tensor, "b f 17 3"]) -> Float[Tensor, "b f 17 3"]:
    """The vector to each joint from its parent, in metres; the root's is 0."""
    return points - points.index_select(2, constant(PARENTS, points.device))


def bone_lengths(points: Float[Tensor, "b f 17 3"]) -> Float[Tensor, "b 17"]:
    """The mean length of each bone in metres."""
    return length(bones(points)).mean(1)


def retarget(points: Float[Tensor, "b f 17 3"], lengths: Float[Tensor, "b 17"]) -> Float[Tensor, "b f 17 3"]:
    """Transfer motion to bodies with other bone lengths.

    Bones keep their directions. The path of the root is scaled like the legs, so that feet do not slide.

    Args:
        points: World poses (b f 17 3).
        lengths: The mean length in metres of the bone from each joint to its parent (b 17). The root's is not used.

    Returns:
        World poses (b f 17 3).

    Example:
        >>> poses = torch.randn(2, 9, 17, 3)
        >>> [*retarget(poses, torch.tensor(H36M_LENGTHS).float().expand(2, 17)).shape]
        [2, 9, 17, 3]
    """
    vectors = bones(points)
    own = length(vectors).mean(1)  # b 17
    vectors = vectors * (lengths / own.clamp(min=1e-6))[:, None, :, None]
    legs = constant(LEGS, points.device)
    stature = lengths.index_select(1, legs).sum(1) / own.index_select(1, legs).sum(1)  # b
    return joined(points[:, :, 0] * stature[:, None, None], vectors)


def joined(root: Float[Tensor, "b f 3"], vectors: Float[Tensor, "b f 17 3"]) -> Float[Tensor, "b f 17 3"]:
    """Poses from the root's position and the vector to each joint from its parent."""
    joints = [root]
    for joint in range(1, len(PARENTS)):
        joints.append(joints[PARENTS[joint]] + vectors[:, :, joint])
    return torch.stack(joints, 2)


def random_lengths(draws: Draws, own: Float[Tensor, "b 17"]) -> Float[Tensor, "b 17"]:
    """Draw the bone lengths of random people: adults and some children, left and right equal.

    Args:
        draws: The source of randomness.
        own: The bone lengths of the recorded people in metres (b 17).

    Returns:
        Bone lengths in metres (b 17).

    Example:
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> own = torch.tensor(H36M_LENGTHS).float().expand(8, 17)
        >>> lengths = random_lengths(TorchDraws(torch.Generator().manual_seed(0)), own)
        >>> [*lengths.shape], bool(lengths[:, 2].allclose(lengths[:, 5]))
        ([8, 17], True)
    """
    count, device = len(own), own.device
    toward = draws.uniform(0, TOWARD_H36M, count, 1)
    lengths = own + toward * (constant(tuple(H36M_LENGTHS.tolist()), device, own.dtype) - own)
    for part in (ARMS, LEGS, TRUNK):
        member = constant(tuple(float(joint in part) for joint in range(17)), device, own.dtype)
        lengths = lengths * (SPREAD * draws.normal(count, 1) * member).exp()
    each_bone = (SPREAD * draws.normal(count, 17)).exp()
    lengths = lengths * (each_bone + each_bone.index_select(1, constant(H36M_17.mirror, device))) / 2
    child = draws.chance(CHILDREN, count, 1)
    return lengths * torch.where(child, draws.uniform(*CHILD_SIZES, count, 1), (SPREAD * draws.normal(count, 1)).exp())
