"""Gap filling, stitching, person coordinates and side repair of sequences, in plain loops."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy import ndarray


def fill_gaps(points: ndarray, known: ndarray) -> ndarray:
    """Fill gaps in points (f j 2 or 3) by interpolating in time; joints that are never known become 0."""
    frames, joints, axes = points.shape
    out = np.zeros((frames, joints, axes))
    for j in range(joints):
        known_frames = [t for t in range(frames) if known[t, j]]
        for t in range(frames):
            before = [s for s in known_frames if s <= t]
            after = [s for s in known_frames if s >= t]
            if not known_frames:
                continue
            if not before or not after:
                out[t, j] = points[before[-1] if before else after[0], j]
            elif before[-1] == after[0]:
                out[t, j] = points[t, j]
            else:
                a, b = before[-1], after[0]
                out[t, j] = points[a, j] + (points[b, j] - points[a, j]) * (t - a) / (b - a)
    return out


def stitch(clips: ndarray, first_frames: Sequence[int], frames: int, weights: Sequence[float]) -> ndarray:
    """Weighted mean, for each frame, of the clips that cover it."""
    out = np.zeros((frames, *clips.shape[2:]))
    for t in range(frames):
        total, weight = np.zeros(clips.shape[2:]), 0.0
        for first, clip in zip(first_frames, clips, strict=True):
            if 0 <= t - first < len(clip):
                total = total + weights[t - first] * clip[t - first]
                weight += weights[t - first]
        out[t] = total / weight
    return out


def person_coordinates(points: ndarray, scores: ndarray) -> ndarray:
    """A model's input for one clip (f 17 2): x, y in body sizes relative to the pelvis, and the score."""
    known = scores > 0
    points = fill_gaps(points, known)
    frames, joints = scores.shape
    ever = [j for j in range(joints) if known[:, j].any()]
    pelvis = np.stack([points[t, 0] if 0 in ever else points[t, ever].mean(0) for t in range(frames)])
    spreads = []
    for t in range(frames):
        squares = [float(((points[t, j] - pelvis[t]) ** 2).sum()) for j in ever]
        spreads.append(math.sqrt(sum(squares) / len(squares)))
    size = max(float(np.median(spreads)), 1e-9)
    out = np.zeros((frames, joints, 3))
    for t in range(frames):
        for j in range(joints):
            if j == 0:
                out[t, j, :2] = (pelvis[t] - np.median(pelvis, 0)) / size
            elif j in ever:
                out[t, j, :2] = (points[t, j] - pelvis[t]) / size
            out[t, j, 2] = scores[t, j]
    out[..., :2] = np.clip(out[..., :2], -30, 30)
    return out


LEGS, ARMS = {4: 1, 5: 2, 6: 3}, {11: 14, 12: 15, 13: 16}  # left: right
SIDES = {(0, 0): 0.0, (1, 1): 0.15, (1, 0): 0.3, (0, 1): 0.3}  # cost per frame if (legs, arms) are exchanged


def with_sides(points: ndarray, legs: int, arms: int) -> ndarray:
    """A frame's joints (17 ...) with left and right exchanged for legs, arms or both."""
    out = points.copy()
    for pairs, exchanged in ((LEGS, legs), (ARMS, arms)):
        for left, right in pairs.items() if exchanged else ():
            out[left], out[right] = points[right], points[left]
    return out


def body_size(points: ndarray, scores: ndarray) -> tuple[ndarray, float, list[int]]:
    """The filled points, the median spread of the joints over frames, and the joints known in any frame."""
    filled = fill_gaps(points, scores > 0)
    ever = [j for j in range(17) if (scores[:, j] > 0).any()]
    spreads = []
    for pose in filled:
        root = pose[0] if 0 in ever else sum(pose[j] for j in ever) / len(ever)
        spreads.append(math.sqrt(sum(math.dist(pose[j], root) ** 2 for j in ever) / len(ever)))
    return filled, max(float(np.median(spreads)), 1e-9), ever


def leap(before: ndarray, now: ndarray, size: float, ever: list[int]) -> float:
    """Sum of the movements, in body sizes and each at most 1, of joints that are known on both sides."""
    return sum(
        min(math.dist(before[joint], now[joint]) / size, 1.0)
        for left, right in (LEGS | ARMS).items()
        for joint in (left, right)
        if left in ever and right in ever
    )


def cost_of_sides(points: ndarray, scores: ndarray, sides: Sequence[tuple[int, int]]) -> float:
    """The cost of a choice of sides for every frame: exchanged frames, plus movement in body sizes."""
    filled, size, ever = body_size(points, scores)
    shown = [with_sides(pose, *side) for pose, side in zip(filled, sides, strict=True)]
    return sum(SIDES[side] for side in sides) + sum(leap(a, b, size, ever) for a, b in pairwise(shown))


def steady_sides(points: ndarray, scores: ndarray) -> tuple[ndarray, ndarray]:
    """Points and scores of a clip with the cheapest sides, from the shortest path to every frame and choice."""
    best = [(0, 0)] * len(points)
    if len(points) >= 3 and (scores > 0).any():
        filled, size, ever = body_size(points, scores)
        paths = {side: (cost, [side]) for side, cost in SIDES.items()}
        for before, now in pairwise(filled):
            new = {}
            for side, cost in SIDES.items():
                ways = []
                for other, (total, path) in paths.items():
                    moved = leap(with_sides(before, *other), with_sides(now, *side), size, ever)
                    ways.append((total + moved + cost, [*path, side]))
                new[side] = min(ways, key=lambda way: way[0])
            paths = new
        best = min(paths.values(), key=lambda way: way[0])[1]
    out = [(with_sides(p, *side), with_sides(s, *side)) for p, s, side in zip(points, scores, best, strict=True)]
    return np.stack([p for p, _ in out]), np.stack([s for _, s in out])


def turned(points: ndarray, start: ndarray, end: ndarray) -> ndarray:
    """Rotate points (n 3) by the smallest rotation from one direction to another (Rodrigues' formula)."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis, cosine = np.cross(start, end), float(start @ end)
    sine = np.linalg.norm(axis)
    axis = axis / sine
    return np.stack([v * cosine + np.cross(axis, v) * sine + axis * (axis @ v) * (1 - cosine) for v in points])
