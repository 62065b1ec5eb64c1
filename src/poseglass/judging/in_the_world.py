"""Accuracy of whole motions on motion clips: where the person is, when their feet stand, which way is up.

The views are those of :mod:`poseglass.judging.on_clips`: takes at 30 frames per second, seen by its four fixed cameras,
with clean and with detector-like 2D poses. Takes shorter than a segment of 100 frames are left out. The others take
turns with the cameras, so that each is seen by one. Each view is lifted and placed as a whole, once with the true focal
length (*known*) and once without (*unknown*). :data:`METHODS` lists what is compared,
:data:`poseglass.judging.world_measures.WORLD_MEASURES` what is measured.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from rich.progress import track

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.data.clips import MotionClips
from poseglass.engines.engine import Engine, open_engine
from poseglass.errors import DataError
from poseglass.judging.baseline_path import frame_by_frame
from poseglass.judging.report import GroupErrors, WorldReport
from poseglass.judging.viewpoints import CAMERAS, DETECTORS, FPS, SIZE, ClipView, at_rate, clip_views
from poseglass.judging.world_measures import ANKLES, SEGMENT, WORLD_MEASURES, PlacedMotion, standing
from poseglass.lifting.predictor import predict
from poseglass.motion.placing import place
from poseglass.waist.hourglass import PoseModel

__all__ = ["METHODS", "Method", "evaluate_world"]


@runtime_checkable
class PlaceMethod(Protocol):
    """Adds a trajectory to a motion that has its 2D poses, given the focal length in pixels if it is known."""

    def __call__(self, motion: PoseSequence, *, focal: float | None) -> PoseSequence: ...


@dataclass(frozen=True)
class Method:
    """A row of :data:`METHODS`.

    Attributes:
        place: Adds the trajectory. None: take the true path, contact and way up, to see what the model's poses cost.
        true_poses: Place the true poses rather than the model's, to see what the placing itself costs.
    """

    place: PlaceMethod | None
    true_poses: bool = False


METHODS = {
    "frame by frame": Method(frame_by_frame),
    "whole track": Method(place),
    "whole track, true poses": Method(place, true_poses=True),
    "true path": Method(None),
}


def evaluate_world(
    model: PoseModel,
    clips: MotionClips,
    *,
    split: str = "test",
    flip: bool = False,
    protocol: int = 1,
    takes: int | None = None,
    progress: bool = False,
    engine: str = "torch",
) -> WorldReport:
    """Measure the errors of motions in the world on the takes of a split.

    Args:
        model: The model, as :class:`poseglass.lifting.predictor.Predictor` takes it.
        clips: Motion capture at any frame rate.
        split: ``"train"``, ``"val"`` or ``"test"``.
        flip: Average with the mirrored pass.
        protocol: The simulated detector: 1 with mild errors, 2 with errors as measured on real video.
        takes: Use only so many of the takes that are long enough, evenly spaced in their order. Default: all.
        progress: Show a progress bar.
        engine: What runs the model; see :func:`poseglass.engines.engine.open_engine`.

    Returns:
        The measures for clean and detected 2D poses, known and unknown focal length, and each method. The last row is
        the true motion: its own jitter, and how much its standing feet slide.

    Raises:
        DataError: The split is empty, no take is long enough, `takes` is not positive, or there is no such protocol.
        ModelError: The model does not take Human3.6M's joints as x, y or x, y, score.

    Example:
        >>> import poseglass as pg
        >>> from poseglass.data.clips import MotionClip
        >>> points = np.random.default_rng(0).normal(0, 0.4, (110, 17, 3))
        >>> clips = MotionClips((MotionClip("noise", points, "anna", split="test"),), fps=30)
        >>> report = evaluate_world(pg.create_model("mixste-small", frames=9), clips)
        >>> report.group("clean, known", "frame by frame").frames
        110
    """
    if protocol not in DETECTORS:
        raise DataError(f"the protocol for motion clips has the versions 1 and 2, got {protocol}")
    if takes is not None and takes < 1:
        raise DataError(f"takes must be a number of takes from 1, got {takes}")
    every = clips.split(split)
    motions = {take.name: at_rate(take.points, every.fps) for take in every}
    skipped = tuple(name for name, points in motions.items() if len(points) < SEGMENT)
    long = [name for name in motions if name not in skipped]
    if not long:
        raise DataError(
            f"every take of the split {split} has fewer than {SEGMENT} frames at {FPS:g} frames per second; "
            "add longer takes"
        )
    if takes is not None and takes < len(long):
        long = [long[round(place)] for place in np.linspace(0, len(long) - 1, takes)]
    pool, runner = _Pool(), open_engine(engine, model)
    for number, name in enumerate(track(long, "evaluating", disable=not progress)):
        for view in clip_views(name, motions[name], protocol, cameras=[number % len(CAMERAS)]):
            true = _true_motion(view)
            for focal in (float(view.camera.focal[0]), None):
                lifted = _lifted(model, view, flip=flip, focal=focal, engine=runner)
                kind = f"{view.kind}, {'unknown' if focal is None else 'known'}"
                for label, method in METHODS.items():
                    poses = replace(lifted, points=view.truth) if method.true_poses else lifted
                    if method.place is None:
                        predicted = replace(true, points=poses.points + view.root[:, None])
                    else:
                        predicted = _placed(method.place(poses, focal=focal))
                    pool.add(kind, label, predicted, true)
            if view.kind == "clean":
                pool.add("true motion", "", true, true)
    return WorldReport(
        fingerprint=every.fingerprint,
        split=split,
        flip=flip,
        protocol=protocol,
        takes=len(long),
        units={name: measure.unit for name, measure in WORLD_MEASURES.items()},
        groups=pool.groups(),
        skipped=skipped,
    )


class _Pool:
    """The sums of all measures for each view, by kind and method."""

    def __init__(self) -> None:
        self._views: dict[tuple[str, str], list[Float[ndarray, "_ 2"]]] = {}
        self._frames: dict[tuple[str, str], int] = {}

    def add(self, kind: str, method: str, predicted: PlacedMotion, true: PlacedMotion) -> None:
        key = (kind, method)
        sums = [measure.sums(predicted, true) for measure in WORLD_MEASURES.values()]
        self._views.setdefault(key, []).append(np.array(sums, float))
        self._frames[key] = self._frames.get(key, 0) + len(true.points)

    def groups(self) -> tuple[GroupErrors, ...]:
        """The errors by kind, then method; the true motion last."""
        kinds = ("clean, known", "clean, unknown", "detected, known", "detected, unknown", "true motion")
        ordered = sorted(self._views, key=lambda key: kinds.index(key[0]))
        return tuple(GroupErrors(*key, self._frames[key], self._values(np.stack(self._views[key]))) for key in ordered)

    @staticmethod
    def _values(views: Float[ndarray, "_ _ 2"]) -> dict[str, float]:
        return {name: measure.value(views[:, row]) for row, (name, measure) in enumerate(WORLD_MEASURES.items())}


def _true_motion(view: ClipView) -> PlacedMotion:
    points = view.truth + view.root[:, None]
    contact = standing(view.camera.to_world(points)[:, ANKLES], FPS)
    return PlacedMotion(points, contact.astype(float), view.camera.rotation[:, 1], FPS)


def _lifted(
    model: PoseModel, view: ClipView, *, flip: bool, focal: float | None, engine: Engine | None
) -> PoseSequence:
    """The poses relative to the pelvis, with their 2D poses, as lifting a file of keypoints gives them."""
    # Models that turn screen coordinates into metres take no focal length.
    own = None if (model.card.coordinates, model.card.units) == ("screen", "metres") else focal
    poses = predict(model, view.points, view.scores, flip=flip, size=SIZE, focal=own, engine=engine).pose3d
    valid: ndarray = np.any(view.scores > 0, axis=-1)
    pose2d = PoseSequence(view.points, H36M_17, "pixels", fps=FPS, scores=view.scores, valid=valid, size=SIZE)
    return PoseSequence(poses, H36M_17, "camera", fps=FPS, scores=view.scores, valid=valid, size=SIZE, pose2d=pose2d)


def _placed(motion: PoseSequence) -> PlacedMotion:
    path = motion.trajectory
    assert path is not None
    up = np.full(3, np.nan) if path.to_world is None else path.to_world[1, :3]
    points = motion.points.astype(float) + path.root[:, None]
    return PlacedMotion(points, path.contact.astype(float), up, motion.rate)
