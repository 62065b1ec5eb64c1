"""Motion clips as four fixed virtual cameras see them, with clean and with detector-like 2D poses.

These constants and formulas are versions 1 and 2 of the evaluation protocol for motion clips. They differ only in the
simulated detector: version 1 has mild errors (:mod:`poseglass.data.virtual.detector`), version 2 those measured on real
video (:mod:`poseglass.data.virtual.measured_detector`). Changing anything changes every quoted accuracy figure, so a
change needs a new version.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from poseglass.body.geometry import Camera, look_at, root_relative
from poseglass.body.pose import PoseSequence
from poseglass.body.resample import resample
from poseglass.body.skeleton import H36M_17
from poseglass.data.virtual.detector import DetectorNoise, detect
from poseglass.data.virtual.draws import Draws, NumpyDraws
from poseglass.data.virtual.face import H36M_FACE, face, to_nose
from poseglass.data.virtual.layouts import layout_number, observe
from poseglass.data.virtual.measured_detector import MeasuredNoise, Projection, detect_measured
from poseglass.data.virtual.placement import place

__all__ = ["CAMERAS", "DETECTORS", "FPS", "SIZE", "ClipView", "FixedCamera", "at_rate", "clip_views"]

FPS = 30.0
SIZE = (1920, 1080)  # pixels, width and height
CLEARANCE = 1.0  # metres between a camera and anywhere the person reaches, so that nobody passes through the camera


@dataclass(frozen=True)
class FixedCamera:
    """A camera that looks at the middle of a take's path.

    Attributes:
        yaw: Direction in degrees about the vertical axis; at 0 the camera is on the +z side.
        pitch: Degrees above the horizon.
        distance: Metres from the middle of the path; increased if the person would come too close to the camera.
        focal: Focal length in image widths.
    """

    yaw: float
    pitch: float
    distance: float
    focal: float


CAMERAS = (
    FixedCamera(45, 0, 4, 1.0),
    FixedCamera(135, 10, 5, 1.2),
    FixedCamera(225, 25, 3.5, 0.8),
    FixedCamera(315, -10, 6, 1.6),
)


@dataclass(frozen=True, eq=False)
class ClipView:
    """One take as seen by one camera.

    Attributes:
        kind: ``"clean"``: the exact projection. ``"detected"``: like the output of a 2D detector.
        points: 2D poses in pixels (f 17 2).
        scores: Their confidence (f 17).
        truth: The true root-relative poses in camera space, metres (f 17 3).
        root: The true position of the pelvis in camera space, metres (f 3).
        camera: The camera.
    """

    kind: Literal["clean", "detected"]
    points: Float[ndarray, "f 17 2"]
    scores: Float[ndarray, "f 17"]
    truth: Float[ndarray, "f 17 3"]
    root: Float[ndarray, "f 3"]
    camera: Camera


def clip_views(
    name: str, points: Float[ndarray, "f 17 3"], protocol: int = 1, *, cameras: Sequence[int] = range(len(CAMERAS))
) -> Iterator[ClipView]:
    """The views of a take: for each camera a clean one, then a detected one.

    A *detected* view passes COCO-17 keypoints through the virtual detector of training, seeded by the take's name and
    the camera's number, and converts them as inference does. In these views, joint 9 of the truth is moved from the
    base of the skull to the nose (:func:`poseglass.data.virtual.face.to_nose`).

    Args:
        name: The take's name.
        points: Its world poses at 30 frames per second (:func:`at_rate`), in metres, y up (f 17 3).
        protocol: The version, which determines the detector's errors.
        cameras: The numbers of the cameras in :data:`CAMERAS`; all by default.

    Example:
        >>> points = np.random.default_rng(0).normal(0, 0.4, (30, 17, 3))
        >>> [view.kind for view in clip_views("noise", points)][:3]
        ['clean', 'detected', 'clean']
    """
    joints = torch.from_numpy(points)
    features = face(joints)
    with_face = torch.cat([to_nose(joints, features), features], 1).cpu().numpy()  # f 23 3
    for number in cameras:
        camera = _camera(CAMERAS[number], points)
        clean = camera.to_camera(points)
        root = clean[:, 0]
        yield ClipView("clean", camera.project(clean), np.ones(points.shape[:2]), root_relative(clean), root, camera)

        truth = camera.to_camera(with_face)
        draws = NumpyDraws(np.random.default_rng(zlib.crc32(f"{name}/{number}".encode())))
        detected, scores = DETECTORS[protocol](draws, camera, with_face)
        yield ClipView("detected", detected, scores, root_relative(truth)[:, :17], root, camera)


def _mild(draws: Draws, camera: Camera, world: Float[ndarray, "f 23 3"]) -> tuple[ndarray, ndarray]:
    """The 17 joints (f 17 2) and scores (f 17) as the detector of version 1 reports them."""
    pixels = torch.from_numpy(camera.project(camera.to_camera(world)))[None]
    return _observed(*detect(draws, pixels, DetectorNoise(), H36M_FACE.mirror))


def _measured(draws: Draws, camera: Camera, world: Float[ndarray, "f 23 3"]) -> tuple[ndarray, ndarray]:
    """The 17 joints (f 17 2) and scores (f 17) as the detector of version 2 reports them."""
    placed = place(draws, torch.from_numpy(world)[None], COCO)[0].cpu().numpy()  # f 23 3
    space = camera.to_camera(placed)
    pixels, depth = torch.from_numpy(camera.project(space))[None], torch.from_numpy(space[..., 2])[None]
    view = Projection(pixels, depth, torch.tensor([FPS], dtype=torch.float64))
    return _observed(*detect_measured(draws, view, MeasuredNoise(), H36M_FACE.mirror))


def _observed(points: Tensor, scores: Tensor) -> tuple[ndarray, ndarray]:
    points, scores = observe(points, scores, COCO)
    return points[0].cpu().numpy(), scores[0].cpu().numpy()


DETECTORS = {1: _mild, 2: _measured}
COCO = torch.tensor([layout_number("coco17")])


def at_rate(points: Float[ndarray, "f 17 3"], fps: float) -> Float[ndarray, "_ 17 3"]:
    """Resample a motion to 30 frames per second by linear interpolation in time.

    A new frame that falls on an original one equals it: 60 and 120 frames per second are decimated without smoothing.

    Args:
        points: World poses (f 17 3).
        fps: Their frame rate.

    Example:
        >>> points = np.zeros((51, 17, 3)) + np.arange(51.0)[:, None, None]
        >>> at_rate(points, fps=50)[:4, 0, 0].round(3).tolist()
        [0.0, 1.667, 3.333, 5.0]
    """
    motion = resample(PoseSequence(points, H36M_17, "world", fps=fps), FPS)
    return motion.points.astype(np.float64)


def _camera(viewpoint: FixedCamera, points: Float[ndarray, "f 17 3"]) -> Camera:
    path = points[:, 0]
    middle = (path.min(0) + path.max(0)) / 2
    yaw, pitch = np.radians([viewpoint.yaw, viewpoint.pitch])
    toward_camera = np.array([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)])
    reach = float(np.linalg.norm(points - middle, axis=-1).max())
    distance = max(viewpoint.distance, reach + CLEARANCE)
    return Camera(
        rotation=look_at(-toward_camera),
        position=middle + distance * toward_camera,
        focal=np.full(2, viewpoint.focal * SIZE[0]),
        centre=np.array(SIZE) / 2,
    )
