"""Virtual bodies, cameras and the simulated detector, clip by clip, with every constant written out again.

Random numbers are drawn in the order of the library, so that both can be compared number by number.
"""

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.skeleton import BLAZEPOSE_33, BODY_25, COCO_17, H36M_17, HALPE_26, conversion

# Mean bone lengths of Human3.6M in metres: from hip, knee, ankle and so on to the joint nearer to the pelvis.
H36M = {
    "hip": 0.134,
    "knee": 0.443,
    "ankle": 0.443,
    "shoulder": 0.151,
    "elbow": 0.278,
    "wrist": 0.249,
    "pelvis": 0.0,
    "spine": 0.236,
    "thorax": 0.254,
    "neck_nose": 0.116,
    "head_top": 0.115,
}


def lengths(rng: Generator, own: ndarray, joints: tuple[str, ...]) -> ndarray:
    """Bone lengths of random people."""
    count = len(own)
    toward = rng.uniform(0, 1.15, (count, 1))
    arms, legs, trunk = (rng.normal(0, 0.05, (count, 1)) for _ in range(3))
    each = rng.normal(0, 0.05, (count, 17))
    child = rng.random((count, 1)) < 0.1
    small, large = rng.uniform(0.6, 0.9, (count, 1)), rng.normal(0, 0.05, (count, 1))
    result = np.empty((count, 17))
    for person in range(count):
        for number, joint in enumerate(joints):
            side, _, kind = joint.partition("_")
            kind, other = (kind, {"left": "right", "right": "left"}[side]) if side in ("left", "right") else (joint, "")
            twin = joints.index(f"{other}_{kind}") if other else number
            length = own[person, number] + toward[person, 0] * (H36M[kind] - own[person, number])
            if kind in ("shoulder", "elbow", "wrist"):
                length *= np.exp(arms[person, 0])
            elif kind in ("knee", "ankle"):
                length *= np.exp(legs[person, 0])
            elif kind in ("spine", "thorax", "neck_nose", "head_top"):
                length *= np.exp(trunk[person, 0])
            length *= (np.exp(each[person, number]) + np.exp(each[person, twin])) / 2
            length *= small[person, 0] if child[person, 0] else np.exp(large[person, 0])
            result[person, number] = length
    return result


def cameras(rng: Generator, points: ndarray) -> list[dict[str, ndarray | float]]:
    """The position, lens and roll of each camera, and the pixel at which it shows the middle of the motion."""
    count = len(points)
    yaw = rng.uniform(-np.pi, np.pi, count)
    level, flat, steep = rng.random(count), rng.normal(5, 10, count), rng.uniform(-25, 70, count)
    steady, tilted, upright = rng.normal(0, 4, count), rng.uniform(-45, 45, count), rng.random(count)
    far = rng.uniform(np.log(1.5), np.log(10), count)
    image = rng.choice(4, count, p=(0.5, 0.2, 0.15, 0.15))
    lens = rng.uniform(np.log(0.55), np.log(2.5), count)
    where, how_far = rng.uniform(-0.7, 0.7, (count, 2)), rng.random((count, 1))
    result = []
    for n in range(count):
        middle = np.mean([pose[0] for pose in points[n]], axis=0)
        reach = max(float(np.linalg.norm(joint - middle)) for pose in points[n] for joint in pose)
        pitch = np.radians(flat[n] if level[n] < 0.6 else steep[n])
        distance = max(float(np.exp(far[n])), reach + 0.5)
        away = np.array([np.cos(pitch) * np.sin(yaw[n]), np.sin(pitch), np.cos(pitch) * np.cos(yaw[n])])
        size = np.array([(1920, 1080), (1080, 1920), (1440, 1080), (1080, 1080)][image[n]], float)
        focal = min(size.max() * np.exp(lens[n]), 1.3 * size.min() * distance / max(2 * reach, 1.0))
        result.append(
            {
                "position": middle + distance * away,
                "middle": middle,
                "size": size,
                "focal": focal,
                "pixel": size / 2 + where[n] * size / 2 * how_far[n],
                "roll": np.radians(steady[n] if upright[n] < 0.85 else tilted[n]),
            }
        )
    return result


