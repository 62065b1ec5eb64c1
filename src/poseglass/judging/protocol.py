"""How recordings are evaluated: a :class:`Protocol`, and the plan that resolves its open choices."""

from dataclasses import dataclass
from typing import Literal

from poseglass.body.skeleton import H36M_17, Skeleton, get_skeleton
from poseglass.data.recordings.store import Recordings
from poseglass.errors import DataError, ModelError
from poseglass.waist.hourglass import Funnel, PoseModel

__all__ = ["Counting", "EvaluationPlan", "Protocol", "planned"]

Counting = Literal["ours", "published"]


@dataclass(frozen=True)
class Protocol:
    """How recordings are evaluated. By default, the model and the data decide.

    Attributes:
        keypoints: The 2D poses to give the model. None: the ones it was trained on if its card names them, else the
            only ones there are.
        subjects: The subjects whose recordings are used. None: all subjects of the split.
        split: ``"train"``, ``"val"`` or ``"test"``. None: the test split, unless `subjects` names people or the
            data has no splits.
        counting: Whether frames count ``"ours"`` or the ``"published"`` way: see
            :mod:`poseglass.judging.on_recordings`.
        flip: Average with the mirrored pass, which keeps the same frames as the plain pass.
        centre: Whether the model predicts only the centre of a clip. None: as the model's card says (a funnel always
            does).
        skeleton: The order of the model's joints. None: as the model's card says.
        batch: Clips per forward pass.
    """

    keypoints: str | None = None
    subjects: tuple[str, ...] | None = None
    split: str | None = None
    counting: Counting = "ours"
    flip: bool = False
    centre: bool | None = None
    skeleton: Skeleton | None = None
    batch: int = 16


@dataclass(frozen=True)
class EvaluationPlan:
    """A protocol with every choice resolved for a model and its data.

    Attributes:
        recordings: The recordings to evaluate on.
        keypoints: The 2D poses to give the model.
        skeleton: The order of the model's joints.
        centre: Whether the model predicts only the centre of a clip.
        counting: Whether frames count ``"ours"`` or the ``"published"`` way.
        flip: Average with the mirrored pass.
        batch: Clips per forward pass.
    """

    recordings: Recordings
    keypoints: str
    skeleton: Skeleton
    centre: bool
    counting: Counting
    flip: bool
    batch: int


def planned(protocol: Protocol, model: PoseModel, recordings: Recordings) -> EvaluationPlan:
    """Resolve a protocol's open choices, and refuse impossible ones before any work is done.

    Raises:
        DataError: The recordings lack the split, the subjects or the 2D poses.
        ModelError: The model cannot be evaluated this way.
    """
    card = model.card
    skeleton = get_skeleton(protocol.skeleton or card.skeleton)
    if protocol.batch < 1:
        raise ModelError(f"batch must be 1 or more, not {protocol.batch}")
    if protocol.counting not in ("ours", "published"):
        raise DataError(f"counting must be ours or published, not {protocol.counting!r}")
    if model.inputs not in (2, 3):
        raise ModelError(f"expected a model that takes x, y or x, y, score; this one takes {model.inputs} inputs")
    if card.coordinates == "person" and skeleton != H36M_17:
        raise ModelError(f"a model of person coordinates needs the joints of {H36M_17.name}, not of {skeleton.name}")
    if isinstance(model, Funnel) and protocol.centre is False:
        raise ModelError("a funnel predicts one frame per clip: leave out centre=False, or give its backbone")
    centre = protocol.centre
    if centre is None:
        centre = isinstance(model, Funnel) or card.answers == "centre"
    split = protocol.split
    if split is None and protocol.subjects is None and any(recording.splits for recording in recordings):
        split = "test"
    chosen = recordings.split(subjects=protocol.subjects, splits=None if split is None else [split])
    return EvaluationPlan(
        recordings=chosen,
        keypoints=_keypoints(card.keypoints, chosen, protocol.keypoints),
        skeleton=skeleton,
        centre=centre,
        counting=protocol.counting,
        flip=protocol.flip,
        batch=protocol.batch,
    )


def _keypoints(trained: str, chosen: Recordings, wanted: str | None) -> str:
    """The 2D poses to use: the requested ones, those the model was trained on, or the only ones there are."""
    common = [source for source in chosen.sources if all(source in recording.sources for recording in chosen)]
    listed = ", ".join(common) or "none that all of these recordings share"
    if wanted is None and trained and trained not in common:
        raise DataError(
            f"the model was trained on the 2D poses {trained!r}, and {chosen.folder} has {listed}; choose with "
            "--keypoints (keypoints=)"
        )
    if wanted is None and not trained and len(common) != 1:
        raise DataError(f"{chosen.folder} has the 2D poses {listed}; choose with --keypoints (keypoints=)")
    source = wanted or trained or common[0]
    if source not in common:
        raise DataError(f"{chosen.folder} has no 2D poses {source!r} for all of these recordings; it has {listed}")
    return source
