"""Poses that motion capture lacks: limbs exchanged between clips, folded legs, tilted and lying bodies."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.clips.constants import constant
from poseglass.data.virtual.bodies import bones, joined
from poseglass.data.virtual.draws import Draws
from poseglass.data.virtual.vectors import cross, unit

__all__ = ["Variety", "exchange_limbs", "fold_legs", "trunk_axes", "turn_bodies"]

# Our own choices. Angles are in degrees.
ARMS, LEGS = (12, 13, 15, 16), (2, 3, 5, 6)  # joints at the end of a limb's bones; shoulders and hips stay
THIGHS, SHANKS = (2, 5), (3, 6)
HIP_FLEXION = (30, 110)  # range of the angle by which thighs are raised
KNEE_FLEXION = (-20, 40)  # range of the angle by which knees are bent, beyond that of the hip
TILT = 30  # standard deviation of a tilted body's angle


@dataclass(frozen=True)
class Variety:
    """Shares of clips with poses that motion capture lacks.

    Args:
        arms: Arms of another clip.
        legs: Legs of another clip.
        still: One pose, as in a photograph.
        crouching: Thighs raised and knees bent, as when sitting or crouching.
        tilted: The whole body tilted by tens of degrees.
        lying: The whole body turned about a horizontal axis, by any angle.
    """

    arms: float = 0.0
    legs: float = 0.0
    still: float = 0.0
    crouching: float = 0.0
    tilted: float = 0.0
    lying: float = 0.06


def trunk_axes(points: Float[Tensor, "b f 17 3"], *, hips: bool) -> Float[Tensor, "b f 3 3"]:
    """The trunk's axes left, up and front as the columns of a rotation, from the line of the hips or the shoulders."""
    up = unit(points[:, :, 8] - points[:, :, 0])
    left = points[:, :, 4] - points[:, :, 1] if hips else points[:, :, 11] - points[:, :, 14]
    left = unit(left - (left * up).sum(-1, keepdim=True) * up)
    return torch.stack([left, up, cross(left, up)], -1)


def exchange_limbs(draws: Draws, points: Float[Tensor, "b f 17 3"], variety: Variety) -> Float[Tensor, "b f 17 3"]:
    """Give some clips the arms, and some the legs, of the clip before them in the batch.

    The limbs keep their directions relative to the trunk. Their lengths become those of the other body; scale them
    afterwards (:func:`poseglass.data.virtual.bodies.retarget`).

    Example:
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> draws = TorchDraws(torch.Generator().manual_seed(0))
        >>> [*exchange_limbs(draws, torch.randn(4, 9, 17, 3), Variety(arms=0.25)).shape]
        [4, 9, 17, 3]
    """
    own = bones(points)
    for limb, share in ((ARMS, variety.arms), (LEGS, variety.legs)):
        axes = trunk_axes(points, hips=limb is LEGS)
        turn = axes @ axes.roll(1, 0).mT  # b f 3 3, from the other trunk to one's own
        other = bones(points).roll(1, 0) @ turn.mT
        exchanged = draws.chance(share, len(points), 1, 1, 1) & _members(limb, points.device)
        own = torch.where(exchanged, other, own)
    return joined(points[:, :, 0], own)


def fold_legs(draws: Draws, points: Float[Tensor, "b f 17 3"], share: float) -> Float[Tensor, "b f 17 3"]:
    """Raise the thighs and bend the knees of some clips, as when sitting or crouching.

    A thigh is turned about the line of the hips, by less the more it is already raised.

    Example:
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> [*fold_legs(TorchDraws(torch.Generator().manual_seed(0)), torch.randn(4, 9, 17, 3), 0.5).shape]
        [4, 9, 17, 3]
    """
    count, device = len(points), points.device
    chosen = draws.chance(share, count, 1)
    hip = draws.uniform(*HIP_FLEXION, count, 1).deg2rad()
    knee = hip + draws.uniform(*KNEE_FLEXION, count, 1).deg2rad()
    axes, vectors = trunk_axes(points, hips=True), bones(points)
    thighs = unit(vectors.index_select(2, constant(THIGHS, device)))
    straight = (-(thighs * axes[:, :, None, :, 1]).sum(-1)).mean((1, 2)).clamp(0, 1)[:, None]  # b 1; 1 if they hang
    left = axes[..., 0]
    for joints, angle in ((THIGHS, hip), (SHANKS, hip - knee)):
        # Turning the down direction about the left axis by a positive angle would move it backwards.
        turned = _turned(vectors, left[:, :, None], (-angle * straight)[:, :, None, None])
        vectors = torch.where(chosen[..., None, None] & _members(joints, device), turned, vectors)
    return joined(points[:, :, 0], vectors)


def turn_bodies(draws: Draws, points: Float[Tensor, "b f 17 3"], variety: Variety) -> Float[Tensor, "b f 17 3"]:
    """Turn some clips about a horizontal axis through the origin: few people lie in motion capture.

    Example:
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> [*turn_bodies(TorchDraws(torch.Generator().manual_seed(0)), torch.randn(4, 9, 17, 3), Variety()).shape]
        [4, 9, 17, 3]
    """
    count = len(points)
    lying, tilted = draws.chance(variety.lying, count), draws.chance(variety.tilted, count)
    anyhow, tens = draws.uniform(-math.pi, math.pi, count), math.radians(TILT) * draws.normal(count)
    angle = torch.where(lying, anyhow, tens.where(tilted, 0))[:, None, None, None]
    axis = constant((1.0, 0.0, 0.0), points.device, points.dtype)
    return _turned(points, axis, angle)


def _turned(
    vectors: Float[Tensor, "b f j 3"], axis: Float[Tensor, "..."], angle: Float[Tensor, "..."]
) -> Float[Tensor, "b f j 3"]:
    """Vectors turned about an axis of unit length (Rodrigues' formula)."""
    axis = axis.expand(vectors.shape)
    along = (axis * vectors).sum(-1, keepdim=True) * axis
    across = cross(axis, vectors)
    return along + (vectors - along) * angle.cos() + across * angle.sin()


def _members(joints: tuple[int, ...], device: torch.device) -> Tensor:
    """Which of the 17 joints are in the list (17 1)."""
    return constant(tuple(joint in joints for joint in range(17)), device, torch.bool)[:, None]
