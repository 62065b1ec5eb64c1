"""Accuracy on prepared recordings, such as Human3.6M's, by the field's protocols.

*Windows.* A model that predicts all frames (seq2seq) gets consecutive clips without overlap. To fill the last clip, the
recording is padded at both ends by repeating its first and last frames. A model that predicts the centre frame
(seq2frame) gets a clip per frame.

*Counting.* ``ours``: each valid frame of a recording counts once. ``published``: every valid frame of every clip
counts, including repeated ones, as in the published figures of seq2seq models, and velocities are taken within clips.
For seq2frame models both are the same.

*Means.* Frames are pooled by action over takes, cameras and subjects, and the result is the mean over actions. For
MPI-INF-3DHP, the result is the mean over all frames, and each sequence and activity is reported too. Velocities never
span two recordings.

*Root.* Poses are root-relative: the predicted root is subtracted from the prediction, the true root from the truth.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from poseglass.body.geometry import root_relative, to_screen
from poseglass.body.skeleton import H36M_17, Skeleton, counterparts
from poseglass.clips.screen import screen_to_metres
from poseglass.clips.view import person_view
from poseglass.clips.windows import cut, padding, seq2frame_starts, seq2seq_starts
from poseglass.data.recordings.store import Recording, Recordings
from poseglass.engines.engine import Engine, open_engine
from poseglass.errors import DataError, PoseError
from poseglass.judging import groups
from poseglass.judging.metrics import metrics_for
from poseglass.judging.protocol import EvaluationPlan, Protocol, planned
from poseglass.judging.report import RecordingReport
from poseglass.judging.tally import Tally
from poseglass.lifting.answer import answer, answer_frame, centre_frame
from poseglass.models.mode import in_eval_mode
from poseglass.waist.hourglass import PoseModel, backbone_of

__all__ = ["evaluate_recordings", "model_in_words"]

# Called with a recording and the poses of all its frames: metres, root-relative, in the data's joint order (f j 3).
Each = Callable[[Recording, Float[ndarray, "f j 3"]], object]


def evaluate_recordings(
    model: PoseModel,
    recordings: Recordings,
    protocol: Protocol | None = None,
    *,
    name: str = "",
    each: Each | None = None,
    progress: bool = False,
    engine: str = "torch",
) -> RecordingReport:
    """Measure the errors of a model on recordings.

    Only one recording at a time is in memory. 2D poses are normalised as in the field for a model of screen
    coordinates, and as in lifting for a model of person coordinates. If the model takes a third input, it is the score,
    or 1 if the 2D poses have no scores.

    Args:
        model: A model of screen or person coordinates. It may be in training mode, and stays in it. Poses in units of
            the screen are converted to metres (:func:`poseglass.clips.screen.screen_to_metres`).
        recordings: The recordings, from :meth:`Recordings.open`.
        protocol: How to evaluate; all defaults if None.
        name: The model's name in the report.
        each: Called with every recording and the model's poses of all its frames: metres, root-relative, in the
            recordings' joint order.
        progress: Show a progress bar.
        engine: What runs the model; see :func:`poseglass.engines.engine.open_engine`.

    Raises:
        DataError: The recordings lack the subjects, the split or the 2D poses, or their joints do not match the
            model's.
        ModelError: The model cannot be evaluated this way.

    Example:
        >>> import poseglass as pg
        >>> from poseglass.data.h36m.prepare import prepare_h36m
        >>> from poseglass.data.synthetic.generate import generate
        >>> from poseglass.judging.protocol import Protocol
        >>> _ = generate("h36m", "made-up", frames=20, subjects=["S9"])
        >>> data = prepare_h36m("made-up", "prepared").recordings.split(actions=["Eating", "Walking"])
        >>> model = pg.create_model("mixste-tiny", frames=9)
        >>> report = evaluate_recordings(model, data, Protocol(keypoints="cpn", flip=True))
        >>> report.total.name, report.total.frames
        ('mean over 2 actions', 320)
    """
    plan = planned(protocol or Protocol(), model, recordings)
    order = _order(recordings.skeleton, plan.skeleton)
    root = _root(recordings.skeleton)
    published = plan.counting == "published" and not plan.centre
    metrics = metrics_for("3dhp" if recordings.dataset == groups.THREEDHP else "recordings")
    tally, windows, repeated = Tally(metrics, joints=len(order)), 0, 0
    columns = (TextColumn("evaluating"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    name, model = name or model_in_words(model), in_eval_mode(model)
    runner = open_engine(engine, model)
    with Progress(*columns, disable=not progress, transient=True) as bar:
        task = bar.add_task("evaluating", total=plan.recordings.frames)
        for recording in plan.recordings:
            begins = _begins(model, recording.frames, centre=plan.centre)
            batches = []
            for poses in _lifted(model, recording, begins, plan, order, engine=runner):
                batches.append(poses)
                bar.advance(task, recording.frames * len(poses) / len(begins))
            clips = np.concatenate(batches)
            beyond = padding(begins, model.frames, recording.frames)
            whole = clips[:, 0] if plan.centre else clips[~beyond]  # f j 3
            truth = root_relative(recording.points3d.astype(np.float64), root)
            counts = groups.groups_of(recording, recordings.dataset)
            if published:
                counts_of_clips = {group: cut(frames, model.frames, begins) for group, frames in counts.items()}
                tally.add(clips, cut(truth, model.frames, begins), counts_of_clips)
                repeated += int((beyond & cut(np.asarray(recording.valid), model.frames, begins)).sum())
            else:
                tally.add(whole[None], truth[None], {group: frames[None] for group, frames in counts.items()})
            windows += len(begins)
            if each is not None:
                each(recording, whole)
    return RecordingReport(
        dataset=recordings.dataset,
        fingerprint=recordings.fingerprint,
        subjects=tuple(dict.fromkeys(recording.subject for recording in plan.recordings)),
        keypoints=plan.keypoints,
        model=name,
        counting=plan.counting,
        flip=plan.flip,
        centre=plan.centre,
        windows=windows,
        window=model.frames,
        repeated=repeated,
        units={metric: row.unit for metric, row in metrics.items()},
        groups=groups.grouped(tally, plan.recordings),
        total=groups.total(tally, plan.recordings),
        joints=dict(zip(recordings.skeleton.joints, tally.by_joint(), strict=True)),
        notes=groups.notes(plan.recordings),
        skeleton=plan.skeleton.name,
    )


def model_in_words(model: PoseModel) -> str:
    """Describe a model in words.

    Example:
        >>> import poseglass as pg
        >>> model_in_words(pg.funnel("mixste-tiny", keep=9, at=1))
        'Funnel around MixSTE of 27 frames'
    """
    backbone = backbone_of(model)
    waist = "" if model is backbone else f"{type(model).__name__} around "
    return f"{waist}{type(backbone).__name__} of {model.frames} frames"


def _order(data: Skeleton, model: Skeleton) -> Int[ndarray, " j"]:
    """The index in the data of each of the model's joints. Every joint of the data must have a counterpart."""
    try:
        order = counterparts(data, model)
        if missing := sorted({*range(len(data))} - {*order.tolist()}):
            raise PoseError(f"{model.name} lacks {', '.join(data.joints[joint] for joint in missing)}")
    except PoseError as problem:
        raise DataError(
            f"the joints of the recordings ({data.name}) and of the model ({model.name}) must match one to one, but "
            f"{problem}"
        ) from None
    return order


