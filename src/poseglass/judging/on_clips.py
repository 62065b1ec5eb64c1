"""How good a lifter is: errors on motion capture seen by fixed cameras, with clean and with detector-like 2D.

The protocol (version 1): every take of a split at 30 frames a second, seen by the four cameras of :data:`CAMERAS`
around the middle of its path, at 1920 x 1080. *Clean* 2D is the exact projection of the 17 joints. *Detected* 2D is
what :func:`poseglass.data.virtual.detector.detect` makes of COCO-17 keypoints, which are then converted as at
inference; its chance is seeded by the take's name and the camera. The whole take goes through
:func:`poseglass.lifting.predictor.predict`, as a user's would. Errors are root-relative and count every frame of every
take and camera alike, by subject and over all.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import overload

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from rich.progress import track

from poseglass.body.geometry import Camera, look_at, root_relative
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.recordings.store import Recordings
from poseglass.data.virtual.detector import COCO_LAYOUT, H36M_FACE, DetectorNoise, detect, face, observe, to_nose
from poseglass.judging.metrics import acceleration_error, mpjpe, mpjve, p_mpjpe
from poseglass.judging.on_recordings import Protocol, evaluate_recordings
from poseglass.judging.report import Report
from poseglass.lifting.predictor import predict
from poseglass.waist.hourglass import Model

__all__ = ["CAMERAS", "Errors", "Evaluation", "Viewpoint", "evaluate"]

FPS = 30.0
SIZE = (1920, 1080)


@dataclass(frozen=True)
class Viewpoint:
    """A camera that looks at the middle of a take's path: degrees, metres, focal length in image widths."""

    yaw: float
    pitch: float
    distance: float
    focal: float


CAMERAS = (
    Viewpoint(45, 0, 4, 1.0),
    Viewpoint(135, 10, 5, 1.2),
    Viewpoint(225, 25, 3.5, 0.8),
    Viewpoint(315, -10, 6, 1.6),
)


@dataclass(frozen=True)
class Errors:
    """Errors in mm, velocity per frame and acceleration per frame squared at 30 frames a second."""

    mpjpe: float
    p_mpjpe: float
    mpjve: float
    acceleration: float
    frames: int


@dataclass(frozen=True)
class Evaluation:
    """Errors by kind of 2D (``clean``, ``detected``) and by subject (and ``all``).

    ``str()`` is a table, :meth:`json` a record.
    """

    errors: dict[str, dict[str, Errors]]

    def __str__(self) -> str:
        lines = ["| 2D | takes of | frames | MPJPE | P-MPJPE | MPJVE | acceleration |", "|---|---|---|---|---|---|---|"]
        for kind, groups in self.errors.items():
            for group, e in groups.items():
                numbers = f"{e.mpjpe:.1f} | {e.p_mpjpe:.1f} | {e.mpjve:.2f} | {e.acceleration:.2f}"
                lines.append(f"| {kind} | {group} | {e.frames} | {numbers} |")
        return "\n".join(lines)

    def json(self) -> str:
        """The same as JSON."""
        return json.dumps({k: {g: asdict(e) for g, e in groups.items()} for k, groups in self.errors.items()}, indent=2)


