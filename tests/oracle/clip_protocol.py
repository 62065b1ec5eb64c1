"""The evaluation protocol for motion clips, version 1, in plain loops and with every constant written out again.

World: metres, y up. Camera: x right, y down, z forward. Only the noise of the simulated detector and the
conversion of COCO keypoints come from the package; they have their own tests.
"""

import math
import zlib
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray

from oracle import metrics
from poseglass.body.skeleton import COCO_17, H36M_17, conversion
from poseglass.data.virtual.detector import DetectorNoise, detect
from poseglass.data.virtual.draws import NumpyDraws

WIDTH, HEIGHT = 1920, 1080
# Yaw and pitch in degrees, metres from the middle of the path, focal length in image widths.
CAMERAS = [(45, 0, 4, 1.0), (135, 10, 5, 1.2), (225, 25, 3.5, 0.8), (315, -10, 6, 1.6)]
NOISE = DetectorNoise(jitter=(0.002, 0.012), bias=0.006, outliers=0.004, swaps=0.08, gaps=0.05, blackouts=0.05)
# In metres from the base of the skull: forward, up, left.
FACE = [(0.09, 0, 0), (0.075, 0.035, 0.032), (0.075, 0.035, -0.032), (-0.005, 0.015, 0.075), (-0.005, 0.015, -0.075)]
FACE_NAMES = ["nose", "left_eye", "right_eye", "left_ear", "right_ear"]
# The mirror permutation of the 17 joints, the face and the neck.
MIRROR = (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13, 17, 19, 18, 21, 20, 22)

Predict = Callable[[ndarray, ndarray], ndarray]  # 2D poses and scores to root-relative 3D poses


class View(NamedTuple):
    """2D poses in pixels, their scores, and the true root-relative poses."""

    kind: str
    points: ndarray
    scores: ndarray
    truth: ndarray


def at_30_fps(points: ndarray, fps: int) -> ndarray:
    """Frames at k / 30 s, on the straight line between the neighbouring frames, while both exist."""
    frames = []
    k = 0
    while (place := Fraction(k * fps, 30)) <= len(points) - 1:
        before = math.floor(place)
        share = float(place - before)
        after = points[min(before + 1, len(points) - 1)].astype(float)
        frames.append(points[before].astype(float) * (1 - share) + after * share)
        k += 1
    return np.stack(frames)


def unit(v: ndarray) -> ndarray:
    return v / math.sqrt(float(v @ v))


def with_face(pose: ndarray) -> ndarray:
    """The 17 joints with joint 9 moved 5 cm forward, then nose, eyes, ears and the middle of the shoulders."""
    base, top, thorax, left_shoulder, right_shoulder = (pose[joint] for joint in (9, 10, 8, 11, 14))
    up = unit(top - thorax)
    across = left_shoulder - right_shoulder
    left = unit(across - (across @ up) * up)
    forward = np.cross(left, up)
    whole = [joint.copy() for joint in pose]
    whole[9] = base + 0.05 * forward
    whole += [base + a * forward + b * up + c * left for a, b, c in FACE]
    return np.stack([*whole, (left_shoulder + right_shoulder) / 2])


def look(points: ndarray, camera: tuple[float, float, float, float]) -> tuple[ndarray, ndarray]:
    """The camera's position and its axes right, down, forward (3 3), for a take (f 17 3) at 30 frames per second."""
    yaw, pitch, distance, _ = camera
    middle = np.array([(min(points[:, 0, axis]) + max(points[:, 0, axis])) / 2 for axis in range(3)])
    for pose in points:
        for joint in pose:
            distance = max(distance, math.dist(joint.tolist(), middle.tolist()) + 1)
    flat = math.cos(math.radians(pitch))
    away = np.array(
        [flat * math.sin(math.radians(yaw)), math.sin(math.radians(pitch)), flat * math.cos(math.radians(yaw))]
    )
    forward = -away
    right = unit(np.cross(forward, [0, 1, 0]))
    return middle + distance * away, np.stack([right, np.cross(forward, right), forward])


def seen_from(place: ndarray, axes: ndarray, pose: ndarray) -> ndarray:
    """Joints (n 3) in camera space, from world space."""
    return np.stack([axes @ (joint - place) for joint in pose])


def pixels(pose: ndarray, focal: float) -> ndarray:
    """Project joints (n 3) from camera space to the image (n 2)."""
    f = focal * WIDTH
    return np.array([(f * x / z + WIDTH / 2, f * y / z + HEIGHT / 2) for x, y, z in pose])


def rooted(pose: ndarray) -> ndarray:
    return np.stack([joint - pose[0] for joint in pose])


def observed(points: ndarray, scores: ndarray) -> tuple[ndarray, ndarray]:
    """The COCO keypoints of the detected joints (n 2), converted to the 17; a score is the lowest of its sources."""
    names = [*H36M_17.joints, *FACE_NAMES, "neck"]
    places = [names.index(name) for name in COCO_17.joints]
    matrix = conversion(COCO_17, H36M_17)
    converted, lowest = [], []
    for row in matrix:
        sources = [(weight, place) for weight, place in zip(row, places, strict=True) if weight]
        converted.append(sum(weight * points[place] for weight, place in sources))
        lowest.append(min(scores[place] for _, place in sources))
    return np.stack(converted), np.array(lowest)


def views(name: str, points: ndarray, fps: int) -> list[View]:
    """The views of a take from the four cameras, clean and detected."""
    take = at_30_fps(points, fps)
    every = []
    for number, camera in enumerate(CAMERAS):
        place, axes = look(take, camera)
        poses = [seen_from(place, axes, pose) for pose in take]
        flat = np.stack([pixels(pose, camera[3]) for pose in poses])
        every.append(View("clean", flat, np.ones(flat.shape[:2]), np.stack([rooted(pose) for pose in poses])))

        poses = [seen_from(place, axes, with_face(pose)) for pose in take]
        flat = np.stack([pixels(pose, camera[3]) for pose in poses])
        rng = np.random.default_rng(zlib.crc32(f"{name}/{number}".encode()))
        noisy, scores = (
            part[0].numpy() for part in detect(NumpyDraws(rng), torch.from_numpy(flat)[None], NOISE, MIRROR)
        )
        pairs = [observed(*frame) for frame in zip(noisy, scores, strict=True)]
        points2d, confidence = (np.stack(part) for part in zip(*pairs, strict=True))
        every.append(View("detected", points2d, confidence, np.stack([rooted(pose)[:17] for pose in poses])))
    return every


def errors(
    takes: list[tuple[str, str, ndarray]], fps: int, predict: Predict
) -> dict[tuple[str, str], dict[str, float]]:
    """Errors of takes (name, subject, points) by kind and subject (and ``all``), weighted by frames."""
    collected: dict[tuple[str, str], list[tuple[int, list[float]]]] = {}
    for name, subject, points in takes:
        for view in views(name, points, fps):
            poses = predict(view.points, view.scores)
            values = [
                metrics.mpjpe(poses, view.truth),
                metrics.p_mpjpe(poses, view.truth),
                metrics.velocity_error(poses, view.truth),
                metrics.acceleration_error(poses, view.truth),
            ]
            for group in ("all", subject):
                collected.setdefault((view.kind, group), []).append((len(poses), values))
    result = {}
    for key, parts in collected.items():
        frames = sum(count for count, _ in parts)
        means = [sum(count * values[number] for count, values in parts) / frames for number in range(4)]
        result[key] = dict(zip(["MPJPE", "P-MPJPE", "MPJVE", "acceleration"], means, strict=True)) | {"frames": frames}
    return result
