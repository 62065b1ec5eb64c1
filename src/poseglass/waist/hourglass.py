"""The waist: a backbone whose middle layers see only some of the frames.

Li et al., "Hourglass Tokenizer for Efficient Transformer-Based 3D Human Pose Estimation" (HoT), CVPR 2024, and
"H2OT", TPAMI 2025: prune frames before a layer, and recover them all at the end (:class:`Hourglass`) or answer for the
kept ones only (:class:`Funnel`). Both own the backbone and never change it; `.backbone` takes the waist off again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseglass._shapes import Indices, Pose2D, Pose3D
from poseglass.errors import ModelError
from poseglass.models import Card, PoseTransformer
from poseglass.models.card import shallow_copy
from poseglass.waist._base import Pruner, Recoverer
from poseglass.waist.forward import forward_pruned
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS
from poseglass.waist.schedule import check_schedule, scheduled

__all__ = ["Funnel", "Hourglass", "Model", "PoseModel", "Trace", "backbone_of", "funnel", "hourglass"]


@dataclass(frozen=True)
class Trace:
    """What a forward pass made and which frames it kept.

    Attributes:
        pose3d: The poses (b f j 3); of a funnel those of the last layer's frames (b k j 3).
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
        check_schedule(schedule, backbone)
        _check_part(pruner, Pruner)
        _check_part(recoverer, Recoverer)
        if reason := recoverer.fits(backbone):
            raise ModelError(f"{type(recoverer).__name__} does not fit {type(backbone).__name__}: {reason}")
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

    @property
    def card(self) -> Card:
        """What the weights were trained for: the backbone's card."""
        return self.backbone.card

    def with_card(self, card: Card) -> "Hourglass":
        """The same network with another card: it shares this one's parameters and layers."""
        twin = shallow_copy(self)
        twin.backbone = self.backbone.with_card(card)
        return twin

    def own_parameters(self) -> Iterator[nn.Parameter]:
        """The waist's parameters without the backbone's."""
        inherited = {id(parameter) for parameter in self.backbone.parameters()}
        return (parameter for parameter in self.parameters() if id(parameter) not in inherited)

    def init_sinusoidal(self, generator: torch.Generator | None = None) -> None:
        """Set initial weights that learn fast; see :meth:`PoseTransformer.init_sinusoidal`."""
        self.backbone.init_sinusoidal(generator)
        self.recoverer.init_sinusoidal()

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
        tokens, stages = forward_pruned(
            self.backbone, self.schedule, self.pruner, pose2d, kept=kept, embedding=self.kept_embedding
        )
        last = stages[max(stages)]
        if self.recoverer.acts_on == "tokens":
            pose3d = self.backbone.head(self._recover(tokens, last))
        else:
            pose3d = self._recover(self.backbone.head(tokens), last)
        return Trace(pose3d, stages)

    def _recover(self, x: Float[Tensor, "b k s c"], kept: Indices) -> Float[Tensor, "b f s c"]:
        full: Tensor = self.recoverer(x, kept, frames=self.frames)
        if full.shape != (due := (x.shape[0], self.frames, *x.shape[2:])):
            raise ModelError(
                f"{type(self.recoverer).__name__} should bring {x.shape[1]} frames back to {self.frames}, shape "
                f"{tuple(due)}, and returned {tuple(full.shape)}; poseglass.testing.check_recoverer finds out why"
            )
        return full


