"""A simulated 2D detector with errors as measured on real video: version 2.

Real errors have heavy tails. They wander, most of all while the detector has lost a limb, which happens more often
behind the trunk. Sides are exchanged for a while, and scores are higher than the errors justify. :data:`MEASURED` has
the measurements; ``python benchmarks/detector_errors.py CLIPS`` compares the simulation with them. Version 1 is
:mod:`poseglass.data.virtual.detector`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from poseglass.body.skeleton import H36M_17
from poseglass.clips.constants import constant
from poseglass.data.virtual.detector import LEGS, body_size
from poseglass.data.virtual.draws import Draws
from poseglass.data.virtual.processes import remember, spells
from poseglass.data.virtual.vectors import length

__all__ = ["MEASURED", "MEASURED_SCORES", "MeasuredNoise", "Projection", "detect_measured"]

# MediaPipe's full model against a triangulated reference, with exchanged sides undone: four views of one person, 98
# frames each at 60 frames per second (Pose2Sim's single-person demo). Lengths are shares of the body's height in the
# image.
MEASURED = {
    "quantiles of the error": {0.25: 0.009, 0.5: 0.014, 0.75: 0.022, 0.9: 0.036, 0.95: 0.057, 0.99: 0.176},
    "autocorrelation by frames": {1: 0.66, 3: 0.51, 6: 0.29, 15: 0.01},
    # The 10th and 90th percentile over clips and joints.
    "standard deviation": {0.1: 0.011, 0.9: 0.064},
    "constant part": {0.1: 0.004, 0.9: 0.015},
}
# Scores from this one up to the one before it: the share of joints, and their median error where it was measured.
MEASURED_SCORES = ((0.97, 0.67, 0.013), (0.6, 0.294, None), (0.3, 0.03, 0.034), (0.0, 0.006, 0.05))

# Fitted to MEASURED on motion capture (benchmarks/detector_errors.py), unless marked as our own choice.
SCALE = 0.0104  # the typical standard deviation of a joint's error along an axis
CLIP_SPREAD, JOINT_SPREAD = 0.15, 0.23  # standard deviations of its logarithm, over clips and over joints
SWELL, SWELL_SECONDS = 0.34, 0.25  # its rise and fall in time: standard deviation of the logarithm, and memory
WANDER_SECONDS, WHITE = 0.17, 0.5  # the error's memory, and the share of its variance without any
BIAS = 0.0055  # standard deviation of a joint's constant offset along an axis
OUTLIERS, FAR = 0.002, 0.12  # share of joints and frames that are far off, and how far: a standard deviation
# Limbs that the detector loses, for 5 to 40 frames at 60 frames per second. HIDDEN_LOST and BEHIND are our own choice.
LOST_PER_SECOND, LOST_SECONDS = 0.17, (5 / 60, 40 / 60)
HIDDEN_LOST, BEHIND = 0.6, 0.05  # share of clips in which limbs behind the trunk are lost; metres behind it
LOST_WANDER, LOST_OFFSET = (
    (0.046, 0.142),
    0.032,
)  # range of the standard deviation of its wander; deviation of its offset
MIDDLE = 0.76  # the error of a lost limb's knee or elbow, relative to that of its end
LIMBS = (("left_knee", "left_ankle"), ("right_knee", "right_ankle"), ("left_elbow", "left_wrist"),
         ("right_elbow", "right_wrist"))  # fmt: skip
TRUNK = tuple(H36M_17.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "hip"))
THORAX = H36M_17.index("thorax")
# Exchanged sides. One of the four real views had 26 of its 98 frames exchanged; the others had none.
SWAPS_PER_SECOND, SWAP_SECONDS, LEGS_ONLY = 0.15, (3 / 60, 26 / 60), 0.5
# Scores fall with the logarithm of the error, plus noise: this much per standard deviation of the noise.
SCORE_SLOPE, SCORE_MEMORY = 0.6, 0.8
SCORE_KNOTS = ((-2.6, 1.0), (0.5, 0.97), (2.03, 0.6), (2.85, 0.3), (4.5, 0.02))  # fallen so far, the score is
GAP_LENGTH, BLACKOUT_LENGTH = 40, 20  # frames of the longest spell, as in version 1


@dataclass(frozen=True)
class MeasuredNoise:
    """The errors of version 2 that can be switched off. Rates are our own choice.

    Args:
        swaps: Whether sides are exchanged for a while.
        gaps: Chance that a joint is missing for a spell, per 81 frames.
        blackouts: Chance that the whole person is missing for a spell, per 81 frames.
    """

    swaps: bool = True
    gaps: float = 0.03
    blackouts: float = 0.05


class Projection(NamedTuple):
    """What a camera sees.

    Attributes:
        pixels: True positions in the image (b f j 2), Human3.6M's 17 joints first.
        depth: Their distances along the camera's axis in metres (b f j).
        fps: The camera's frames per second (b).
    """

    pixels: Float[Tensor, "b f j 2"]
    depth: Float[Tensor, "b f j"]
    fps: Float[Tensor, " b"]


def detect_measured(
    draws: Draws, view: Projection, noise: MeasuredNoise, mirror: tuple[int, ...]
) -> tuple[Float[Tensor, "b f j 2"], Float[Tensor, "b f j"]]:
    """Add a real detector's errors to true joint positions, with overconfident scores.

    Args:
        draws: The source of randomness.
        view: The true positions and depths.
        noise: Which errors occur.
        mirror: The permutation of the joints that swaps left and right.

    Returns:
        Positions (b f j 2) and scores (b f j). A missing joint has score 0.

    Example:
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> view = Projection(500 * torch.rand(2, 9, 17, 2), torch.rand(2, 9, 17), torch.tensor([30.0, 60.0]))
        >>> draws = TorchDraws(torch.Generator().manual_seed(1))
        >>> points, scores = detect_measured(draws, view, MeasuredNoise(), H36M_17.mirror)
        >>> [*points.shape], [*scores.shape]
        ([2, 9, 17, 2], [2, 9, 17])
    """
    count, frames, joints = view.depth.shape
    error = _wandering(draws, view) + _losses(draws, view)
    outlier = draws.chance(OUTLIERS, count, frames, joints)[..., None]
    error = error + FAR * draws.normal(count, frames, joints, 2) * outlier
    points = _exchanged(draws, view, mirror) if noise.swaps else view.pixels
    missing = spells(draws, count * joints, frames, noise.gaps, GAP_LENGTH)
    missing = missing.reshape(count, joints, frames).mT  # b f j
    missing = missing | spells(draws, count, frames, noise.blackouts, BLACKOUT_LENGTH)[..., None]
    scores = _scores(draws, length(error))
    return points + error * body_size(view.pixels), scores.masked_fill(missing, 0)


def _wandering(draws: Draws, view: Projection) -> Float[Tensor, "b f j 2"]:
    """The error of joints that the detector sees, in body sizes."""
    count, frames, joints = view.depth.shape
    scale = CLIP_SPREAD * draws.normal(count, 1, 1, 1) + JOINT_SPREAD * draws.normal(count, 1, joints, 1)
    memory = _memory(view.fps, WANDER_SECONDS)[:, None, None]
    wander = remember(draws.normal(count, frames, joints, 2), memory)
    swell = remember(draws.normal(count, frames, joints), _memory(view.fps, SWELL_SECONDS)[:, None])[..., None]
    noise = math.sqrt(1 - WHITE) * wander + math.sqrt(WHITE) * draws.normal(count, frames, joints, 2)
    return SCALE * (scale + SWELL * swell).exp() * noise + BIAS * draws.normal(count, 1, joints, 2)


def _losses(draws: Draws, view: Projection) -> Float[Tensor, "b f j 2"]:
    """The additional error of lost limbs, in body sizes."""
    count, frames, joints = view.depth.shape
    device = view.depth.device
    ends = constant(tuple(H36M_17.index(end) for _, end in LIMBS), device)
    trunk = view.pixels.index_select(2, constant(TRUNK, device))
    point, depth = view.pixels.index_select(2, ends), view.depth.index_select(2, ends)
    inside = ((point > trunk.amin(2, keepdim=True)) & (point < trunk.amax(2, keepdim=True))).all(-1)  # b f 4
    hidden = inside & (depth > view.depth[:, :, THORAX, None] + BEHIND) & draws.chance(HIDDEN_LOST, count, 1, 1)
    lost = hidden | _timed_spells(draws, view, len(LIMBS), LOST_PER_SECOND, LOST_SECONDS)
    wander = remember(draws.normal(count, frames, len(LIMBS), 2), _memory(view.fps, WANDER_SECONDS)[:, None, None])
    spread = draws.uniform(*LOST_WANDER, count, 1, len(LIMBS), 1)
    error = lost[..., None] * (spread * wander + LOST_OFFSET * draws.normal(count, 1, len(LIMBS), 2))  # b f 4 2
    return _spread(joints, device, error.dtype) @ error


def _spread(joints: int, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "j 4"]:
    """The share of each limb's error that each joint has."""
    table = [[0.0] * len(LIMBS) for _ in range(joints)]
    for limb, (middle, end) in enumerate(LIMBS):
        table[H36M_17.index(middle)][limb], table[H36M_17.index(end)][limb] = MIDDLE, 1.0
    return constant(tuple(map(tuple, table)), device, dtype)


