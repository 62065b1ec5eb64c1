"""Training losses of clips (b f j 3) in plain loops, written from their definitions."""

import math
from collections.abc import Sequence

from numpy import ndarray

from oracle import metrics


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def position(predicted: ndarray, target: ndarray, weights: Sequence[float]) -> float:
    clips, frames, joints, _ = predicted.shape
    return mean([
        weights[j] * math.dist(predicted[b, t, j], target[b, t, j])
        for b in range(clips) for t in range(frames) for j in range(joints)
    ])  # fmt: skip


def n_position(predicted: ndarray, target: ndarray) -> float:
    return mean([metrics.n_mpjpe(p, t) / 1000 for p, t in zip(predicted, target, strict=True)])


def smoothness(predicted: ndarray, weights: Sequence[float]) -> float:
    clips, frames, joints, _ = predicted.shape
    return mean([
        weights[j] * float(predicted[b, t, j, x] - predicted[b, t - 1, j, x]) ** 2
        for b in range(clips) for t in range(1, frames) for j in range(joints) for x in range(3)
    ])  # fmt: skip


def velocity(predicted: ndarray, target: ndarray) -> float:
    return mean([metrics.velocity_error(p, t) / 1000 for p, t in zip(predicted, target, strict=True)])


def limb_lengths(pose: ndarray, parents: Sequence[int]) -> list[float]:
    return [math.dist(pose[j], pose[parent]) for j, parent in enumerate(parents) if parent >= 0]


def limb_length(predicted: ndarray, target: ndarray, parents: Sequence[int]) -> float:
    errors = []
    for p, t in zip(predicted.reshape(-1, 17, 3), target.reshape(-1, 17, 3), strict=True):
        errors += [abs(a - b) for a, b in zip(limb_lengths(p, parents), limb_lengths(t, parents), strict=True)]
    return mean(errors)


def limb_variance(predicted: ndarray, parents: Sequence[int]) -> float:
    variances = []
    for clip in predicted:
        for lengths in zip(*(limb_lengths(pose, parents) for pose in clip), strict=True):
            middle = mean(lengths)
            variances.append(sum((length - middle) ** 2 for length in lengths) / (len(lengths) - 1))
    return mean(variances)


def limb_angles(pose: ndarray, parents: Sequence[int]) -> list[float]:
    """The angle between every two limbs that meet at a joint, by the law of cosines."""
    angles = []
    for joint in range(len(parents)):
        ends = [e for e in range(len(parents)) if parents[e] == joint or parents[joint] == e]
        for number, one in enumerate(ends):
            for other in ends[number + 1 :]:
                a, b = math.dist(pose[one], pose[joint]), math.dist(pose[other], pose[joint])
                c = math.dist(pose[one], pose[other])
                angles.append(math.acos(max(-1.0, min(1.0, (a * a + b * b - c * c) / (2 * a * b)))))
    return angles


def angle(predicted: ndarray, target: ndarray, parents: Sequence[int]) -> float:
    errors = []
    for p, t in zip(predicted.reshape(-1, 17, 3), target.reshape(-1, 17, 3), strict=True):
        errors += [abs(a - b) for a, b in zip(limb_angles(p, parents), limb_angles(t, parents), strict=True)]
    return mean(errors)


def angle_velocity(predicted: ndarray, target: ndarray, parents: Sequence[int]) -> float:
    errors = []
    for p, t in zip(predicted, target, strict=True):
        for frame in range(1, len(p)):
            moved = [
                [now - before for now, before in zip(limb_angles(clip[frame], parents),
                                                     limb_angles(clip[frame - 1], parents), strict=True)]
                for clip in (p, t)
            ]  # fmt: skip
            errors += [abs(a - b) for a, b in zip(*moved, strict=True)]
    return mean(errors)


def sequence_loss(
    predicted: ndarray, target: ndarray, weights: Sequence[float], *, smooth: float, speed: float
) -> float:
    """The training loss of HoT w. MixSTE."""
    terms = position(predicted, target, weights), smoothness(predicted, weights), velocity(predicted, target)
    return terms[0] + smooth * terms[1] + speed * terms[2]