@overload
def evaluate(
    model: Model, data: MotionClips, *, split: str | None = ..., flip: bool = ..., progress: bool = ...
) -> Evaluation: ...
@overload
def evaluate(
    model: Model, data: Recordings, *, split: str | None = ..., flip: bool = ..., progress: bool = ...
) -> Report: ...
def evaluate(
    model: Model,
    data: MotionClips | Recordings,
    *,
    split: str | None = None,
    flip: bool = False,
    progress: bool = False,
) -> Evaluation | Report:
    """Errors of a model on the takes of a split, by the protocol above, or on recordings, by the field's.

    Args:
        model: For motion clips a model that takes x, y and score.
        data: Motion capture; or recordings, which
            :func:`poseglass.judging.on_recordings.evaluate_recordings` judges with all its other defaults.
        split: Which takes or recordings: ``"train"``, ``"val"`` or ``"test"``. Where None, the test's.
        flip: Average with the mirrored pass.
        progress: Show a progress bar.

    Raises:
        DataError: There is nothing in the split, or recordings leave open which 2D poses are meant.
        ModelError: For motion clips: the model is a funnel, or does not take x, y and score.

    Example:
        >>> import poseglass as pg
        >>> clips = pg.MotionClips.load("mocap.npz")  # doctest: +SKIP
        >>> print(pg.evaluate(pg.load("balanced"), clips))  # doctest: +SKIP
        >>> print(pg.evaluate(pg.load("hot-mixste"), pg.Recordings.open("h36m"), flip=True))  # doctest: +SKIP
    """
    if isinstance(data, Recordings):
        return evaluate_recordings(model, data, Protocol(split=split, flip=flip), progress=progress)
    takes = data.split(split or "test")
    sums: dict[tuple[str, str], list[tuple[int, Float[ndarray, " 4"]]]] = {}
    for take in track(takes, "evaluating", total=len(takes), disable=not progress):
        for kind, points, scores, target in _views(take, data.fps):
            predicted = predict(model, points, scores, flip=flip, size=SIZE).pose3d
            measures = (mpjpe, p_mpjpe, mpjve, acceleration_error)
            values = np.array([measure(predicted, target) for measure in measures])
            for group in ("all", take.subject):
                sums.setdefault((kind, group), []).append((len(target), values))
    errors: dict[str, dict[str, Errors]] = {"clean": {}, "detected": {}}
    for (kind, group), parts in sums.items():
        counts = np.array([count for count, _ in parts])
        mean = (counts[:, None] * np.stack([values for _, values in parts])).sum(0) / counts.sum()
        p1, p2, velocity, acceleration = (float(value) for value in mean)
        errors[kind][group] = Errors(p1, p2, velocity, acceleration, int(counts.sum()))
    return Evaluation(errors)


def _views(
    take: MotionClip, fps: float
) -> Iterator[tuple[str, Float[ndarray, "f 17 2"], Float[ndarray, "f 17"], Float[ndarray, "f 17 3"]]]:
    """What each camera sees of a take, clean and detected, with the root-relative truth."""
    points = take.points[:: max(round(fps / FPS), 1)].astype(np.float64)
    if len(points) < 3:
        return
    extra = face(points)
    detected = np.concatenate([to_nose(points, extra), extra], 1)  # f n 3
    for number, viewpoint in enumerate(CAMERAS):
        camera = _camera(viewpoint, points)
        clean = camera.to_camera(points.reshape(-1, 3)).reshape(points.shape)
        pixels: ndarray = camera.project(clean.reshape(-1, 3)).reshape(-1, 17, 2)
        yield "clean", pixels, np.ones(pixels.shape[:2]), root_relative(clean)

        truth = camera.to_camera(detected.reshape(-1, 3)).reshape(detected.shape)
        pixels = camera.project(truth.reshape(-1, 3)).reshape(*truth.shape[:2], 2)
        rng = np.random.default_rng(zlib.crc32(f"{take.name}/{number}".encode()))
        found, scores = detect(rng, pixels[None], DetectorNoise(), H36M_FACE.mirror)
        found, scores = observe(found, scores, np.array([COCO_LAYOUT]))
        yield "detected", found[0], scores[0], root_relative(truth)[:, :17]


def _camera(view: Viewpoint, points: Float[ndarray, "f 17 3"]) -> Camera:
    middle = (points[:, 0].min(0) + points[:, 0].max(0)) / 2
    yaw, pitch = np.radians([view.yaw, view.pitch])
    away = np.array([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)])
    # A take that covers much ground is seen from further away, so that nobody passes through the camera.
    distance = max(view.distance, float(np.linalg.norm(points - middle, axis=-1).max()) + 1)
    return Camera(
        rotation=look_at(-away),
        position=middle + distance * away,
        focal=np.full(2, view.focal * SIZE[0]),
        centre=np.array(SIZE) / 2,
    )