def _exchanged(draws: Draws, view: Projection, mirror: tuple[int, ...]) -> Float[Tensor, "b f j 2"]:
    """The true positions with sides exchanged for a while: of the whole body, or of the legs."""
    count, _, joints = view.depth.shape
    device = view.depth.device
    swapped = _timed_spells(draws, view, 1, SWAPS_PER_SECOND, SWAP_SECONDS)  # b f 1
    legs = constant(tuple(joint in LEGS for joint in range(joints)), device, torch.bool)
    swapped = (swapped & (~draws.chance(LEGS_ONLY, count, 1, 1) | legs))[..., None]  # b f j 1
    return torch.where(swapped, view.pixels.index_select(2, constant(mirror, device)), view.pixels)


def _scores(draws: Draws, distance: Float[Tensor, "b f j"]) -> Float[Tensor, "b f j"]:
    """Overconfident scores of joints that are so far off, in body sizes."""
    count, _, joints = distance.shape
    memory = torch.full((count, joints), SCORE_MEMORY, device=distance.device, dtype=distance.dtype)
    fallen = SCORE_SLOPE * (distance / 0.014).clamp(min=1e-3).log() + remember(draws.normal(*distance.shape), memory)
    knots, scores = (constant(column, distance.device, distance.dtype) for column in zip(*SCORE_KNOTS, strict=True))
    upper = torch.bucketize(fallen, knots).clamp(1, len(SCORE_KNOTS) - 1)
    share = ((fallen - knots[upper - 1]) / (knots[upper] - knots[upper - 1])).clamp(0, 1)
    return torch.lerp(scores[upper - 1], scores[upper], share)


