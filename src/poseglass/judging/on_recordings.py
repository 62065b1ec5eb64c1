"""How good a model is on prepared recordings, such as Human3.6M's: the field's protocols, and every choice in them.

*Windows.* A model that answers for all frames (seq2seq) gets clips that follow each other without overlap; what the
last one lacks is shared by both ends, which are repeated. A model of the centre frame (seq2frame) gets a clip for every
frame. *Counting.* ``ours``: every frame of a recording that is valid counts once. ``published``: every frame of every
clip counts, the repeated ones too, as in the published figures of seq2seq models; velocities then are within clips. For
the centre frame both are the same. *Means.* Frames are pooled by action over takes, cameras and subjects, and the
result is the mean over actions; MPI-INF-3DHP's is over all frames, beside each sequence and each activity. Velocities
never cross from one recording to another. *Root.* Poses are root-relative: the predicted root is subtracted from the
prediction, the true one from the truth.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from poseglass.body.geometry import root_relative, to_screen
from poseglass.body.skeleton import H36M_17, Skeleton, counterparts, get_skeleton
from poseglass.clips.view import person_view
from poseglass.clips.windows import cut, padding, seq2frame_starts, seq2seq_starts
from poseglass.data.h36m import facts as h36m_facts
from poseglass.data.recordings.store import Recording, Recordings
from poseglass.data.threedhp import facts as mpi_inf_3dhp_facts
from poseglass.errors import DataError, ModelError, PoseError
from poseglass.judging.report import Group, Report
from poseglass.judging.tally import HUMAN36M, MPI_INF_3DHP, Tally
from poseglass.lifting.answer import answer
from poseglass.waist.hourglass import Funnel, Model, backbone_of

__all__ = ["Counting", "Protocol", "evaluate_recordings"]

Counting = Literal["ours", "published"]
THREEDHP = "MPI-INF-3DHP"
# Gets a recording and the poses of all its frames: metres, relative to the root, in the data's order (f j 3).
Each = Callable[[Recording, Float[ndarray, "f j 3"]], object]


@dataclass(frozen=True)
class Protocol:
    """How recordings are judged.

    Args:
        keypoints: The 2D poses that the model sees. Where None, those it was trained on if it knows, or the only ones.
        subjects: Whose recordings. Where None, those of everybody in the split.
        split: Which recordings: ``"train"``, ``"val"`` or ``"test"``. Where None, the test, unless subjects are named
            or nobody says which recordings are for it.
        counting: Whether frames count ``"ours"`` or the ``"published"`` way; see above.
        flip: Average with the mirrored pass, which keeps the frames that the plain pass kept.
        centre: Whether the model answers for a clip's centre alone. Where None, as the model says (a funnel always).
        skeleton: Which joint is which in the model's input and output. Where None, as the model says.
        batch: Clips of a forward pass.
    """

    keypoints: str | None = None
    subjects: tuple[str, ...] | None = None
    split: str | None = None
    counting: Counting = "ours"
    flip: bool = False
    centre: bool | None = None
    skeleton: Skeleton | None = None
    batch: int = 16


def evaluate_recordings(
    model: Model,
    recordings: Recordings,
    protocol: Protocol | None = None,
    *,
    name: str = "",
    each: Each | None = None,
    progress: bool = False,
) -> Report:
    """Errors of a model on recordings.

    A recording at a time is in memory. A model of screen coordinates sees 2D poses as the field normalises them, one of
    person coordinates as lifting does; a third input is the score, 1 where the 2D poses have none.

    Args:
        model: Answers in metres, relative to the root, in camera space.
        recordings: What :meth:`Recordings.open` gives.
        protocol: How; with all its defaults where None.
        name: What the report calls the model.
        each: Is called with every recording and the model's poses of all its frames: metres, relative to the root, in
            the recordings' order of joints.
        progress: Show a progress bar.

    Raises:
        DataError: There are no such subjects, no such split or 2D poses, or the joints are none the model could know.
        ModelError: The model cannot answer so.

    Example:
        >>> import poseglass as pg
        >>> from poseglass.data.h36m.prepare import prepare_h36m
        >>> from poseglass.data.virtual.trees import generate
        >>> _ = generate("h36m", "made-up", frames=20, subjects=["S9"])
        >>> data = prepare_h36m("made-up", "prepared").recordings.split(actions=["Eating", "Walking"])
        >>> model = pg.create_model("mixste-tiny", frames=9)
        >>> report = evaluate_recordings(model, data, Protocol(keypoints="cpn", flip=True))
        >>> report.total.name, report.total.frames
        ('mean over 2 actions', 320)
    """
    skeleton = get_skeleton((protocol and protocol.skeleton) or model.card.skeleton)
    chosen, protocol = _settled(model, recordings, replace(protocol or Protocol(), skeleton=skeleton))
    model.eval()
    order = _order(recordings.skeleton, skeleton)
    published = protocol.counting == "published" and not protocol.centre
    metrics = MPI_INF_3DHP if recordings.dataset == THREEDHP else HUMAN36M
    tally, windows, repeated = Tally(metrics, joints=len(order)), 0, 0
    columns = (TextColumn("evaluating"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, disable=not progress, transient=True) as bar:
        task = bar.add_task("evaluating", total=chosen.frames)
        for recording in chosen:
            begins = _begins(model, recording.frames, centre=bool(protocol.centre))
            batches = []
            for poses in _lifted(model, recording, begins, protocol, order):
                batches.append(poses)
                bar.advance(task, recording.frames * len(poses) / len(begins))
            clips = np.concatenate(batches)
            beyond = padding(begins, model.frames, recording.frames)
            whole = clips[:, 0] if protocol.centre else clips[~beyond]
            root = recordings.skeleton.index(_root(recordings.skeleton))
            truth = root_relative(recording.points3d.astype(np.float64), root)
            groups = _groups(recording, recordings.dataset)
            if published:
                parts = {group: cut(counts, model.frames, begins) for group, counts in groups.items()}
                tally.add(clips, cut(truth, model.frames, begins), parts)
                repeated += int((beyond & cut(np.asarray(recording.valid), model.frames, begins)).sum())
            else:
                tally.add(whole[None], truth[None], {group: counts[None] for group, counts in groups.items()})
            windows += len(begins)
            if each is not None:
                each(recording, whole)
    return Report(
        dataset=recordings.dataset,
        fingerprint=recordings.fingerprint,
        subjects=tuple(dict.fromkeys(recording.subject for recording in chosen)),
        keypoints=protocol.keypoints or "",
        model=name or _described(model),
        counting=protocol.counting,
        flip=protocol.flip,
        centre=bool(protocol.centre),
        windows=windows,
        window=model.frames,
        repeated=repeated,
        units={metric.name: metric.unit for metric in metrics},
        groups=tuple(_grouped(tally, chosen)),
        total=_total(tally, chosen),
        joints=dict(zip(recordings.skeleton.joints, tally.by_joint(), strict=True)),
        notes=tuple(_notes(chosen)),
        skeleton=skeleton.name,
    )


# ---------------------------------------------------------------- what is chosen


def _settled(model: Model, recordings: Recordings, protocol: Protocol) -> tuple[Recordings, Protocol]:
    """The recordings that are meant, and a protocol that leaves nothing open; raises what is wrong before the work."""
    if protocol.batch < 1:
        raise ModelError(f"a batch has 1 clip or more, not {protocol.batch}")
    if protocol.counting not in ("ours", "published"):
        raise DataError(f"frames count ours or published, not {protocol.counting!r}")
    if model.inputs not in (2, 3):
        raise ModelError(f"recordings give a model x, y or x, y, score; this one takes {model.inputs} numbers")
    if model.card.coordinates == "person" and protocol.skeleton not in (None, H36M_17):
        raise ModelError(f"person coordinates are of {H36M_17.name}, not of {protocol.skeleton.name}")
    centre = protocol.centre
    if isinstance(model, Funnel) and centre is False:
        raise ModelError("a funnel answers for one frame of a clip only: leave out centre=False, or give its backbone")
    if centre is None:
        centre = isinstance(model, Funnel) or model.card.answers == "centre"
    split = protocol.split
    if split is None and protocol.subjects is None and any(recording.splits for recording in recordings):
        split = "test"
    chosen = recordings.split(subjects=protocol.subjects, splits=None if split is None else [split])
    keypoints = _keypoints(model.card.keypoints, chosen, protocol.keypoints)
    return chosen, replace(protocol, keypoints=keypoints, split=split, centre=centre)


def _keypoints(trained: str, chosen: Recordings, wanted: str | None) -> str:
    common = [source for source in chosen.sources if all(source in recording.sources for recording in chosen)]
    there = ", ".join(common) or "none that all of these recordings have"
    if wanted is None and trained and trained not in common:
        raise DataError(
            f"the model was trained on 2D poses {trained!r}, and {chosen.folder} has {there}; choose with --keypoints "
            "(keypoints=)"
        )
    if wanted is None and not trained and len(common) != 1:
        raise DataError(f"{chosen.folder} has the 2D poses {there}; choose with --keypoints (keypoints=)")
    source = wanted or trained or common[0]
    if source not in common:
        raise DataError(f"{chosen.folder} has no 2D poses {source!r} of all these recordings; there are {there}")
    return source


def _order(source: Skeleton, model: Skeleton) -> Int[ndarray, " j"]:
    """Which of the data's joints each of the model's is: an order, for every joint must have its counterpart."""
    try:
        order = counterparts(source, model)
        if left := sorted({*range(len(source))} - {*order.tolist()}):
            raise PoseError(f"{model.name} has no {', '.join(source.joints[joint] for joint in left)}")
    except PoseError as problem:
        raise DataError(
            f"the recordings' joints ({source.name}) are not, one by one, those of the model ({model.name}): {problem}"
        ) from None
    return order


def _root(skeleton: Skeleton) -> str:
    if skeleton.root is None:
        raise DataError(f"poses of {skeleton.name} have no root that they could be relative to")
    return skeleton.root


# ---------------------------------------------------------------- what the model makes of it


def _begins(model: Model, frames: int, *, centre: bool) -> Int[ndarray, " n"]:
    """Where the clips begin; those of one frame have it where the model asks for it."""
    if not centre:
        return seq2seq_starts(frames, model.frames)
    return seq2frame_starts(frames, model.frames) + model.frames // 2 - _middle(model)


def _middle(model: Model) -> int:
    return model.always if isinstance(model, Funnel) else model.frames // 2


def _lifted(
    model: Model, recording: Recording, begins: Int[ndarray, " n"], protocol: Protocol, order: Int[ndarray, " j"]
) -> Iterator[Float[ndarray, "b _ j 3"]]:
    """Poses of a recording's clips by batch: all frames or the centre, root-relative, in the data's order."""
    skeleton = protocol.skeleton or H36M_17
    points = recording.points2d(protocol.keypoints or "")[:, order].astype(np.float64)
    given = recording.scores(protocol.keypoints or "")
    scores = np.ones(points.shape[:2]) if given is None else given[:, order].astype(np.float64)
    screen = np.concatenate([to_screen(points, recording.size), scores[..., None]], -1).astype(np.float32)
    root = skeleton.index(_root(skeleton))
    back = np.argsort(order)
    for first in range(0, len(begins), protocol.batch):
        some, turn = begins[first : first + protocol.batch], None
        if model.card.coordinates == "screen":
            pose2d = cut(screen, model.frames, some)
        else:
            clips = (cut(each, model.frames, some) for each in (points, scores))
            pose2d, turn = person_view(*clips, size=recording.size)
        pose2d = np.ascontiguousarray(pose2d[..., : model.inputs])
        pose3d, kept = answer(model, pose2d, flip=protocol.flip, skeleton=skeleton)
        if protocol.centre:
            middle = _middle(model)
            place = np.full(len(some), middle)
            if isinstance(model, Funnel):
                place = (kept[max(kept)].cpu().numpy() == middle).argmax(1)
            pose3d = np.take_along_axis(pose3d, place[:, None, None, None], 1)
            turn = None if turn is None else turn[:, middle : middle + 1]
        pose3d = root_relative(pose3d, root)
        if turn is not None:
            pose3d = pose3d @ turn
        yield pose3d[:, :, back]


def _described(model: Model) -> str:
    backbone = backbone_of(model)
    inner = type(backbone).__name__
    around = "" if model is backbone else f"{type(model).__name__} around "
    return f"{around}{inner} of {model.frames} frames"


# ---------------------------------------------------------------- what it is counted for


def _groups(recording: Recording, dataset: str) -> Mapping[str, Bool[ndarray, " f"]]:
    """The groups of a recording, and which of its frames count for each."""
    counts = np.asarray(recording.valid)
    if dataset != THREEDHP:
        return {f"action {recording.action}": counts}
    groups = {"all": counts, f"sequence {_sequence(recording)}": counts}
    if recording.activity is not None:
        for number in np.unique(recording.activity[counts & (recording.activity > 0)]):
            activity = mpi_inf_3dhp_facts.ACTIVITIES[number - 1]
            groups[f"activity {activity}"] = counts & (recording.activity == number)
    return groups


def _sequence(recording: Recording) -> str:
    """TS1, or S1 Seq1."""
    return " ".join(dict.fromkeys((recording.subject, recording.take)))


def _names(chosen: Recordings) -> Iterator[tuple[str, str]]:
    """The kinds and names of the groups there may be, in the order of the tables."""
    if chosen.dataset == THREEDHP:
        yield from (("sequence", _sequence(recording)) for recording in chosen)
        yield from (("activity", activity) for activity in mpi_inf_3dhp_facts.ACTIVITIES)
        return
    known = h36m_facts.ACTIONS if chosen.dataset == "Human3.6M" else ()
    there = dict.fromkeys(recording.action for recording in chosen)
    yield from (("action", action) for action in dict.fromkeys((*known, *there)))


def _grouped(tally: Tally, chosen: Recordings) -> Iterator[Group]:
    for kind, name in dict.fromkeys(_names(chosen)):
        if (group := f"{kind} {name}") in tally:
            yield Group(kind, name, tally.frames(group), tally.means(group))


def _total(tally: Tally, chosen: Recordings) -> Group:
    if chosen.dataset == THREEDHP:
        return Group("total", "all frames", tally.frames("all"), tally.means("all"))
    groups = [*_grouped(tally, chosen)]
    means = {metric.name: float(np.mean([group.errors[metric.name] for group in groups])) for metric in tally.metrics}
    return Group(
        "total",
        f"mean over {len(groups)} action{'s' * (len(groups) > 1)}",
        sum(group.frames for group in groups),
        means,
    )


def _notes(chosen: Recordings) -> Iterator[str]:
    there = {recording.action for recording in chosen}
    if chosen.dataset == "Human3.6M" and (missing := [a for a in h36m_facts.ACTIONS if a not in there]):
        yield f"not there: {', '.join(missing)}"
    if chosen.dataset == THREEDHP and all(r.activity is None or not r.activity.any() for r in chosen):
        yield "activities are unknown: only the original annot_data.mat tell them, not the npz files"
