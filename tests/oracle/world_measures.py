"""Measures of motion in the world, in plain loops and from their definitions, with every constant written out again.

Points are (f 17 3) in metres, contacts (f 2): left, right. The left ankle is joint 6, the right one joint 3.
"""

import math

from numpy import ndarray

from oracle.metrics import similarity

FEET = (6, 3)


def length(vector: ndarray) -> float:
    return math.sqrt(sum(float(each) ** 2 for each in vector))


def standing(world: ndarray, fps: float) -> list[list[bool]]:
    """Ankles slower than 0.15 m/s and within 5 cm of their lowest, for points with y up."""
    last, rows = len(world) - 1, []
    for frame in range(len(world)):
        row = []
        for foot in FEET:
            before, after = max(frame - 1, 0), min(frame + 1, last)
            speed = length(world[after, foot] - world[before, foot]) * fps / (after - before)
            lowest = min(pose[foot][1] for pose in world)
            row.append(speed < 0.15 and world[frame, foot][1] <= lowest + 0.05)
        rows.append(row)
    return rows


def aligned_mpjpe(predicted: ndarray, true: ndarray, frames: int) -> float:
    """Mean error in mm of segments of 100 frames, aligned on their first frames."""
    errors = []
    for start in range(0, len(true) - 99, 100):
        points, target = (part[start : start + frames].reshape(-1, 3) for part in (predicted, true))
        scale, rotation = similarity(points, target)
        for frame in range(start, start + 100):
            for joint in range(17):
                moved = scale * rotation @ (predicted[frame, joint] - points.mean(0)) + target.mean(0)
                errors.append(1000 * length(moved - true[frame, joint]))
    return sum(errors) / len(errors)


def rte(predicted: ndarray, true: ndarray) -> float:
    """Mean error of the pelvis after turning and moving its path, in % of the distance travelled."""
    path, goal = predicted[:, 0], true[:, 0]
    _, rotation = similarity(path, goal)
    errors = [length(rotation @ (p - path.mean(0)) + goal.mean(0) - t) for p, t in zip(path, goal, strict=True)]
    distance = sum(length(goal[frame + 1] - goal[frame]) for frame in range(len(goal) - 1))
    return 100 * sum(errors) / len(errors) / distance


def root_scale(predicted: ndarray, true: ndarray) -> float:
    """The best factor, from a derivative of 0."""
    pairs = [*zip(predicted[:, 0], true[:, 0], strict=True)]
    return sum(float(p @ t) for p, t in pairs) / sum(float(p @ p) for p, _ in pairs)


def root_error(predicted: ndarray, true: ndarray) -> float:
    """Mean distance in cm of the scaled pelvis."""
    factor = root_scale(predicted, true)
    errors = [length(factor * p - t) for p, t in zip(predicted[:, 0], true[:, 0], strict=True)]
    return 100 * sum(errors) / len(errors)


def scale_off(predicted: ndarray, true: ndarray) -> float:
    return 100 * abs(1 / root_scale(predicted, true) - 1)


def jitter(predicted: ndarray, fps: float) -> float:
    """Mean third difference in 10 m/s^3."""
    jerks = [
        length(predicted[f + 3, j] - 3 * predicted[f + 2, j] + 3 * predicted[f + 1, j] - predicted[f, j]) * fps**3
        for f in range(len(predicted) - 3)
        for j in range(17)
    ]
    return sum(jerks) / len(jerks) / 10


def sliding(predicted: ndarray, stands: list[list[bool]]) -> float:
    """Mean step in mm of ankles that stand in both frames."""
    steps = [
        1000 * length(predicted[frame + 1, foot] - predicted[frame, foot])
        for frame in range(len(predicted) - 1)
        for side, foot in enumerate(FEET)
        if stands[frame][side] and stands[frame + 1][side]
    ]
    return sum(steps) / len(steps)


def contact_f1(contact: ndarray, stands: list[list[bool]]) -> float:
    """Harmonic mean of precision and recall in %, from probabilities, which count from 0.5 on."""
    pairs = [
        (chance >= 0.5, truth)
        for row, true_row in zip(contact, stands, strict=True)
        for chance, truth in zip(row, true_row, strict=True)
    ]
    hits = sum(guess and truth for guess, truth in pairs)
    precision = hits / sum(guess for guess, _ in pairs)
    recall = hits / sum(truth for _, truth in pairs)
    return 100 * 2 * precision * recall / (precision + recall)
