"""Training losses in plain loops, written from the definitions."""

import math
from collections.abc import Sequence

from numpy import ndarray


def sequence_loss(
    predicted: ndarray, target: ndarray, weights: Sequence[float], *, smoothness: float, velocity: float
) -> float:
    """The training loss of HoT w. MixSTE over clips (b f j 3)."""
    clips, frames, joints, _ = predicted.shape
    position, smooth, speed = [], [], []
    for b in range(clips):
        for t in range(frames):
            for j in range(joints):
                position.append(weights[j] * math.dist(predicted[b, t, j], target[b, t, j]))
                if t:
                    step = predicted[b, t, j] - predicted[b, t - 1, j]
                    true = target[b, t, j] - target[b, t - 1, j]
                    smooth += [weights[j] * float(s) ** 2 for s in step]
                    speed.append(math.dist(step, true))
    mean = [sum(values) / len(values) for values in (position, smooth, speed)]
    return mean[0] + smoothness * mean[1] + velocity * mean[2]
