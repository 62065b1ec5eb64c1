"""The field's evaluation protocols in plain loops: windows, counting, mirror images and means."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy import ndarray

from oracle import metrics

Pose = ndarray  # (17, 3)
# The predictions for a stretch of frames: a list of (frame, pose, whether the pose repeats another).
Stretch = list[tuple[int, Pose, bool]]


def seq2seq(frames: int, clip: int) -> list[list[int]]:
    """Frame numbers of each window. Some lie before the first frame or after the last."""
    count = max(math.ceil(frames / clip), 1)
    before = (count * clip - frames) // 2
    return [[window * clip + place - before for place in range(clip)] for window in range(count)]


def seq2frame(frames: int, clip: int, middle: int) -> list[list[int]]:
    """For each frame, the frame numbers of the window around it."""
    return [[frame - middle + place for place in range(clip)] for frame in range(frames)]


def windows(sequence: ndarray, numbers: list[list[int]]) -> list[ndarray]:
    """The windows of a sequence, with its first and last frames repeated beyond the ends."""
    last = len(sequence) - 1
    return [np.stack([sequence[min(max(number, 0), last)] for number in window]) for window in numbers]


def screen(pixels: ndarray, width: int, height: int) -> ndarray:
    """2 x / w - 1 and 2 y / w - h / w."""
    converted = np.empty_like(pixels, dtype=float)
    for index in np.ndindex(*pixels.shape[:-1]):
        x, y = pixels[index]
        converted[index] = 2 * x / width - 1, 2 * y / width - height / width
    return converted


def mirrored(poses: ndarray, left: Sequence[int], right: Sequence[int]) -> ndarray:
    """Poses with x negated and left and right exchanged."""
    converted = poses.copy()
    for a, b in zip(left, right, strict=True):
        converted[..., a, :], converted[..., b, :] = poses[..., b, :], poses[..., a, :]
    converted[..., 0] = -converted[..., 0]
    return converted


def both_ways(model: Callable[[ndarray], ndarray], clip: ndarray, left: Sequence[int], right: Sequence[int]) -> ndarray:
    """The mean of a model's predictions for a clip and its mirror image."""
    return (model(clip) + mirrored(model(mirrored(clip, left, right)), left, right)) / 2


class Count:
    """Pairs of predicted and true poses of a group, and of runs of two and three poses."""

    def __init__(self) -> None:
        self.single: list[tuple[Pose, Pose]] = []
        self.runs: dict[int, list[tuple[list[Pose], list[Pose]]]] = {2: [], 3: []}

    def add(self, predicted: Sequence[Pose], target: Sequence[Pose], counts: Iterable[bool]) -> None:
        marks = list(counts)
        for t in range(len(marks)):
            if marks[t]:
                self.single.append((predicted[t], target[t]))
            for length, runs in self.runs.items():
                if t + length <= len(marks) and all(marks[t : t + length]):
                    runs.append((list(predicted[t : t + length]), list(target[t : t + length])))

    def errors(self) -> dict[str, float]:
        predicted, target = (np.stack(poses) for poses in zip(*self.single, strict=True))

        def mean(values: list[float]) -> float:
            return sum(values) / len(values) if values else float("nan")

        return {
            "MPJPE": metrics.mpjpe(predicted, target),
            "P-MPJPE": metrics.p_mpjpe(predicted, target),
            "N-MPJPE": metrics.n_mpjpe(predicted, target),
            "MPJVE": mean([metrics.velocity_error(np.stack(p), np.stack(t)) for p, t in self.runs[2]]),
            "acceleration": mean([metrics.acceleration_error(np.stack(p), np.stack(t)) for p, t in self.runs[3]]),
        }

    def errors_3dhp(self) -> dict[str, float]:
        predicted, target = (np.stack(poses) for poses in zip(*self.single, strict=True))
        return {
            "MPJPE": metrics.mpjpe(predicted, target),
            "PCK": metrics.pck(predicted, target, range(14), 150),
            "AUC": metrics.auc(predicted, target, range(14)),
        }
