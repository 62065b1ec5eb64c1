"""Pose errors and their alignments in plain loops, written from the definitions."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy import ndarray


def mpjpe(predicted: ndarray, target: ndarray) -> float:
    """Mean distance of joints in millimetres, for poses (f j 3) in metres."""
    distances = [
        math.dist(p.tolist(), t.tolist())
        for pose, true in zip(predicted, target, strict=True)
        for p, t in zip(pose, true, strict=True)
    ]
    return 1000 * sum(distances) / len(distances)


def velocity_error(predicted: ndarray, target: ndarray) -> float:
    """MPJPE of the frame-to-frame movement of the joints."""

    def steps(x: ndarray) -> ndarray:
        return np.stack([x[t + 1].astype(float) - x[t] for t in range(len(x) - 1)])

    return mpjpe(steps(predicted), steps(target))


def acceleration_error(predicted: ndarray, target: ndarray) -> float:
    """MPJPE of x(t-1) - 2 x(t) + x(t+1)."""

    def bends(x: ndarray) -> ndarray:
        x = x.astype(float)
        return np.stack([x[t - 1] - 2 * x[t] + x[t + 1] for t in range(1, len(x) - 1)])

    return mpjpe(bends(predicted), bends(target))


def similarity(points: ndarray, target: ndarray) -> tuple[float, ndarray]:
    """The scale and rotation that bring points (n 3), centred, to a target, by Horn's quaternion method (JOSA A, 1987).

    It needs no singular value decomposition: the rotation is an eigenvector of a 4 x 4 matrix.
    """
    p, q = points - points.mean(0), target - target.mean(0)
    s = np.zeros((3, 3))
    for a, b in zip(p, q, strict=True):
        s += np.outer(a, b)
    xx, xy, xz, yx, yy, yz, zx, zy, zz = s.ravel()
    n = np.array(
        [
            [xx + yy + zz, yz - zy, zx - xz, xy - yx],
            [yz - zy, xx - yy - zz, xy + yx, zx + xz],
            [zx - xz, xy + yx, yy - xx - zz, yz + zy],
            [xy - yx, zx + xz, yz + zy, zz - xx - yy],
        ]
    )
    w, x, y, z = np.linalg.eigh(n)[1][:, -1]
    rotation = np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )
    turned = p @ rotation.T
    size = float((p * p).sum())
    return float((q * turned).sum()) / size if size else 0.0, rotation


def procrustes(points: ndarray, target: ndarray) -> ndarray:
    """Align points (n 3) to a target with the best similarity."""
    scale, rotation = similarity(points, target)
    return scale * (points - points.mean(0)) @ rotation.T + target.mean(0)


def p_mpjpe(predicted: ndarray, target: ndarray) -> float:
    """MPJPE of poses aligned to the truth frame by frame."""
    return mpjpe(*_framewise(predicted, target, procrustes))


def scaled(points: ndarray, target: ndarray) -> ndarray:
    """Points (n 3) times the factor s that minimises the sum of |s p - t|^2, from a derivative of 0."""
    product = sum(float(a) * float(b) for p, t in zip(points, target, strict=True) for a, b in zip(p, t, strict=True))
    square = sum(float(a) ** 2 for p in points for a in p)
    return points * (product / square if square else 0.0)


def n_mpjpe(predicted: ndarray, target: ndarray) -> float:
    """MPJPE of poses scaled to the truth frame by frame."""
    return mpjpe(*_framewise(predicted, target, scaled))


def _framewise(
    predicted: ndarray, target: ndarray, fit: Callable[[ndarray, ndarray], ndarray]
) -> tuple[ndarray, ndarray]:
    predicted, target = predicted.astype(float), target.astype(float)
    return np.stack([fit(p, t) for p, t in zip(predicted, target, strict=True)]), target


def pck(predicted: ndarray, target: ndarray, joints: Sequence[int], threshold: float) -> float:
    """Percentage of joints with an error below a threshold in millimetres."""
    near = [
        1000 * math.dist(pose[j].tolist(), true[j].tolist()) < threshold
        for pose, true in zip(predicted, target, strict=True)
        for j in joints
    ]
    return 100 * sum(near) / len(near)


def auc(predicted: ndarray, target: ndarray, joints: Sequence[int]) -> float:
    """Mean PCK over 0, 5, ..., 150 mm."""
    values = [pck(predicted, target, joints, threshold) for threshold in range(0, 155, 5)]
    return sum(values) / len(values)
