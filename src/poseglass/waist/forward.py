"""The forward pass of a backbone that drops frames according to a schedule."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass._shapes import Indices, Pose2D, Received, Tokens
from poseglass.errors import ModelError
from poseglass.models import PoseTransformer
from poseglass.waist._base import Pruner
from poseglass.waist.prune import PRUNERS
from poseglass.waist.select import take

__all__ = ["forward_pruned"]


def forward_pruned(
    backbone: PoseTransformer,
    schedule: Mapping[int, int],
    pruner: Pruner,
    pose2d: Pose2D,
    *,
    kept: Mapping[int, Indices] | None = None,
    always: int | None = None,
    embedding: Mapping[int, Tensor] | None = None,
) -> tuple[Float[Tensor, "b _ s c"], dict[int, Indices]]:
    """Embed clips and run all layers, dropping frames before the layers that the schedule names.

    Args:
        backbone: The network.
        schedule: ``{layer: frames kept from that layer on}``.
        pruner: Chooses the frames. It is not called for a stage that keeps all of its frames.
        pose2d: 2D poses (b f j i).
        kept: Frames to keep in place of the pruner's choice, ``{layer: indices in the clip (b k)}``.
        always: The index of a frame that every stage keeps.
        embedding: ``{layer: embedding (1 k 1 c)}``, added to the kept tokens of each stage.

    Returns:
        The last layer's tokens (b k s c), and for each stage the indices in the clip of the kept frames.

    Raises:
        ModelError: The shape of the input, `kept` or the pruner's choice is invalid.
    """
    backbone.check(pose2d)
    if kept is not None:
        kept = {layer: indices.long() for layer, indices in kept.items()}
        _check_kept(kept, schedule, backbone.frames, pose2d.shape[0], always)
    tokens = backbone.embed(pose2d)
    remaining = torch.arange(backbone.frames, device=pose2d.device).expand(pose2d.shape[0], -1)  # b f
    stages: dict[int, Indices] = {}
    received: Received | None = None
    for layer in range(backbone.depth):
        if layer in schedule:
            if kept is not None:
                chosen = torch.searchsorted(remaining.contiguous(), kept[layer].contiguous())
                remaining, tokens = kept[layer], take(tokens, chosen)  # b k s c
            elif schedule[layer] < tokens.shape[1]:
                poses = take(pose2d, remaining) if stages else pose2d
                place = None if always is None else (remaining == always).int().argmax(1)
                attention = None if received is None else _attention(received, layer, backbone, pruner)
                chosen = _choose(
                    pruner, backbone, tokens, poses, keep=schedule[layer], always=place, attention=attention
                )
                remaining, tokens = take(remaining, chosen), take(tokens, chosen)  # b k s c
            stages[layer] = remaining
            if embedding is not None:
                tokens = tokens + embedding[layer]
        received = [] if pruner.needs_attention and kept is None and layer + 1 in schedule else None
        tokens = backbone.layer(layer, tokens) if received is None else backbone.layer(layer, tokens, received)
    return tokens, stages


def _choose(
    pruner: Pruner,
    backbone: PoseTransformer,
    tokens: Tokens,
    pose2d: Pose2D,
    *,
    keep: int,
    always: Tensor | None,
    attention: Float[Tensor, "b f"] | None,
) -> Indices:
    """Run the pruner, and check the frames it chooses."""
    # A frame is represented by its joints, or by its hypotheses concatenated into one slot.
    features = tokens.flatten(2)[:, :, None] if backbone.slots == "hypotheses" else tokens  # b f s c
    extra = {} if attention is None else {"attention": attention}
    chosen: Tensor = pruner(features, pose2d, keep=keep, always=always, **extra)
    name, advice = type(pruner).__name__, "poseglass.testing.check_pruner finds out why"
    if chosen.shape != (tokens.shape[0], keep) or chosen.dtype not in (torch.int64, torch.int32):
        raise ModelError(
            f"{name} should return whole numbers (clips, frames) of shape {(tokens.shape[0], keep)} and returned "
            f"{chosen.dtype} {tuple(chosen.shape)}; {advice}"
        )
    # Tests cover our own pruners. Reading values would wait for a GPU, and a compiled graph cannot read them.
    trusted = type(pruner) in PRUNERS.values() or torch.compiler.is_compiling()
    if not trusted and bool((chosen < 0).any() or (chosen >= tokens.shape[1]).any() or (chosen.diff(dim=1) <= 0).any()):
        raise ModelError(f"{name} should return increasing indices within 0..{tokens.shape[1] - 1}; {advice}")
    if not trusted and always is not None and not bool((chosen == always[:, None]).any(1).all()):
        raise ModelError(f"{name} should keep the frame `always` and dropped it; {advice}")
    return chosen


def _attention(received: Received, layer: int, backbone: PoseTransformer, pruner: Pruner) -> Float[Tensor, "b f"]:
    """The share of attention that each frame received in the previous layer, averaged over its temporal attentions."""
    if not received:
        raise ModelError(
            f"{type(pruner).__name__} needs the attention of layer {layer - 1}, but that layer of "
            f"{type(backbone).__name__} reports none: it has no temporal attention. Prune before another layer, or "
            "choose another pruner"
        )
    return torch.stack(received).mean(0)


def _check_kept(
    kept: Mapping[int, Indices], schedule: Mapping[int, int], frames: int, clips: int, always: int | None
) -> None:
    expected = {layer: (clips, keep) for layer, keep in schedule.items()}
    got = {layer: tuple(indices.shape) for layer, indices in kept.items()}
    if got != expected:
        raise ModelError(f"kept must hold indices of shapes {expected} ({{layer: (clips, frames)}}), got {got}")
    if torch.compiler.is_compiling():
        return  # a graph cannot read values
    outer: Indices | None = None
    for layer, indices in sorted(kept.items()):
        if bool((indices < 0).any() or (indices >= frames).any() or (indices.diff(dim=1) <= 0).any()):
            raise ModelError(f"kept[{layer}] must be strictly increasing and stay within 0..{frames - 1}")
        if outer is not None and not all(bool(torch.isin(a, b).all()) for a, b in zip(indices, outer)):  # noqa: B905
            raise ModelError(f"kept[{layer}] must be a subset of the frames that the previous stage keeps")
        if always is not None and not bool((indices == always).any(1).all()):
            raise ModelError(f"kept[{layer}] must contain frame {always}, which is always kept")
        outer = indices
