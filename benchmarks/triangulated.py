"""A 3D reference from four calibrated views, triangulated from a detector's 2D keypoints.

`detector_errors_real.py` measures a detector's errors with it, and `views.py` a lifter's. It comes from MediaPipe heavy
and is good to some 10 to 14 mm: its own error is part of every figure that it gives.

The steps: exchanges of left and right are undone by reprojection; the calibration, which is off by up to 13 pixels in
two views, is corrected; each joint is triangulated, weighted by its score and robustly; then a low pass at 6 Hz.
"""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import cv2
import numpy as np
from numpy import ndarray
from scipy.optimize import least_squares
from scipy.signal import butter, filtfilt

import poseglass as pg

JOINTS = ["nose", "left_ear", "right_ear"] + [
    f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")
]
ROWS = [pg.BLAZEPOSE_33.index(joint) for joint in JOINTS]
MIRROR = [ROWS.index(pg.BLAZEPOSE_33.mirror[row]) for row in ROWS]
LEGS = [JOINTS.index(joint) for joint in JOINTS if "hip" in joint or "knee" in joint or "ankle" in joint]
UPPER = [joint for joint in range(len(JOINTS)) if joint not in LEGS]

UNITS = 64
"""Qualisys states intrinsics in 1/64 pixel."""
LATE = (0, 0, 2, 0)
"""Frames by which each view runs late. Found by trying: with these, the rays of a joint meet best."""
OUTLIER = 15.0
"""Pixels of reprojection error at which a view's weight halves."""
CUTOFF, RATE = 6.0, 60.0
"""Hz of the low pass, and of the videos."""


@dataclass(frozen=True)
class CalibratedCamera:
    """A pinhole camera with distortion: OpenCV's intrinsics, position in metres, rotation from world to camera."""

    intrinsics: ndarray  # 3 3
    distortion: ndarray  # k1 k2 p1 p2
    rotation: ndarray  # 3 3
    position: ndarray  # 3

    def rays(self, pixels: ndarray) -> ndarray:
        """Unit directions in the world (... 3) from the camera through pixels (... 2)."""
        flat = cv2.undistortPoints(pixels.reshape(-1, 1, 2).astype(float), self.intrinsics, self.distortion)[:, 0]
        directions = np.c_[flat, np.ones(len(flat))] @ self.rotation
        return (directions / np.linalg.norm(directions, axis=1, keepdims=True)).reshape(*pixels.shape[:-1], 3)

    def project(self, points: ndarray) -> ndarray:
        """Pixels (... 2) of points in the world (... 3)."""
        local = ((points - self.position) @ self.rotation.T).reshape(-1, 1, 3)
        pixels, _ = cv2.projectPoints(local, np.zeros(3), np.zeros(3), self.intrinsics, self.distortion)
        return pixels.reshape(*points.shape[:-1], 2)

    def depth(self, points: ndarray) -> ndarray:
        """Metres along the optical axis."""
        return (points - self.position) @ self.rotation[2]

    def turned(self, degrees: ndarray, metres: ndarray) -> "CalibratedCamera":
        """The camera turned about its own axes, and moved."""
        turn = cv2.Rodrigues(np.radians(degrees))[0]
        return replace(self, rotation=turn @ self.rotation, position=self.position + metres)


def read_qualisys(path: Path) -> list[CalibratedCamera]:
    """Read the cameras of a Qualisys calibration file (XML)."""
    cameras = []
    for entry in ElementTree.parse(path).iter("camera"):
        inner = {name: float(value) for name, value in entry.find("intrinsic").attrib.items()}
        outer = {name: float(value) for name, value in entry.find("transform").attrib.items()}
        matrix = np.array([[outer[f"r{row}{column}"] for column in (1, 2, 3)] for row in (1, 2, 3)])
        focal = inner["focalLengthU"] / UNITS, inner["focalLengthV"] / UNITS
        centre = inner["centerPointU"] / UNITS, inner["centerPointV"] / UNITS
        cameras.append(
            CalibratedCamera(
                intrinsics=np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1]]),
                distortion=np.array(
                    [inner[f"radialDistortion{number}"] for number in (1, 2)]
                    + [inner[f"tangentalDistortion{number}"] for number in (1, 2)]
                ),
                rotation=np.diag([1, -1, -1]) @ matrix,
                position=np.array([outer["x"], outer["y"], outer["z"]]) / 1000,
            )
        )
    return cameras


def triangulate(cameras: list[CalibratedCamera], pixels: ndarray, scores: ndarray, rounds: int = 6) -> ndarray:
    """Points (f j 3) nearest to the rays of all views (v f j 2), weighted; views that disagree lose weight."""
    rays = np.stack([camera.rays(view) for camera, view in zip(cameras, pixels, strict=True)])  # v f j 3
    across = np.eye(3) - rays[..., :, None] * rays[..., None, :]  # v f j 3 3
    origins = np.stack([camera.position for camera in cameras])[:, None, None]  # v 1 1 3
    trust = np.ones(scores.shape)
    points = np.zeros((*pixels.shape[1:3], 3))
    for _ in range(rounds):
        weighted = across * (scores**2 * trust + 1e-9)[..., None, None]
        points = np.linalg.solve(weighted.sum(0), (weighted @ origins[..., None]).sum(0))[..., 0]
        trust = 1 / (1 + (distances(cameras, pixels, points) / OUTLIER) ** 2)
    return points