def spells(rng: Generator, count: int, frames: int, chance: float, longest: int) -> ndarray:
    """Whether each frame of each clip is in a spell."""
    result = np.zeros((count, frames), bool)
    for _ in range(max(frames // 81, 1)):
        start = rng.integers(-longest // 2, frames, count)
        length = rng.integers(1, longest + 1, count)
        happens = rng.random(count)
        for n in range(count):
            for frame in range(frames):
                if happens[n] < chance and start[n] <= frame < start[n] + length[n]:
                    result[n, frame] = True
    return result


def detect(rng: Generator, pixels: ndarray, mirror: tuple[int, ...], **noise) -> tuple[ndarray, ndarray]:
    """Positions and scores of a detector with the given noise."""
    count, frames, joints, _ = pixels.shape
    low, high = noise["jitter"]
    jitter = np.exp(rng.uniform(np.log(low), np.log(high), (count, 1, 1, 1)))[:, 0, 0, 0]
    spread = rng.uniform(0.5, 1.7, (count, 1, joints, 1))[:, 0, :, 0]
    memory = rng.uniform(0.3, 0.95, (count, 1, 1))[:, 0, 0]
    white = rng.normal(size=pixels.shape)
    phase = rng.uniform(0, 2 * np.pi, (count, 1, joints, 1))[:, 0, :, 0]
    speed = rng.uniform(0.02, 0.2, (count, 1, 1, 1))[:, 0, 0, 0]
    bias = rng.normal(0, noise["bias"], (count, 1, joints, 2))[:, 0]
    strays, stray = rng.random((count, frames, joints)), rng.normal(0, 0.15, (count, frames, joints, 2))
    swapped = spells(rng, count, frames, noise["swaps"], 15)
    legs_only = rng.random((count, 1, 1))[:, 0, 0] < 0.5
    sure = rng.uniform(0.75, 1.0, (count, 1, joints))[:, 0]
    doubt = rng.normal(0, 0.05, (count, frames, joints))
    gaps = spells(rng, count * joints, frames, noise["gaps"], 40).reshape(count, joints, frames)
    blackouts = spells(rng, count, frames, noise["blackouts"], 20)
    points, scores = np.empty_like(pixels), np.empty(pixels.shape[:3])
    for n in range(count):
        size = np.median([np.hypot(*np.ptp(pose, axis=0)) for pose in pixels[n]])
        for j in range(joints):
            wander = white[n, 0, j]
            for frame in range(frames):
                if frame:
                    wander = memory[n] * wander + np.sqrt(1 - memory[n] ** 2) * white[n, frame, j]
                swell = np.exp(0.5 * np.sin(phase[n, j] + speed[n] * frame))
                error = jitter[n] * spread[n, j] * swell * wander + bias[n, j]
                if strays[n, frame, j] < noise["outliers"]:
                    error = error + stray[n, frame, j]
                swaps = swapped[n, frame] and (1 <= j <= 6 or not legs_only[n])
                points[n, frame, j] = pixels[n, frame, mirror[j] if swaps else j] + error * size
                score = min(max(sure[n, j] - 6 * np.hypot(*error) + doubt[n, frame, j], 0.05), 1)
                scores[n, frame, j] = 0 if gaps[n, j, frame] or blackouts[n, frame] else score
    return points, scores


def axes(camera: dict) -> ndarray:
    """The axes right, down, forward (3 3) of a camera that shows the middle of the motion at its pixel."""
    forward = camera["middle"] - camera["position"]
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0, 1, 0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(camera["roll"]), np.sin(camera["roll"])
    straight = np.stack([c * right + s * down, c * down - s * right, forward])  # the middle in the image's middle
    ahead = np.array([*(camera["pixel"] - camera["size"] / 2) / camera["focal"], 1.0])
    ahead /= np.linalg.norm(ahead)
    across = np.cross([0, 1, 0], ahead)
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(ahead, across), ahead], 1) @ straight


def observed(points: ndarray, scores: ndarray, layout: int) -> tuple[ndarray, ndarray]:
    """The 17 joints computed from a layout's keypoints (n 2); a score is the lowest of its sources."""
    names = [*H36M_17.joints, "nose", "left_eye", "right_eye", "left_ear", "right_ear", "neck"]
    source = (H36M_17, COCO_17, HALPE_26, BODY_25, BLAZEPOSE_33)[layout]
    converted, lowest = [], []
    for row in conversion(source, H36M_17):
        used = [(w, names.index(joint)) for w, joint in zip(row, source.joints, strict=True) if w]
        converted.append(sum(w * points[number] for w, number in used))
        lowest.append(min(scores[number] for _, number in used))
    return np.stack(converted), np.array(lowest)
