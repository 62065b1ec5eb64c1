"""The waist: a backbone whose middle layers see only some of the frames.

Li et al., "Hourglass Tokenizer for Efficient Transformer-Based 3D Human Pose Estimation" (HoT), CVPR 2024, and
"H2OT", TPAMI 2025: prune frames before a layer, recover them all at the end. :class:`Hourglass` owns the backbone and
never changes it; `hourglass.backbone` takes the waist off again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from poseglass._shapes import Indices, Pose2D, Pose3D
from poseglass.errors import ModelError
from poseglass.models import PoseTransformer, create_model
from poseglass.tokens import PRUNERS, RECOVERERS, Pruner, Recoverer
from poseglass.tokens.select import take

__all__ = ["Hourglass", "Trace", "hourglass"]


@dataclass(frozen=True)
class Trace:
    """What a forward pass made and which frames it kept.

    Attributes:
        pose3d: The poses (b f j 3).
        kept: For each layer before which frames were pruned, the indices of the kept ones in the clip (b k).
    """

    pose3d: Pose3D
    kept: dict[int, Indices]


@final
class Hourglass(nn.Module):
    """A backbone with a waist, full length out.

    Most users want :func:`hourglass`, which takes names and numbers.

    Args:
        backbone: The network to wrap; it is used, not copied, and not changed.
        schedule: ``{layer: frames kept from that layer on}``, layers rising, frames falling.
        pruner: Chooses the frames.
        recoverer: Brings them back.

    Raises:
        ModelError: The schedule does not fit the backbone.
    """

    def __init__(
        self, backbone: PoseTransformer, *, schedule: Mapping[int, int], pruner: Pruner, recoverer: Recoverer
    ) -> None:
        super().__init__()
        _check_schedule(schedule, backbone)
        _check_lengths(schedule, backbone)
        self.backbone = backbone
        self.schedule = dict(schedule)
        self.pruner = pruner
        self.recoverer = recoverer
        # What HoT adds to the kept tokens of each stage, the same for every joint; zero at initialisation.
        self.kept_embedding = nn.ParameterDict(
            {str(layer): nn.Parameter(torch.zeros(1, keep, 1, backbone.dim)) for layer, keep in schedule.items()}
        )

    @property
    def frames(self) -> int:
        """Frames of a clip, the backbone's."""
        return self.backbone.frames

    @property
    def inputs(self) -> int:
        """Coordinates of an input joint, the backbone's."""
        return self.backbone.inputs

    def own_parameters(self) -> Iterator[nn.Parameter]:
        """The waist's parameters without the backbone's."""
        inherited = {id(parameter) for parameter in self.backbone.parameters()}
        return (parameter for parameter in self.parameters() if id(parameter) not in inherited)

    def forward(self, pose2d: Pose2D) -> Pose3D:
        """Root-relative 3D poses (b f j 3) of 2D poses (b f j i), one for every frame."""
        return self.trace(pose2d).pose3d

    def trace(self, pose2d: Pose2D, *, kept: Mapping[int, Indices] | None = None) -> Trace:
        """The forward pass, and the frames that it kept.

        Args:
            pose2d: 2D poses (b f j i).
            kept: Frames to keep instead of choosing anew, as another trace returned them: the mirrored pass of
                flip averaging keeps the frames of the plain pass.

        Raises:
            ModelError: The input is of another shape, or `kept` does not follow the schedule.
        """
        self.backbone.check(pose2d)
        if kept is not None:
            kept = {layer: indices.long() for layer, indices in kept.items()}
            self._check_kept(kept, len(pose2d))
        tokens = self.backbone.embed(pose2d)
        now = torch.arange(self.frames, device=pose2d.device).expand(len(pose2d), -1)
        stages: dict[int, Indices] = {}
        for layer in range(self.backbone.depth):
            if layer in self.schedule:
                if kept is None:
                    chosen = self.pruner(tokens, pose2d, keep=self.schedule[layer])
                    stages[layer] = take(now, chosen)
                else:
                    stages[layer] = kept[layer]
                    chosen = torch.searchsorted(now.contiguous(), kept[layer].contiguous())
                now, pose2d = stages[layer], take(pose2d, chosen)
                tokens = take(tokens, chosen) + self.kept_embedding[str(layer)]
            tokens = self.backbone.layer(layer, tokens)
        if self.recoverer.acts_on == "tokens":
            pose3d = self.backbone.head(self.recoverer(tokens, now, frames=self.frames))
        else:
            pose3d = self.recoverer(self.backbone.head(tokens), now, frames=self.frames)
        return Trace(pose3d, stages)

    def _check_kept(self, kept: Mapping[int, Indices], clips: int) -> None:
        expected = {layer: (clips, keep) for layer, keep in self.schedule.items()}
        got = {layer: tuple(indices.shape) for layer, indices in kept.items()}
        if got != expected:
            raise ModelError(f"kept must hold indices of shapes {expected} ({{layer: (clips, frames)}}), got {got}")
        within: Indices | None = None
        for layer, indices in sorted(kept.items()):
            if bool((indices < 0).any() or (indices >= self.frames).any() or (indices.diff(dim=1) <= 0).any()):
                raise ModelError(f"kept[{layer}] must rise strictly and stay within 0..{self.frames - 1}")
            if within is not None and not all(bool(torch.isin(a, b).all()) for a, b in zip(indices, within)):  # noqa: B905
                raise ModelError(f"kept[{layer}] names frames that an earlier layer had dropped")
            within = indices