def _root(skeleton: Skeleton) -> int:
    if skeleton.root is None:
        raise DataError(
            f"expected a skeleton with a root, so that poses can be root-relative; {skeleton.name} has none"
        )
    return skeleton.index(skeleton.root)


def _begins(model: PoseModel, frames: int, *, centre: bool) -> Int[ndarray, " b"]:
    """The first frame of each clip. For seq2frame, clip n has frame n in the place that the model predicts."""
    if not centre:
        return seq2seq_starts(frames, model.frames)
    return seq2frame_starts(frames, model.frames) + model.frames // 2 - centre_frame(model)


def _lifted(
    model: PoseModel,
    recording: Recording,
    begins: Int[ndarray, " b"],
    plan: EvaluationPlan,
    order: Int[ndarray, " j"],
    *,
    engine: Engine | None,
) -> Iterator[Float[ndarray, "b _ j 3"]]:
    """Yield poses of batches of a recording's clips: all frames or the centre, root-relative, in the data's order."""
    points = recording.points2d(plan.keypoints)[:, order].astype(np.float64)
    confidence = recording.scores(plan.keypoints)
    scores = np.ones(points.shape[:2]) if confidence is None else confidence[:, order].astype(np.float64)
    screen = np.concatenate([to_screen(points, recording.size), scores[..., None]], -1).astype(np.float32)  # f j 3
    root = _root(plan.skeleton)
    back = np.argsort(order)
    for first in range(0, len(begins), plan.batch):
        batch, turn = begins[first : first + plan.batch], None
        if model.card.coordinates == "screen":
            pose2d = cut(screen, model.frames, batch)  # b f j 3
        else:
            clips = (cut(sequence, model.frames, batch) for sequence in (points, scores))
            pose2d, turn = person_view(*clips, size=recording.size)
        pose2d = np.ascontiguousarray(pose2d[..., : model.inputs])  # b f j i
        frames = slice(None)
        if plan.centre:
            middle = centre_frame(model)
            frames = slice(middle, middle + 1)
            pose3d = answer_frame(model, pose2d, middle, flip=plan.flip, skeleton=plan.skeleton, engine=engine)
        else:
            pose3d, _ = answer(model, pose2d, flip=plan.flip, skeleton=plan.skeleton, engine=engine)
        # Only weights for Human3.6M are in units of the screen; those published for MPI-INF-3DHP predict metres.
        if model.card.units == "screen" and plan.skeleton == H36M_17:
            pelvis = pose2d[:, frames, root, :2].astype(np.float64)
            pose3d = screen_to_metres(pose3d, pelvis, size=recording.size)
        if plan.counting == "published":
            pose3d[:, :, root] = 0  # what the published code scores; it differs by the model's own error of the root
        else:
            pose3d = root_relative(pose3d, root)
        if turn is not None:
            pose3d = pose3d @ turn[:, frames]
        yield pose3d[:, :, back]