def _timed_spells(
    draws: Draws, view: Projection, kinds: int, rate: float, seconds: tuple[float, float]
) -> Bool[Tensor, "b f _"]:
    """Mark spells of each kind (b f kinds) that start at a rate per second and last for a range of seconds."""
    count, frames, _ = view.depth.shape
    fps = view.fps[:, None]
    time = torch.arange(frames, device=fps.device)[:, None] / fps[:, None]  # b f 1, in seconds
    duration, longest = frames / fps, seconds[1]
    slots = max(frames // 81, 1)
    hit = torch.zeros(count, frames, kinds, dtype=torch.bool, device=fps.device)
    for _ in range(slots):
        start = draws.uniform(0, 1, count, kinds) * (duration + longest) - longest
        lasting = draws.uniform(*seconds, count, kinds)
        happens = draws.uniform(0, 1, count, kinds) < rate * (duration + longest) / slots
        begun, over = time >= start[:, None], time >= (start + lasting)[:, None]
        hit |= happens[:, None] & begun & ~over
    return hit


def _memory(fps: Float[Tensor, " b"], seconds: float) -> Float[Tensor, " b"]:
    """The correlation of neighbouring frames whose correlation falls to 1/e in this many seconds."""
    return (-1 / (seconds * fps)).exp()
