"""What a 2D detector would report of a person: which joints it sees, and how wrong it is about them.

The joints of motion capture are extended by a face, projected by whoever calls, disturbed by :func:`detect`, and taken
through a detector's layout by :func:`observe`. Everything is numpy over a whole batch, and all chance comes from the
generator passed in.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.skeleton import BLAZEPOSE_33, BODY_25, COCO_17, H36M_17, HALPE_26, Skeleton, conversion

__all__ = ["COCO_LAYOUT", "LAYOUTS", "SEEN", "Detection", "detect", "face", "observe", "to_nose"]

LAYOUTS = (COCO_17, HALPE_26, BODY_25, BLAZEPOSE_33)
COCO_LAYOUT = 1 + LAYOUTS.index(COCO_17)  # as `observe` counts them

# What is projected: the 17 joints, and what the detectors' layouts need beyond them.
SEEN = Skeleton(
    "seen", (*H36M_17.joints, "nose", "left_eye", "right_eye", "left_ear", "right_ear", "neck"), H36M_17.bones
)


@dataclass(frozen=True)
class Detection:
    """How bad the 2D is. Lengths are shares of the person's height in the image.

    Args:
        jitter: Range, log-uniform over clips, of the standard deviation of noise that wanders from frame to frame.
        bias: Standard deviation of a joint's constant offset in a clip.
        outliers: Share of joints and frames that are far off.
        swaps: Chance that a clip has a spell of left and right exchanged.
        gaps: Chance that a joint is missing for a spell.
        blackouts: Chance that the whole person is missing for a spell.
    """

    jitter: tuple[float, float] = (0.002, 0.012)
    bias: float = 0.006
    outliers: float = 0.004
    swaps: float = 0.08
    gaps: float = 0.05
    blackouts: float = 0.05


def face(points: Float[ndarray, "*b 17 3"]) -> Float[ndarray, "*b 6 3"]:
    """Nose, eyes, ears and neck (... 6 3) of 17 joints whose joint 9 is the skull base; metres, y up.

    The head's axes are thorax to head top and the shoulders' line; offsets are an adult's.
    """
    base, top, thorax = points[..., 9, :], points[..., 10, :], points[..., 8, :]
    up = _unit(top - thorax)
    left = points[..., 11, :] - points[..., 14, :]
    left = _unit(left - (left * up).sum(-1, keepdims=True) * up)
    front = np.cross(left, up)
    eyes, ears = base + 0.075 * front + 0.035 * up, base - 0.005 * front + 0.015 * up
    neck = (points[..., 11, :] + points[..., 14, :]) / 2
    return np.stack(
        [base + 0.09 * front, eyes + 0.032 * left, eyes - 0.032 * left, ears + 0.075 * left, ears - 0.075 * left, neck],
        -2,
    )


def to_nose(points: Float[ndarray, "*b 17 3"], features: Float[ndarray, "*b 6 3"]) -> Float[ndarray, "*b 17 3"]:
    """The joints with joint 9 moved from the skull base, where motion capture has it, 5 cm forward.

    There Human3.6M has it, and detectors' noses are near. `features` are what :func:`face` made of the points.
    """
    moved = points.copy()
    moved[..., 9, :] += (features[..., 0, :] - points[..., 9, :]) * (0.05 / 0.09)
    return moved


def _unit(v: ndarray) -> ndarray:
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.asarray(v / np.maximum(length, 1e-9))


def _spells(rng: Generator, count: int, frames: int, chance: ndarray | float, longest: int) -> ndarray:
    """Boolean (count frames): for every 81 frames, with the given chance, a stretch of up to `longest` that is True."""
    time = np.arange(frames)
    hit = np.zeros((count, frames), bool)
    for _ in range(max(frames // 81, 1)):
        begin = rng.integers(-longest // 2, frames, count)[:, None]
        length = rng.integers(1, longest + 1, count)[:, None]
        hit |= (rng.random(count)[:, None] < chance) & (time >= begin) & (time < begin + length)
    return hit


def detect(
    rng: Generator, pixels: Float[ndarray, "b f n 2"], how: Detection, mirror: tuple[int, ...]
) -> tuple[Float[ndarray, "b f n 2"], Float[ndarray, "b f n"]]:
    """What a detector would report of true joints in the image: positions off, scores that know it somewhat.

    Args:
        rng: The source of chance.
        pixels: True positions (b f n 2).
        how: How bad it is.
        mirror: The permutation of the joints that exchanges left and right.

    Returns:
        Positions (b f n 2) and scores (b f n); a missing joint has score 0.
    """
    count, frames, joints = pixels.shape[:3]
    spread = pixels.max(2) - pixels.min(2)
    size = np.median(np.linalg.norm(spread, axis=-1), axis=1)[:, None, None, None]

    low, high = np.log(how.jitter)
    sigma = np.exp(rng.uniform(low, high, (count, 1, 1, 1))) * rng.uniform(0.5, 1.7, (count, 1, joints, 1))
    memory = rng.uniform(0.3, 0.95, (count, 1, 1))
    white = rng.normal(size=pixels.shape)
    noise = np.empty_like(white)
    noise[:, 0] = white[:, 0]
    for t in range(1, frames):
        noise[:, t] = memory * noise[:, t - 1] + np.sqrt(1 - memory**2) * white[:, t]
    # Calm and bad stretches alternate: the noise swells and fades over the clip.
    swell = np.exp(0.5 * np.sin(rng.uniform(0, 2 * np.pi, (count, 1, joints, 1)) + _waves(rng, count, frames)))
    error = sigma * swell * noise + rng.normal(0, how.bias, (count, 1, joints, 2))
    far = rng.random((count, frames, joints)) < how.outliers
    error += far[..., None] * rng.normal(0, 0.15, (count, frames, joints, 2))

    swapped = _spells(rng, count, frames, how.swaps, 15)[..., None]
    legs_only = rng.random((count, 1, 1)) < 0.5
    low_body = np.isin(np.arange(joints), [1, 2, 3, 4, 5, 6])
    swapped = (swapped & (~legs_only | low_body))[..., None]
    found = np.where(swapped, pixels[:, :, list(mirror)], pixels) + error * size

    off = np.linalg.norm(error, axis=-1)
    scores = np.clip(rng.uniform(0.75, 1.0, (count, 1, joints)) - 6 * off + rng.normal(0, 0.05, off.shape), 0.05, 1)
    missing = _spells(rng, count * joints, frames, how.gaps, 40).reshape(count, joints, frames).swapaxes(1, 2)
    missing = missing | _spells(rng, count, frames, how.blackouts, 20)[..., None]
    return found, np.where(missing, 0, scores)


def _waves(rng: Generator, count: int, frames: int) -> ndarray:
    speed = rng.uniform(0.02, 0.2, (count, 1, 1, 1))
    return np.asarray(speed * np.arange(frames)[:, None, None])


def observe(
    points: Float[ndarray, "b f n 2"], scores: Float[ndarray, "b f n"], layout: ndarray
) -> tuple[Float[ndarray, "b f 17 2"], Float[ndarray, "b f 17"]]:
    """The 17 joints of what was :data:`SEEN`, each clip through the conversion of its detector's layout.

    Args:
        points: Positions of the joints of :data:`SEEN`, (b f n 2).
        scores: Their scores (b f n).
        layout: For each clip a number: 0 for the 17 joints themselves, i for ``LAYOUTS[i - 1]``.
    """
    matrix = _CONVERSIONS[layout]  # b 17 n
    found = np.einsum("bjn,bfnd->bfjd", matrix, points)
    lowest = np.stack([np.where(matrix[:, None, j] != 0, scores, np.inf).min(-1) for j in range(matrix.shape[1])], -1)
    return found, lowest


def _conversions() -> ndarray:
    matrices = [conversion(SEEN, H36M_17)]
    for layout in LAYOUTS:
        matrix = conversion(layout, H36M_17)
        onto = np.zeros((17, len(SEEN)))
        for column, joint in enumerate(layout.joints):
            if matrix[:, column].any():
                onto[:, SEEN.index(joint)] = matrix[:, column]
        matrices.append(onto)
    return np.stack(matrices)


_CONVERSIONS = _conversions()
