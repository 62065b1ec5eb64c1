"""A simulated 2D detector with mild errors: version 1, which the bundled weights were trained with.

Version 2 is :mod:`poseglass.data.virtual.measured_detector`.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.clips.constants import constant
from poseglass.clips.person import median
from poseglass.data.virtual.draws import Draws
from poseglass.data.virtual.processes import remember, spells
from poseglass.data.virtual.vectors import length

__all__ = ["DetectorNoise", "body_size", "detect"]

# Our own choices; the published weights were trained with them. Lengths are shares of the person's height in the image.
JOINT_SPREAD = (0.5, 1.7)  # jitter of a joint, relative to that of its clip
MEMORY = (0.3, 0.95)  # correlation of the jitter in neighbouring frames
SWELL, SWELL_SPEED = 0.5, (0.02, 0.2)  # amplitude of the jitter's rise and fall (log), and radians per frame
FAR = 0.15  # standard deviation of outliers
SWAP_LENGTH, GAP_LENGTH, BLACKOUT_LENGTH = 15, 40, 20  # frames of the longest spell
LEGS_ONLY = 0.5  # share of swaps that affect the legs but not the arms
LEGS = range(1, 7)  # Human3.6M's joints from hips to ankles
SURE, SCORE_SLOPE, SCORE_NOISE, LOWEST_SCORE = 0.75, 6, 0.05, 0.05  # score = 0.75..1 - 6 * error + noise, at least 0.05


@dataclass(frozen=True)
class DetectorNoise:
    """The simulated detector's errors. Lengths are shares of the person's height in the image.

    Args:
        jitter: Range of the standard deviation of frame-to-frame noise, log-uniform over clips.
        bias: Standard deviation of a joint's constant offset in a clip.
        outliers: Share of joints and frames that are far off.
        swaps: Chance that left and right are swapped for a spell, per 81 frames.
        gaps: Chance that a joint is missing for a spell, per 81 frames.
        blackouts: Chance that the whole person is missing for a spell, per 81 frames.
    """

    jitter: tuple[float, float] = (0.002, 0.012)
    bias: float = 0.006
    outliers: float = 0.004
    swaps: float = 0.08
    gaps: float = 0.05
    blackouts: float = 0.05


def detect(
    draws: Draws, pixels: Float[Tensor, "b f j 2"], noise: DetectorNoise, mirror: tuple[int, ...]
) -> tuple[Float[Tensor, "b f j 2"], Float[Tensor, "b f j"]]:
    """Add a detector's errors to true joint positions, with scores that reflect the errors in part.

    Args:
        draws: The source of randomness.
        pixels: True positions (b f j 2), Human3.6M's 17 joints first.
        noise: The detector's errors.
        mirror: The permutation of the joints that swaps left and right.

    Returns:
        Positions (b f j 2) and scores (b f j). A missing joint has score 0.

    Example:
        >>> from poseglass.body.skeleton import H36M_17
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> draws = TorchDraws(torch.Generator().manual_seed(1))
        >>> points, scores = detect(draws, 500 * torch.rand(2, 9, 17, 2), DetectorNoise(), H36M_17.mirror)
        >>> [*points.shape], [*scores.shape]
        ([2, 9, 17, 2], [2, 9, 17])
    """
    count, frames, joints = pixels.shape[:3]
    device, time = pixels.device, torch.arange(frames, device=pixels.device)

    low, high = (math.log(limit) for limit in noise.jitter)
    jitter = draws.uniform(low, high, count, 1, 1, 1).exp()
    sigma = jitter * draws.uniform(*JOINT_SPREAD, count, 1, joints, 1)
    memory = draws.uniform(*MEMORY, count, 1, 1)
    wander = remember(draws.normal(*pixels.shape), memory)
    phase = draws.uniform(0, 2 * math.pi, count, 1, joints, 1)
    speed = draws.uniform(*SWELL_SPEED, count, 1, 1, 1)
    swell = (SWELL * (phase + speed * time[:, None, None]).sin()).exp()
    error = sigma * swell * wander + noise.bias * draws.normal(count, 1, joints, 2)
    outlier = draws.chance(noise.outliers, count, frames, joints)
    error = error + FAR * draws.normal(count, frames, joints, 2) * outlier[..., None]

    swapped = spells(draws, count, frames, noise.swaps, SWAP_LENGTH)[..., None]  # b f 1
    legs_only = draws.chance(LEGS_ONLY, count, 1, 1)
    legs = constant(tuple(joint in LEGS for joint in range(joints)), device, torch.bool)
    swapped = (swapped & (~legs_only | legs))[..., None]  # b f j 1
    exchanged = pixels.index_select(2, constant(mirror, device))
    points = torch.where(swapped, exchanged, pixels) + error * body_size(pixels)

    distance = length(error)  # b f j
    sureness = draws.uniform(SURE, 1.0, count, 1, joints) - SCORE_SLOPE * distance
    scores = (sureness + SCORE_NOISE * draws.normal(*distance.shape)).clamp(LOWEST_SCORE, 1)
    missing = spells(draws, count * joints, frames, noise.gaps, GAP_LENGTH)
    missing = missing.reshape(count, joints, frames).mT  # b f j
    missing = missing | spells(draws, count, frames, noise.blackouts, BLACKOUT_LENGTH)[..., None]
    return points, scores.masked_fill(missing, 0)


def body_size(pixels: Float[Tensor, "b f j 2"]) -> Float[Tensor, "b 1 1 1"]:
    """The size of each person in the image in pixels: the diagonal of their box, median over the clip."""
    extent = length(pixels.amax(2) - pixels.amin(2))  # b f
    return median(extent, 1)[..., None, None]