def distances(cameras: list[CalibratedCamera], pixels: ndarray, points: ndarray) -> ndarray:
    """Reprojection errors in pixels (v f j)."""
    return np.stack(
        [np.linalg.norm(camera.project(points) - view, axis=-1) for camera, view in zip(cameras, pixels, strict=True)]
    )


def exchanges_undone(cameras: list[CalibratedCamera], keypoints: ndarray) -> tuple[ndarray, ndarray]:
    """Exchange left and right of the upper body and of the legs, per view and frame, such that the views agree best.

    Takes and returns x, y and score (v f j 3); also returns which were exchanged (v f j). Exchanging every view changes
    no error; of two such choices, the one with fewer exchanges is taken, or the one nearer to the frame before.
    """
    swapped = np.zeros(keypoints.shape[:3], bool)
    for limbs in (UPPER, LEGS):
        part, mirrored = keypoints[:, :, limbs], keypoints[:, :, MIRROR][:, :, limbs]
        choices = list(product((False, True), repeat=len(cameras)))
        costs, poses = [], []
        for choice in choices:
            tried = np.where(np.array(choice)[:, None, None, None], mirrored, part)
            points = triangulate(cameras, tried[..., :2], tried[..., 2], rounds=3)
            error = distances(cameras, tried[..., :2], points)
            costs.append((tried[..., 2] ** 2 * OUTLIER**2 * np.log1p((error / OUTLIER) ** 2)).mean((0, 2)))
            poses.append(points)
        last = None
        for frame in range(keypoints.shape[1]):
            best = min(range(len(choices)), key=lambda index: costs[index][frame] + 1e-3 * sum(choices[index]))
            other = choices.index(tuple(not one for one in choices[best]))
            if last is not None and sum(choices[best]) == sum(choices[other]):
                best = min(best, other, key=lambda index: np.linalg.norm(poses[index][frame] - last, axis=-1).mean())
            last = poses[best][frame]
            swapped[np.ix_(choices[best], [frame], limbs)] = True
    return np.where(swapped[..., None], keypoints[:, :, MIRROR], keypoints), swapped


def calibrated(cameras: list[CalibratedCamera], keypoints: ndarray, prior: float = 10.0) -> list[CalibratedCamera]:
    """Turn and move the cameras a little, such that the rays of a joint meet; a weak prior keeps them near.

    Args:
        cameras: The cameras.
        keypoints: x, y and score (v f j 3).
        prior: Pixels that count as much as a turn by 1 degree, or a move by 5 cm.
    """
    some = keypoints[:, ::4]

    def moved(steps: ndarray) -> list[CalibratedCamera]:
        pairs = zip(cameras, steps.reshape(len(cameras), 6), strict=True)
        return [camera.turned(step[:3], 0.05 * step[3:]) for camera, step in pairs]

    def residuals(steps: ndarray) -> ndarray:
        adjusted = moved(steps)
        points = triangulate(adjusted, some[..., :2], some[..., 2], rounds=3)
        errors = [camera.project(points) - view[..., :2] for camera, view in zip(adjusted, some, strict=True)]
        return np.concatenate([(np.stack(errors) * some[..., 2:]).ravel(), prior * steps * len(some[0])])

    fit = least_squares(residuals, np.zeros(6 * len(cameras)), loss="soft_l1", f_scale=5.0, max_nfev=6)
    return moved(fit.x)


class Reference(NamedTuple):
    """The cameras, put right, and the joints in the world: :data:`JOINTS` (f j 3), metres, and Human3.6M's (f 17 3)."""

    cameras: list[CalibratedCamera]
    points: ndarray
    h36m: ndarray

    def pixels(self) -> ndarray:
        """The joints in every view (v f j 2)."""
        return np.stack([camera.project(self.points) for camera in self.cameras])

    def sizes(self) -> ndarray:
        """The body's size in every view in pixels (v): the median diagonal of the joints' box, as in training."""
        pixels = self.pixels()
        return np.median(np.linalg.norm(pixels.max(2) - pixels.min(2), axis=-1), axis=1)


def aligned(keypoints: list[pg.PoseSequence]) -> ndarray:
    """x, y and score of :data:`JOINTS` in all views (v f j 3), with late views put right."""
    views = [np.concatenate([np.nan_to_num(view.points), view.confidence[..., None]], -1) for view in keypoints]
    frames = min(len(view) for view in views) - max(LATE)
    return np.stack([view[late : late + frames, ROWS] for view, late in zip(views, LATE, strict=True)]).astype(float)


def reference(calibration: Path, keypoints: list[pg.PoseSequence]) -> Reference:
    """Triangulate the views' keypoints."""
    cameras = read_qualisys(calibration)
    views, _ = exchanges_undone(cameras, aligned(keypoints))
    cameras = calibrated(cameras, views)
    views, _ = exchanges_undone(cameras, aligned(keypoints))
    points = triangulate(cameras, views[..., :2], views[..., 2])
    points = filtfilt(*butter(2, CUTOFF, fs=RATE), points, axis=0)  # twice second order: fourth, without delay
    body = np.zeros((len(points), 33, 3))
    body[:, ROWS] = points
    return Reference(cameras, points, pg.PoseSequence(body, pg.BLAZEPOSE_33, "world").to_skeleton(pg.H36M_17).points)
