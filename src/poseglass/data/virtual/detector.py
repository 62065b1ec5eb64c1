"""A simulated 2D detector: the joints that it reports, and its errors.

The caller adds a face to the 17 joints of motion capture (:func:`face`) and projects them. :func:`detect` adds errors,
and :func:`observe` converts them to a detector's keypoint layout and back to 17 joints, as inference does.
Everything is numpy over a whole batch; all randomness comes from the generator passed in.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.skeleton import BLAZEPOSE_33, BODY_25, COCO_17, H36M_17, HALPE_26, Skeleton, conversion

__all__ = ["COCO_LAYOUT", "H36M_FACE", "LAYOUTS", "DetectorNoise", "detect", "face", "observe", "to_nose"]

LAYOUTS = (COCO_17, HALPE_26, BODY_25, BLAZEPOSE_33)
COCO_LAYOUT = 1 + LAYOUTS.index(COCO_17)  # COCO's layout number in `observe`

# The joints that are projected: the 17, then those that the detectors' layouts also need.
H36M_FACE = Skeleton(
    "h36m_face", (*H36M_17.joints, "nose", "left_eye", "right_eye", "left_ear", "right_ear", "neck"), H36M_17.bones
)

# Offsets of an adult's face in metres from the base of the skull: (forward, up, left).
NOSE, EYE, EAR = (0.09, 0.0, 0.0), (0.075, 0.035, 0.032), (-0.005, 0.015, 0.075)
SKULL_TO_NOSE = 0.05  # metres from the base of the skull to joint 9 of Human3.6M, which is just behind the nose

# Our own choices; the published weights were trained with them. Lengths are shares of the person's height in the image.
JOINT_SPREAD = (0.5, 1.7)  # jitter of a joint, relative to that of its clip
MEMORY = (0.3, 0.95)  # correlation of the jitter in neighbouring frames
SWELL, SWELL_SPEED = 0.5, (0.02, 0.2)  # amplitude of the jitter's rise and fall (log), and radians per frame
FAR = 0.15  # standard deviation of outliers
SPELL_PERIOD = 81  # frames that may contain one spell of each kind
SWAP_LENGTH, GAP_LENGTH, BLACKOUT_LENGTH = 15, 40, 20  # frames of the longest spell
LEGS_ONLY = 0.5  # share of swaps that affect the legs but not the arms
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


def face(points: Float[ndarray, "*b 17 3"]) -> Float[ndarray, "*b 6 3"]:
    """Return an adult's nose, left and right eye, left and right ear, and neck.

    The head's axes follow the line from thorax to head top and the line of the shoulders.

    Args:
        points: The 17 joints, with joint 9 at the base of the skull (... 17 3), metres, y up.

    Returns:
        The joints of :data:`H36M_FACE` after the 17 (... 6 3), metres.
    """
    base, top, thorax = points[..., 9, :], points[..., 10, :], points[..., 8, :]
    up = _unit(top - thorax)
    left = points[..., 11, :] - points[..., 14, :]
    left = _unit(left - (left * up).sum(-1, keepdims=True) * up)
    front = np.cross(left, up)

    def place(offset: tuple[float, float, float], side: int = 1) -> ndarray:
        return np.asarray(base + offset[0] * front + offset[1] * up + side * offset[2] * left)

    neck = (points[..., 11, :] + points[..., 14, :]) / 2
    return np.stack([place(NOSE), place(EYE), place(EYE, -1), place(EAR), place(EAR, -1), neck], -2)


def to_nose(points: Float[ndarray, "*b 17 3"], features: Float[ndarray, "*b 6 3"]) -> Float[ndarray, "*b 17 3"]:
    """Move joint 9 forward by 5 cm from the base of the skull, where motion capture has it.

    Human3.6M has joint 9 there, near the nose that detectors report.

    Args:
        points: The 17 joints (... 17 3), metres.
        features: Their face, from :func:`face` (... 6 3).

    Returns:
        A copy with joint 9 moved (... 17 3).
    """
    moved = points.copy()
    moved[..., 9, :] += (features[..., 0, :] - points[..., 9, :]) * (SKULL_TO_NOSE / NOSE[0])
    return moved


def detect(
    rng: Generator, pixels: Float[ndarray, "b f j 2"], noise: DetectorNoise, mirror: tuple[int, ...]
) -> tuple[Float[ndarray, "b f j 2"], Float[ndarray, "b f j"]]:
    """Add a detector's errors to true joint positions, with scores that reflect the errors in part.

    Args:
        rng: The source of randomness.
        pixels: True positions (b f j 2), Human3.6M's 17 joints first.
        noise: The detector's errors.
        mirror: The permutation of the joints that swaps left and right.

    Returns:
        Positions (b f j 2) and scores (b f j). A missing joint has score 0.

    Example:
        >>> truth = np.random.default_rng(0).uniform(0, 500, (2, 9, 17, 2))
        >>> points, scores = detect(np.random.default_rng(1), truth, DetectorNoise(), H36M_17.mirror)
        >>> points.shape, scores.shape
        ((2, 9, 17, 2), (2, 9, 17))
    """
    count, frames, joints = pixels.shape[:3]
    extent = pixels.max(2) - pixels.min(2)  # b f 2
    size = np.median(np.linalg.norm(extent, axis=-1), axis=1)[:, None, None, None]

    low, high = np.log(noise.jitter)
    jitter = np.exp(rng.uniform(low, high, (count, 1, 1, 1)))
    sigma = jitter * rng.uniform(*JOINT_SPREAD, (count, 1, joints, 1))
    wander = _wander(rng, pixels.shape)
    phase = rng.uniform(0, 2 * np.pi, (count, 1, joints, 1))
    speed = rng.uniform(*SWELL_SPEED, (count, 1, 1, 1))
    swell = np.exp(SWELL * np.sin(phase + speed * np.arange(frames)[:, None, None]))
    error = sigma * swell * wander + rng.normal(0, noise.bias, (count, 1, joints, 2))
    outlier = rng.random((count, frames, joints)) < noise.outliers
    error += outlier[..., None] * rng.normal(0, FAR, (count, frames, joints, 2))

    swapped = _spells(rng, count, frames, noise.swaps, SWAP_LENGTH)[..., None]  # b f 1
    legs_only = rng.random((count, 1, 1)) < LEGS_ONLY
    legs = np.isin(np.arange(joints), [1, 2, 3, 4, 5, 6])
    swapped = (swapped & (~legs_only | legs))[..., None]  # b f j 1
    points = np.where(swapped, pixels[:, :, list(mirror)], pixels) + error * size

    distance = np.linalg.norm(error, axis=-1)  # b f j
    sureness = rng.uniform(SURE, 1.0, (count, 1, joints)) - SCORE_SLOPE * distance
    scores = np.clip(sureness + rng.normal(0, SCORE_NOISE, distance.shape), LOWEST_SCORE, 1)
    missing = _spells(rng, count * joints, frames, noise.gaps, GAP_LENGTH)
    missing = missing.reshape(count, joints, frames).swapaxes(1, 2)  # b f j
    missing = missing | _spells(rng, count, frames, noise.blackouts, BLACKOUT_LENGTH)[..., None]
    return points, np.where(missing, 0, scores)


def observe(
    points: Float[ndarray, "b f m 2"], scores: Float[ndarray, "b f m"], layout: Int[ndarray, " b"]
) -> tuple[Float[ndarray, "b f 17 2"], Float[ndarray, "b f 17"]]:
    """Convert joints to a detector's layout and on to the 17 joints, as inference does.

    Args:
        points: Positions of the joints of :data:`H36M_FACE` (b f m 2).
        scores: Their scores (b f m).
        layout: A number for each clip (b): 0 for the 17 joints themselves, i for ``LAYOUTS[i - 1]``.

    Returns:
        Positions (b f 17 2) and scores (b f 17). A joint's score is the lowest of those it is computed from.
    """
    matrix = _CONVERSIONS[layout]  # b 17 m
    converted = np.einsum("bjm,bfmi->bfji", matrix, points)
    lowest = np.stack([np.where(matrix[:, None, j] != 0, scores, np.inf).min(-1) for j in range(matrix.shape[1])], -1)
    return converted, lowest


def _unit(vector: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3"]:
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9))


def _wander(rng: Generator, shape: tuple[int, ...]) -> Float[ndarray, "b f j 2"]:
    """Unit noise, correlated from frame to frame (a first-order autoregressive process)."""
    memory = rng.uniform(*MEMORY, (shape[0], 1, 1))
    white = rng.normal(size=shape)
    noise = np.empty_like(white)
    noise[:, 0] = white[:, 0]
    for frame in range(1, shape[1]):
        noise[:, frame] = memory * noise[:, frame - 1] + np.sqrt(1 - memory**2) * white[:, frame]
    return noise


def _spells(rng: Generator, count: int, frames: int, chance: float, longest: int) -> Bool[ndarray, "b f"]:
    """Mark spells (b f): in every 81 frames, with the given chance, one stretch of up to `longest` frames is True."""
    time = np.arange(frames)
    hit = np.zeros((count, frames), bool)
    for _ in range(max(frames // SPELL_PERIOD, 1)):
        start = rng.integers(-longest // 2, frames, count)[:, None]
        length = rng.integers(1, longest + 1, count)[:, None]
        hit |= (rng.random(count)[:, None] < chance) & (time >= start) & (time < start + length)
    return hit


def _conversions() -> Float[ndarray, "n 17 m"]:
    """For each layout number, the matrix from :data:`H36M_FACE` to the 17 joints."""
    matrices = [conversion(H36M_FACE, H36M_17)]
    for layout in LAYOUTS:
        matrix = conversion(layout, H36M_17)
        onto = np.zeros((17, len(H36M_FACE)))
        for column, joint in enumerate(layout.joints):
            if matrix[:, column].any():
                onto[:, H36M_FACE.index(joint)] = matrix[:, column]
        matrices.append(onto)
    return np.stack(matrices)


_CONVERSIONS = _conversions()
