"""The choice of kept frames and the recovery of all frames, in plain loops (HoT, CVPR 2024; H2OT, TPAMI 2025)."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy import ndarray


def density_scores(frames: Sequence[Sequence[float]], neighbours: int = 2) -> list[float]:
    """Density times separation of each frame, given a vector per frame."""
    count, channels = len(frames), len(frames[0])

    def distance(p: int, q: int) -> float:
        total = 0.0
        for a, b in zip(frames[p], frames[q], strict=True):
            total += (float(a) - float(b)) ** 2
        return math.sqrt(total) / math.sqrt(channels)

    table = [[distance(p, q) for q in range(count)] for p in range(count)]
    density = []
    for p in range(count):
        nearest = sorted(table[p])[:neighbours]  # including p itself, at distance 0
        density.append(math.exp(-sum(d * d for d in nearest) / len(nearest)))
    scores = []
    for p in range(count):
        denser = [q for q in range(count) if density[q] > density[p] or (density[q] == density[p] and q < p)]
        separation = min(table[p][q] for q in denser) if denser else max(max(row) for row in table)
        scores.append(density[p] * separation)
    return scores


def best(scores: Sequence[float], keep: int, always: int | None = None) -> list[int]:
    """The frames with the highest scores, in order of time. Among equal scores, the earlier frame wins."""
    ranked = sorted((p for p in range(len(scores)) if p != always), key=lambda p: (-scores[p], p))
    chosen = ranked[:keep] if always is None else [always, *ranked[: keep - 1]]
    return sorted(chosen)


def density_peaks(tokens: ndarray, keep: int, always: int | None = None, neighbours: int = 2) -> list[int]:
    """The kept frames of one clip, given its tokens (f s c)."""
    frames = []
    for frame in tokens:
        slots = [[float(value) for value in slot] for slot in frame]
        frames.append([sum(column) / len(slots) for column in zip(*slots, strict=True)])
    return best(density_scores(frames, neighbours), keep, always)


def attention_scores(maps: Sequence[ndarray]) -> list[float]:
    """The mean attention that each frame receives, given maps (s h f f, queries before keys) of temporal attention."""
    frames = maps[0].shape[-1]
    scores = []
    for key in range(frames):
        means = []
        for slots in maps:
            weights = [float(row[key]) for heads in slots for rows in heads for row in rows]
            means.append(sum(weights) / len(weights))
        scores.append(sum(means) / len(means))
    return scores


def motion_scores(poses: ndarray) -> list[float]:
    """The distance of each frame's 2D pose (f j i) from the one before, in x and y of all joints together."""
    scores = [0.0]
    for t in range(1, len(poses)):
        total = 0.0
        for now, before in zip(poses[t], poses[t - 1], strict=True):
            for axis in range(2):
                total += (float(now[axis]) - float(before[axis])) ** 2
        scores.append(math.sqrt(total))
    return scores


def uniform(frames: int, keep: int, always: int | None = None) -> list[int]:
    """Evenly spaced frames including both ends, halves rounded up; the middle frame if only one is kept.

    The frame `always` replaces the nearest one (the earlier of two equally near ones), but replaces an end only if
    no inner frame is kept.
    """
    if keep == 1:
        return [frames // 2 if always is None else always]
    exact = [Fraction(i * (frames - 1), keep - 1) for i in range(keep)]
    even = [math.floor(place + Fraction(1, 2)) for place in exact]
    if always is None or always in even:
        return even
    replaceable = even[1:-1] or even
    nearest = min(replaceable, key=lambda frame: (abs(frame - always), frame))
    return sorted({*even, always} - {nearest})


def interpolate(poses: ndarray, kept: Sequence[int], frames: int) -> ndarray:
    """All frames (f j 3) from the kept ones (k j 3) by linear interpolation in time, with the ends held."""
    out = np.empty((frames, *poses.shape[1:]))
    for t in range(frames):
        if t <= kept[0]:
            out[t] = poses[0]
        elif t >= kept[-1]:
            out[t] = poses[-1]
        else:
            right = next(i for i, frame in enumerate(kept) if frame >= t)
            span = kept[right] - kept[right - 1]
            share = (t - kept[right - 1]) / span
            out[t] = (1 - share) * poses[right - 1] + share * poses[right]
    return out


def nearest(poses: ndarray, kept: Sequence[int], frames: int) -> ndarray:
    """All frames (f j 3) from the kept ones (k j 3): the nearest in time; the earlier of two equally near ones."""
    places = [min(range(len(kept)), key=lambda i: (abs(kept[i] - t), kept[i])) for t in range(frames)]
    return np.stack([poses[i] for i in places])


def softmax(row: Sequence[float]) -> list[float]:
    """The softmax of one row of numbers."""
    top = max(row)
    exponentials = [math.exp(x - top) for x in row]
    return [x / sum(exponentials) for x in exponentials]


def attention(query: ndarray, key: ndarray, value: ndarray, heads: int) -> ndarray:
    """Multi-head attention of projected tokens: query (n c), key and value (m c)."""
    channels = query.shape[1]
    wide = channels // heads
    out = np.zeros((len(query), channels))
    for head in range(heads):
        part = slice(head * wide, (head + 1) * wide)
        for n in range(len(query)):
            logits = [float(np.dot(query[n, part], k[part])) / math.sqrt(wide) for k in key]
            for weight, v in zip(softmax(logits), value, strict=True):
                out[n, part] += weight * v[part]
    return out


def recover(tokens: ndarray, queries: ndarray, weights: dict[str, ndarray], heads: int) -> ndarray:
    """Token recovering attention: all frames (f s c) from kept tokens (k s c) and queries (f c).

    `weights` holds NAME.weight and NAME.bias of query, key, value and proj.
    """

    def linear(name: str, x: ndarray) -> ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    joints = []
    for joint in range(tokens.shape[1]):
        x = tokens[:, joint]
        attended = attention(linear("query", queries), linear("key", x), linear("value", x), heads)
        joints.append(queries + linear("proj", attended))
    return np.stack(joints, 1)