@final
class Funnel(nn.Module):
    """A backbone that goes on with some frames and answers for them alone: seq2frame use, for one frame's sake.

    It has no weights of its own, so a published TPC checkpoint is that of its backbone. Most users want :func:`funnel`.

    Args:
        backbone: The network to wrap; it is used, not copied, and not changed.
        schedule: ``{layer: frames kept from that layer on}``, layers rising, frames falling.
        pruner: Chooses the frames.
        always: The frame that is asked for: every stage keeps it and counts it.

    Raises:
        ModelError: The schedule does not fit the backbone, or the clip has no such frame.
    """

    def __init__(self, backbone: PoseTransformer, *, schedule: Mapping[int, int], pruner: Pruner, always: int) -> None:
        super().__init__()
        check_schedule(schedule, backbone)
        _check_part(pruner, Pruner)
        if not 0 <= always < backbone.frames:
            raise ModelError(f"always is a frame of the clip, from 0 to {backbone.frames - 1}, not {always}")
        self.backbone = backbone
        self.frames, self.inputs = backbone.frames, backbone.inputs
        self.schedule = dict(schedule)
        self.pruner = pruner
        self.always = always

    @property
    def card(self) -> Card:
        """What the weights were trained for: the backbone's card."""
        return self.backbone.card

    def with_card(self, card: Card) -> "Funnel":
        """The same network with another card: it shares this one's parameters and layers."""
        twin = shallow_copy(self)
        twin.backbone = self.backbone.with_card(card)
        return twin

    def init_sinusoidal(self, generator: torch.Generator | None = None) -> None:
        """Set initial weights that learn fast; see :meth:`PoseTransformer.init_sinusoidal`."""
        self.backbone.init_sinusoidal(generator)

    def forward(self, pose2d: Pose2D) -> Float[Tensor, "b k j 3"]:
        """Root-relative 3D poses (b k j 3) of 2D poses (b f j i), one for every kept frame."""
        return self.trace(pose2d).pose3d

    def trace(self, pose2d: Pose2D, *, kept: Mapping[int, Indices] | None = None) -> Trace:
        """The poses (b k j 3) of the kept frames, and which they are; see :meth:`Hourglass.trace`."""
        tokens, stages = forward_pruned(
            self.backbone, self.schedule, self.pruner, pose2d, kept=kept, always=self.always
        )
        return Trace(self.backbone.head(tokens), stages)


# A backbone with or without a waist: what `poseglass.load` returns.
PoseModel = PoseTransformer | Hourglass | Funnel
Model = PoseModel  # the name until all rooms say PoseModel


def backbone_of(model: PoseModel) -> PoseTransformer:
    """The model without its waist, or the model itself where it has none.

    Example:
        >>> import poseglass as pg
        >>> model = pg.create_model("mixste-tiny")
        >>> backbone_of(pg.hourglass(model, keep=9, at=1)) is backbone_of(model) is model
        True
    """
    return model.backbone if isinstance(model, Hourglass | Funnel) else model


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
        prune: Name in ``PRUNERS`` or a pruner: ``"density"`` (the paper's TPC), ``"attention"`` (TPA), ``"motion"``
            (TPMo) or ``"uniform"`` (TPS).
        recover: Name in ``RECOVERERS`` or a recoverer: ``"attention"`` (TRA), ``"interpolate"`` (TRI) or ``"nearest"``.
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
    model, schedule = scheduled(model, keep, at, frames)
    if isinstance(recover, str):
        if recover not in RECOVERERS:
            raise ModelError(f"no recoverer is called {recover!r}; choose one of {', '.join(RECOVERERS)}")
        recover = RECOVERERS[recover].for_backbone(model)
    return Hourglass(model, schedule=schedule, pruner=_pruner(prune), recoverer=recover)


def funnel(
    model: PoseTransformer | str,
    *,
    keep: int | float | Mapping[int, int | float],
    at: int | None = None,
    always: int | None = None,
    prune: str | Pruner = "density",
    frames: int | None = None,
) -> Funnel:
    """Let a backbone drop frames for good, where one frame's pose is asked for.

    Args:
        model: The backbone or the name of one, as in :func:`hourglass`.
        keep: Frames to keep, as in :func:`hourglass`; `always` is one of them.
        at: The layer before which to prune; required unless `keep` is a pyramid.
        always: The frame that is asked for; the clip's centre where None.
        prune: Name in ``PRUNERS`` or a pruner.
        frames: Frames of a clip, where `model` is a name.

    Raises:
        ModelError: Something does not fit; the message says what would.

    Example:
        >>> import torch, poseglass as pg
        >>> trace = pg.funnel(pg.create_model("mhformer-tiny"), keep=9, at=1).trace(torch.zeros(2, 27, 17, 2))
        >>> trace.pose3d.shape, (trace.kept[1] == 13).any(1)
        (torch.Size([2, 9, 17, 3]), tensor([True, True]))
    """
    model, schedule = scheduled(model, keep, at, frames)
    always = model.frames // 2 if always is None else always
    return Funnel(model, schedule=schedule, pruner=_pruner(prune), always=always)


def _pruner(prune: str | Pruner) -> Pruner:
    if not isinstance(prune, str):
        return prune
    if prune not in PRUNERS:
        raise ModelError(f"no pruner is called {prune!r}; choose one of {', '.join(PRUNERS)}")
    return PRUNERS[prune]()


def _check_part(part: object, kind: type[nn.Module]) -> None:
    if not isinstance(part, kind):
        what = f"the class {part.__name__}" if isinstance(part, type) else repr(part)
        raise ModelError(f"expected a {kind.__name__}, an object of a subclass, got {what}")
