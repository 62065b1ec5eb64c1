"""A backbone under a schedule: which frames go on from which layer, as a user says it and as it is run."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseglass._shapes import Indices, Pose2D, Received
from poseglass.errors import ModelError
from poseglass.models import PoseTransformer, create_model
from poseglass.waist._base import Pruner
from poseglass.waist.select import take

__all__ = ["check_schedule", "narrowed", "planned", "planned_by"]


def planned(
    model: PoseTransformer | str, keep: int | float | Mapping[int, int | float], at: int | None, frames: int | None
) -> tuple[PoseTransformer, dict[int, int]]:
    """The backbone and ``{layer: frames}`` of what :func:`poseglass.hourglass` takes.

    Frames may be given as a count, a share of the clip, or a pyramid of them; the backbone as the name of a size.
    """
    if isinstance(keep, Mapping):
        if at is not None:
            raise ModelError("keep names the layers itself; leave out at=")
        stages = dict(keep)
    elif at is None:
        raise ModelError("say before which layer to prune, such as at=3, or give keep={layer: frames}")
    else:
        stages = {at: keep}
    if isinstance(model, str):
        name = model
        return planned_by(lambda lengths: create_model(name, frames=lengths), stages, frames)
    if frames is not None:
        raise ModelError(f"frames= goes with the name of a size; this {type(model).__name__} has {model.frames} frames")
    return model, _counts(stages, model)


def planned_by(
    build: Callable[[int | Sequence[int] | None], PoseTransformer],
    stages: Mapping[int, int | float],
    frames: int | None,
) -> tuple[PoseTransformer, dict[int, int]]:
    """The same of a function that builds the backbone for so many frames, in all or for each layer."""
    with torch.device("meta"):  # sizes, and no weights
        plan = build(frames)
    schedule = _counts(stages, plan)
    if plan.lengths is None:
        return build(frames), schedule
    _check_order(schedule, plan)
    return build(_lengths(schedule, plan)), schedule


def _counts(stages: Mapping[int, int | float], backbone: PoseTransformer) -> dict[int, int]:
    """Shares of the clip, floats, as frames."""
    for keep in stages.values():
        if isinstance(keep, float) and not 0 < keep <= 1:
            raise ModelError(
                f"a share of the clip is above 0 and at most 1, not {keep}; give a count as a whole number"
            )
    return {layer: round(keep * backbone.frames) if isinstance(keep, float) else keep for layer, keep in stages.items()}


def _lengths(schedule: Mapping[int, int], backbone: PoseTransformer) -> list[int]:
    """Frames that each layer gets."""
    lengths = [backbone.frames]
    for layer in range(1, backbone.depth):
        lengths.append(schedule.get(layer, lengths[-1]))
    return lengths


def check_schedule(schedule: Mapping[int, int], backbone: PoseTransformer) -> None:
    """Raises :class:`ModelError` unless the backbone can be run under the schedule."""
    _check_order(schedule, backbone)
    if backbone.lengths is None or [*backbone.lengths] == (needed := _lengths(schedule, backbone)):
        return
    raise ModelError(
        f"this {type(backbone).__name__} has layers for {[*backbone.lengths]} frames, but the schedule "
        f"{dict(schedule)} needs {needed}: build it with frames={needed}, or give the name of a size instead of a model"
    )


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
            raise ModelError(f"the layers of a schedule must rise, got {dict(schedule)}")
        if not 1 <= keep <= previous:
            raise ModelError(f"layer {layer} can keep 1 to {previous} frames, not {keep}")
        previous = keep


def narrowed(
    backbone: PoseTransformer,
    schedule: Mapping[int, int],
    pruner: Pruner,
    pose2d: Pose2D,
    *,
    kept: Mapping[int, Indices] | None = None,
    always: int | None = None,
    embedding: nn.ParameterDict | None = None,
) -> tuple[Float[Tensor, "b _ s c"], dict[int, Indices]]:
    """The last layer's tokens (b k c), and the frames that each stage of the schedule kept."""
    backbone.check(pose2d)
    if kept is not None:
        kept = {layer: indices.long() for layer, indices in kept.items()}
        _check_kept(kept, schedule, backbone.frames, pose2d.shape[0], always)
    tokens = backbone.embed(pose2d)
    now = torch.arange(backbone.frames, device=pose2d.device).expand(pose2d.shape[0], -1)
    stages: dict[int, Indices] = {}
    received: Received | None = None
    for layer in range(backbone.depth):
        if layer in schedule:
            if kept is None:
                # A frame is what its hypotheses say together, or its joints say on average.
                seen = tokens.flatten(2)[:, :, None] if backbone.slots == "hypotheses" else tokens
                place = None if always is None else (now == always).int().argmax(1)
                asked = {} if received is None else {"attention": _attention(received, layer, backbone, pruner)}
                there = take(pose2d, now) if stages else pose2d
                chosen = pruner(seen, there, keep=schedule[layer], always=place, **asked)
                now = take(now, chosen)
            else:
                chosen = torch.searchsorted(now.contiguous(), kept[layer].contiguous())
                now = kept[layer]
            stages[layer], tokens = now, take(tokens, chosen)
            if embedding is not None:
                tokens = tokens + embedding[str(layer)]
        received = [] if pruner.needs_attention and kept is None and layer + 1 in schedule else None
        tokens = backbone.layer(layer, tokens) if received is None else backbone.layer(layer, tokens, received)
    return tokens, stages


def _attention(received: Received, layer: int, backbone: PoseTransformer, pruner: Pruner) -> Float[Tensor, "b f"]:
    """How much attention each frame received in the layer before, in the mean of that layer's temporal attentions."""
    if not received:
        raise ModelError(
            f"{type(pruner).__name__} asks where the attention before layer {layer} went, but layer {layer - 1} of "
            f"{type(backbone).__name__} has no temporal attention that tells; prune before another layer, or otherwise"
        )
    return torch.stack(received).mean(0)


def _check_kept(
    kept: Mapping[int, Indices], schedule: Mapping[int, int], frames: int, clips: int, always: int | None
) -> None:
    expected = {layer: (clips, keep) for layer, keep in schedule.items()}
    got = {layer: tuple(indices.shape) for layer, indices in kept.items()}
    if got != expected:
        raise ModelError(f"kept must hold indices of shapes {expected} ({{layer: (clips, frames)}}), got {got}")
    within: Indices | None = None
    for layer, indices in sorted(kept.items()):
        if bool((indices < 0).any() or (indices >= frames).any() or (indices.diff(dim=1) <= 0).any()):
            raise ModelError(f"kept[{layer}] must rise strictly and stay within 0..{frames - 1}")
        if within is not None and not all(bool(torch.isin(a, b).all()) for a, b in zip(indices, within)):  # noqa: B905
            raise ModelError(f"kept[{layer}] names frames that an earlier layer had dropped")
        if always is not None and not bool((indices == always).any(1).all()):
            raise ModelError(f"kept[{layer}] must hold frame {always}, which is always kept")
        within = indices