def _check_schedule(schedule: Mapping[int, int], backbone: PoseTransformer) -> None:
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


def _lengths(schedule: Mapping[int, int], backbone: PoseTransformer) -> list[int]:
    """Frames that each layer gets."""
    lengths = [backbone.frames]
    for layer in range(1, backbone.depth):
        lengths.append(schedule.get(layer, lengths[-1]))
    return lengths


def _check_lengths(schedule: Mapping[int, int], backbone: PoseTransformer) -> None:
    if backbone.lengths is None or [*backbone.lengths] == (needed := _lengths(schedule, backbone)):
        return
    name = type(backbone).__name__
    raise ModelError(
        f"this {name} has layers for {[*backbone.lengths]} frames, but the schedule {dict(schedule)} needs {needed}: "
        f"build it with frames={needed}, or give hourglass() the name of a size instead of a model"
    )


def _counts(stages: Mapping[int, int | float], backbone: PoseTransformer) -> dict[int, int]:
    """Shares of the clip, floats, as frames."""
    return {layer: round(keep * backbone.frames) if isinstance(keep, float) else keep for layer, keep in stages.items()}


def _named(name: str, frames: int | None, stages: Mapping[int, int | float]) -> PoseTransformer:
    """A new backbone of a named size, each layer for the frames that it will get."""
    with torch.device("meta"):  # sizes, and no weights
        plan = create_model(name, frames=frames)
    if plan.lengths is None:
        return create_model(name, frames=frames)
    schedule = _counts(stages, plan)
    _check_schedule(schedule, plan)
    return create_model(name, frames=_lengths(schedule, plan))


def hourglass(
    model: PoseTransformer | str,
    *,
    keep: int | float | Mapping[int, int | float],
    at: int | None = None,
    prune: str | Pruner = "density",
    recover: str | Recoverer = "attention",
    frames: int | None = None,
) -> Hourglass:
    """Give a backbone a waist.

    Args:
        model: The backbone, wrapped and not copied, or a name that :func:`poseglass.create_model` knows: then it is
            built, each layer for the frames that it will get where that matters (MotionAGFormer).
        keep: Frames to keep, as a count or as a share of the clip (a float up to 1.0), or a pyramid of them,
            ``{layer: keep}`` (H2OT).
        at: The layer before which to prune; required unless `keep` is a pyramid.
        prune: Name in ``PRUNERS`` or a pruner: ``"density"`` (the paper's TPC) or ``"uniform"`` (TPS).
        recover: Name in ``RECOVERERS`` or a recoverer: ``"attention"`` (TRA) or ``"interpolate"`` (TRI).
        frames: Frames of a clip, where `model` is a name; the size's own default where None.

    Raises:
        ModelError: Something does not fit; the message says what would.

    Example:
        >>> import torch, poseglass as pg
        >>> model = pg.create_model("mixste-tiny", frames=27)
        >>> fast = pg.hourglass(model, keep=9, at=1)
        >>> fast(torch.zeros(1, 27, 17, 2)).shape, fast.backbone is model
        (torch.Size([1, 27, 17, 3]), True)
        >>> pg.hourglass("motionagformer-tiny", keep=9, at=1).backbone.lengths
        (27, 9, 9)
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
        model = _named(model, frames, stages)
    elif frames is not None:
        raise ModelError(f"frames= goes with the name of a size; this {type(model).__name__} has {model.frames} frames")
    schedule = _counts(stages, model)
    if isinstance(prune, str):
        if prune not in PRUNERS:
            raise ModelError(f"no pruner is called {prune!r}; there are {', '.join(PRUNERS)}")
        prune = PRUNERS[prune]()
    if isinstance(recover, str):
        if recover not in RECOVERERS:
            raise ModelError(f"no recoverer is called {recover!r}; there are {', '.join(RECOVERERS)}")
        recover = RECOVERERS[recover](model.dim, model.frames, model.heads, model.bias)
    return Hourglass(model, schedule=schedule, pruner=prune, recoverer=recover)
