"""Accuracy on motion clips seen by virtual cameras: the source of the README's accuracy figures.

The protocol has two versions, which differ in the simulated detector (:mod:`poseglass.judging.viewpoints`). Version 1
is that of all published figures. Each take of a split is resampled to 30 frames per second. Four fixed cameras see it
(:data:`poseglass.judging.viewpoints.CAMERAS`), with clean and with detector-like 2D poses
(:func:`poseglass.judging.viewpoints.clip_views`). The whole take goes through
:func:`poseglass.lifting.predictor.predict` with the image's size but without the focal length, like a user's video.
Errors are root-relative. Each metric is averaged over each take and camera. These means are then averaged over all
takes, and over each subject's takes, weighted by the number of frames.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from rich.progress import track

from poseglass.data.clips import MotionClips
from poseglass.engines.engine import open_engine
from poseglass.errors import DataError
from poseglass.judging.metrics import metrics_for
from poseglass.judging.report import ClipReport, GroupErrors
from poseglass.judging.viewpoints import CAMERAS, DETECTORS, FPS, SIZE, at_rate, clip_views
from poseglass.lifting.predictor import predict
from poseglass.waist.hourglass import PoseModel

__all__ = ["evaluate_clips"]

SHORTEST = 3  # frames: an acceleration takes three


def evaluate_clips(
    model: PoseModel,
    clips: MotionClips,
    *,
    split: str = "test",
    flip: bool = False,
    protocol: int = 1,
    progress: bool = False,
    engine: str = "torch",
) -> ClipReport:
    """Measure the errors of a model on the takes of a split.

    Args:
        model: The model, as :class:`poseglass.lifting.predictor.Predictor` takes it. It may be in training mode, and
            stays in it.
        clips: Motion capture at any frame rate.
        split: ``"train"``, ``"val"`` or ``"test"``.
        flip: Average with the mirrored pass.
        protocol: The version: 1 with a detector's mild errors, 2 with errors as measured on real video.
        progress: Show a progress bar.
        engine: What runs the model; see :func:`poseglass.engines.engine.open_engine`.

    Returns:
        Errors in mm, mm per frame and mm per frame squared, at 30 frames per second. Takes with fewer than 3 frames at
        that rate are left out, and the report names them.

    Raises:
        DataError: The split is empty, all of its takes are too short, or there is no such version.
        ModelError: The model does not take Human3.6M's joints as x, y or x, y, score.

    Example:
        >>> import poseglass as pg
        >>> from poseglass.data.clips import MotionClip
        >>> points = np.random.default_rng(0).normal(0, 0.4, (12, 17, 3))
        >>> clips = MotionClips((MotionClip("noise", points, "anna", split="test"),), fps=30)
        >>> report = evaluate_clips(pg.create_model("mixste-small", frames=9), clips)
        >>> report.group("clean").frames
        48
    """
    if protocol not in DETECTORS:
        raise DataError(f"the protocol for motion clips has the versions 1 and 2, got {protocol}")
    takes, runner = clips.split(split), open_engine(engine, model)
    metrics = metrics_for("clips")
    means: dict[tuple[str, str], list[tuple[int, Float[ndarray, " _"]]]] = {}
    skipped = []
    for take in track(takes, "evaluating", total=len(takes), disable=not progress):
        points = at_rate(take.points, takes.fps)
        if len(points) < SHORTEST:
            skipped.append(take.name)
            continue
        for view in clip_views(take.name, points, protocol):
            predicted = predict(model, view.points, view.scores, flip=flip, size=SIZE, engine=runner).pose3d
            values = np.array([metric.mean(predicted, view.truth) for metric in metrics.values()])
            for group in ("all", take.subject):
                means.setdefault((view.kind, group), []).append((len(view.truth), values))
    if not means:
        raise DataError(
            f"every take of the split {split} has fewer than {SHORTEST} frames at {FPS:g} frames per second: "
            f"{', '.join(skipped)}; add longer takes"
        )
    return ClipReport(
        fingerprint=takes.fingerprint,
        split=split,
        flip=flip,
        protocol=f"protocol {protocol}: {len(CAMERAS)} cameras, {FPS:g} frames per second",
        units={name: metric.unit for name, metric in metrics.items()},
        groups=tuple(
            GroupErrors(kind, group, *_pooled(means[kind, group], [*metrics]))
            for kind, group in sorted(means, key=lambda key: ("clean", "detected").index(key[0]))
        ),
        skipped=tuple(skipped),
    )


def _pooled(means: list[tuple[int, Float[ndarray, " _"]]], names: list[str]) -> tuple[int, dict[str, float]]:
    """The total number of frames, and each metric's mean weighted by the number of frames."""
    frames = np.array([count for count, _ in means])
    mean = (frames[:, None] * np.stack([values for _, values in means])).sum(0) / frames.sum()
    return int(frames.sum()), dict(zip(names, mean.tolist(), strict=True))
