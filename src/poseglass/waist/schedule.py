"""Schedules: turn the arguments `keep` and `at` into a checked number of frames for each pruned layer."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real

import torch

from poseglass.errors import ModelError
from poseglass.models import PoseTransformer, create_model

__all__ = ["Keep", "build_for_schedule", "check_schedule", "frame_range", "rescheduled", "scheduled"]

# Frames to keep: a count, a share of the clip, or a pyramid `{layer: count or share}`.
Keep = int | float | Mapping[int, int | float]


def scheduled(
    model: PoseTransformer | str, keep: Keep, at: int | None, frames: int | None
) -> tuple[PoseTransformer, dict[int, int]]:
    """The backbone and the schedule ``{layer: frames}`` that the arguments of :func:`poseglass.hourglass` describe.

    Frames may be given as a count, a share of the clip or a pyramid; the backbone may be the name of a size.

    Raises:
        ModelError: The arguments contradict each other, or a share is not above 0 and at most 1.
    """
    if isinstance(keep, Mapping):
        if at is not None:
            raise ModelError("keep names the layers itself; leave out at=")
        stages = dict(keep)
    elif at is None:
        raise ModelError("give the layer before which to prune, such as at=3, or give keep={layer: frames}")
    else:
        stages = {at: keep}
    if isinstance(model, str):
        name = model
        return build_for_schedule(lambda lengths: create_model(name, frames=lengths), stages, frames)
    if frames is not None:
        raise ModelError(
            f"frames= is only for a model given by name; this {type(model).__name__} already has {model.frames} frames"
        )
    return model, _counts(stages, model)


def build_for_schedule(
    build: Callable[[int | Sequence[int] | None], PoseTransformer],
    stages: Mapping[int, int | float],
    frames: int | None,
) -> tuple[PoseTransformer, dict[int, int]]:
    """Build a backbone that can run a schedule. If its layers take fixed numbers of frames, they match the schedule.

    Args:
        build: Builds the backbone, given a number of frames for all layers or one for each.
        stages: Frames to keep, ``{layer: count or share}``.
        frames: Frames of a clip; the backbone's default if None.

    Returns:
        The backbone, and the schedule with shares converted to counts.

    Raises:
        ModelError: The schedule does not fit the backbone.
    """
    with torch.device("meta"):  # sizes only, no weights
        outline = build(frames)
    schedule = _counts(stages, outline)
    if outline.lengths is None:
        return build(frames), schedule
    _check_order(schedule, outline)
    return build(_lengths(schedule, outline)), schedule


def rescheduled(schedule: Mapping[int, int], keep: Keep, backbone: PoseTransformer) -> dict[int, int]:
    """A schedule that prunes before the same layers and keeps other numbers of frames.

    Args:
        schedule: ``{layer: frames}``.
        keep: The frames that the first stage keeps, a count or a share of the clip; later stages keep their proportion
            to it. Or ``{layer: count or share}`` for every layer of the schedule.
        backbone: The network.

    Raises:
        ModelError: `keep` names other layers, is out of range, or the backbone's layers are built for fixed numbers of
            frames.

    Example:
        >>> from poseglass.models import create_model
        >>> rescheduled({1: 9, 2: 6}, 18, create_model("mixste-tiny", frames=27))
        {1: 18, 2: 12}
    """
    if isinstance(keep, Mapping):
        if {*keep} != {*schedule}:
            raise ModelError(f"the waist prunes before layers {[*schedule]}, so keep must name these, not {[*keep]}")
        changed = _counts({layer: keep[layer] for layer in schedule}, backbone)
    else:
        at, before = next(iter(schedule.items()))
        first = _counts({at: keep}, backbone)[at]
        changed = {layer: max(round(frames * first / before), min(first, 1)) for layer, frames in schedule.items()}
    if backbone.lengths is not None and changed != {**schedule}:
        raise ModelError(
            f"the layers of this {type(backbone).__name__} are built for fixed numbers of frames, {dict(schedule)}, so "
            f"the same weights cannot keep {changed}"
        )
    _check_order(changed, backbone)
    return changed


def frame_range(shares: Sequence[float], frames: int) -> range:
    """The numbers of frames between two shares of a clip, both included; each is at least 1.

    Example:
        >>> frame_range((0.1, 1.0), 81)
        range(8, 82)
    """
    least, most = (max(round(share * frames), 1) for share in shares)
    return range(least, most + 1)


def check_schedule(schedule: Mapping[int, int], backbone: PoseTransformer) -> None:
    """Raise :class:`ModelError` unless the backbone can run the schedule."""
    _check_order(schedule, backbone)
    if backbone.lengths is None or [*backbone.lengths] == (needed := _lengths(schedule, backbone)):
        return
    raise ModelError(
        f"this {type(backbone).__name__} has layers for {[*backbone.lengths]} frames, but the schedule "
        f"{dict(schedule)} needs {needed}: build it with frames={needed}, or give the model's name instead"
    )


def _counts(stages: Mapping[int, int | float], backbone: PoseTransformer) -> dict[int, int]:
    """The stages with shares of the clip (floats) converted to numbers of frames."""
    return {layer: _count(layer, keep, backbone.frames) for layer, keep in stages.items()}


def _count(layer: object, keep: object, frames: int) -> int:
    if not isinstance(layer, Integral):
        raise ModelError(f"a layer must be a whole number, not {layer!r}")
    if isinstance(keep, bool) or not isinstance(keep, Real):  # numpy's numbers count as these, too
        raise ModelError(f"frames to keep are a count (an int) or a share of the clip (a float), not {keep!r}")
    if isinstance(keep, Integral):
        return int(keep)
    share = float(keep)
    if not 0 < share <= 1:
        raise ModelError(f"a share of the clip must be above 0 and at most 1, not {keep}; to keep a count, give an int")
    return round(share * frames)


def _lengths(schedule: Mapping[int, int], backbone: PoseTransformer) -> list[int]:
    """The number of frames that each layer gets."""
    lengths = [backbone.frames]
    for layer in range(1, backbone.depth):
        lengths.append(schedule.get(layer, lengths[-1]))
    return lengths


def _check_order(schedule: Mapping[int, int], backbone: PoseTransformer) -> None:
    if not schedule:
        raise ModelError("the schedule is empty; give at least one {layer: frames kept}")
    previous = backbone.frames
    for number, (layer, keep) in enumerate(schedule.items()):
        if not 1 <= layer < backbone.depth:
            raise ModelError(
                f"{type(backbone).__name__} can be pruned before its layers 1 to {backbone.depth - 1}, not {layer}"
            )
        if number and layer <= list(schedule)[number - 1]:
            raise ModelError(f"the layers of a schedule must increase, got {dict(schedule)}")
        if not 1 <= keep <= previous:
            raise ModelError(f"layer {layer} can keep 1 to {previous} frames, not {keep}")
        previous = keep
