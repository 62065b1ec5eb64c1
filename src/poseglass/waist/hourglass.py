"""The waist: a backbone whose later layers see only some of the frames.

Frames are pruned before a layer. At the end, either all of them are recovered (:class:`Hourglass`), or only the kept
frames get poses (:class:`Funnel`). Both wrap the backbone and never change it; `.backbone` is the original. Li et al.,
"Hourglass Tokenizer for Efficient Transformer-Based 3D Human Pose Estimation" (HoT), CVPR 2024, arXiv 2311.12028, and
"H2OT", TPAMI 2025, arXiv 2509.06956.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseglass._shapes import Indices, Pose2D, Pose3D
from poseglass.errors import ModelError
from poseglass.models import Card, PoseTransformer, devices
from poseglass.models.card import shallow_copy
from poseglass.waist._base import Pruner, Recoverer
from poseglass.waist.forward import forward_pruned
from poseglass.waist.kept_embedding import stretched
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS
from poseglass.waist.schedule import Keep, check_schedule, rescheduled, scheduled

__all__ = ["Funnel", "Hourglass", "PoseModel", "Trace", "backbone_of", "funnel", "hourglass"]


@dataclass(frozen=True)
class Trace:
    """The poses of a forward pass, and the frames it kept.

    Attributes:
        pose3d: The poses (b f j 3); from a funnel, the poses of the kept frames (b k j 3).
        kept: The frames that each stage kept, as indices in the clip (b k): ``{layer: indices}``.
    """

    pose3d: Pose3D
    kept: dict[int, Indices]


@final
class Hourglass(nn.Module):
    """A backbone with a waist: its later layers see only some frames, but all frames get a pose.

    This constructor takes objects. Most users want :func:`hourglass`, which also takes names, shares and counts.

    Args:
        backbone: The network to wrap. It is neither copied nor changed.
        schedule: ``{layer: frames kept from that layer on}``. Layers must increase; numbers of frames must not.
        pruner: Chooses the frames to keep.
        recoverer: Restores the others.
        nominal: The numbers of frames that the learned embedding of kept frames has, for the layers of `schedule`; by
            default those of `schedule`. For other numbers it is interpolated (:meth:`with_keep`).

    Raises:
        ModelError: The schedule or the recoverer does not fit the backbone, or `nominal` does not fit the schedule.

    Example:
        >>> import torch, poseglass as pg
        >>> from poseglass.waist.prune import Uniform
        >>> from poseglass.waist.recover import Nearest
        >>> model = pg.create_model("mixste-tiny")
        >>> fast = Hourglass(model, schedule={1: 9}, pruner=Uniform(), recoverer=Nearest())
        >>> fast(torch.zeros(1, 27, 17, 2)).shape
        torch.Size([1, 27, 17, 3])
    """

    def __init__(
        self,
        backbone: PoseTransformer,
        *,
        schedule: Mapping[int, int],
        pruner: Pruner,
        recoverer: Recoverer,
        nominal: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__()
        check_schedule(schedule, backbone)
        if nominal is not None:
            nominal = rescheduled(schedule, nominal, backbone)
        _check_part(pruner, Pruner)
        _check_part(recoverer, Recoverer)
        if (acts_on := getattr(recoverer, "acts_on", None)) not in ("tokens", "poses"):
            name = type(recoverer).__name__
            raise ModelError(f"{name}.acts_on should be 'tokens' or 'poses', not {acts_on!r}")
        if reason := recoverer.fits(backbone):
            raise ModelError(f"{type(recoverer).__name__} does not fit {type(backbone).__name__}: {reason}")
        self.backbone = backbone
        self.schedule = dict(schedule)
        self.nominal = self.schedule if nominal is None else nominal
        self.pruner = pruner
        self.recoverer = recoverer
        # HoT adds this to the kept tokens of each stage (1 k 1 c), the same for every joint. It is initially zero.
        where = devices.device_of(backbone)
        self.kept_embedding = nn.ParameterDict(
            {
                str(layer): nn.Parameter(torch.zeros(1, keep, 1, backbone.dim, device=where))
                for layer, keep in self.nominal.items()
            }
        )

    @property
    def frames(self) -> int:
        """Frames of a clip."""
        return self.backbone.frames

    @property
    def inputs(self) -> int:
        """Coordinates of an input joint."""
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

    def with_keep(self, keep: Keep) -> "Hourglass":
        """The same network, keeping other numbers of frames before the same layers.

        It shares this one's backbone, pruner, recoverer and parameters: neither pruners nor recoverers have weights
        that depend on the number of kept frames, and the embedding of kept frames is interpolated. How accurate the
        poses are depends on what the weights were trained for (:attr:`poseglass.models.Card.keeps`). If all frames
        are kept, none are chosen, but the recoverer still runs, because the head was trained on its output.

        Args:
            keep: The frames that the first stage keeps: a count, or a share of the clip (a float up to 1.0). Later
                stages keep their proportion to it. Or ``{layer: count or share}`` for every layer that is pruned.

        Raises:
            ModelError: `keep` is out of range or names other layers, or the backbone's layers are built for fixed
                numbers of frames (MotionAGFormer).

        Example:
            >>> import poseglass as pg
            >>> model = pg.hourglass("mixste-tiny", frames=27, keep=9, at=1)
            >>> model.with_keep(0.5).schedule, model.schedule
            ({1: 14}, {1: 9})
        """
        twin = shallow_copy(self)
        twin.schedule = rescheduled(self.nominal, keep, self.backbone)
        return twin

    def own_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of the waist, without the backbone's."""
        inherited = {id(parameter) for parameter in self.backbone.parameters()}
        return (parameter for parameter in self.parameters() if id(parameter) not in inherited)

    def init_sinusoidal(self, generator: torch.Generator | None = None) -> None:
        """Set initial weights that learn fast; see :meth:`PoseTransformer.init_sinusoidal`."""
        self.backbone.init_sinusoidal(generator)
        self.recoverer.init_sinusoidal()

    def forward(self, pose2d: Pose2D) -> Pose3D:
        """Root-relative 3D poses (b f j 3) for 2D poses (b f j i), one for every frame."""
        return self.trace(pose2d).pose3d

    def trace(self, pose2d: Pose2D, *, kept: Mapping[int, Indices] | None = None) -> Trace:
        """Run the forward pass; return the poses and the kept frames.

        Args:
            pose2d: 2D poses (b f j i).
            kept: Frames to keep in place of the pruner's choice, from another trace. In flip averaging, the mirrored
                pass keeps the frames of the plain pass.

        Raises:
            ModelError: The input has the wrong shape, `kept` does not follow the schedule, or the pruner or the
                recoverer returns something invalid.
        """
        embedding = {layer: stretched(self.kept_embedding[str(layer)], keep) for layer, keep in self.schedule.items()}
        tokens, stages = forward_pruned(
            self.backbone, self.schedule, self.pruner, pose2d, kept=kept, embedding=embedding
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
                f"{type(self.recoverer).__name__} should restore {self.frames} frames from {x.shape[1]}, shape "
                f"{tuple(due)}, and returned {tuple(full.shape)}; poseglass.testing.check_recoverer finds out why"
            )
        return full


@final
class Funnel(nn.Module):
    """A backbone that drops frames for good and returns poses for the kept ones: for seq2frame, where one pose counts.

    It has no weights of its own, so a published TPC checkpoint holds only its backbone's. This constructor takes
    objects. Most users want :func:`funnel`, which also takes names, shares and counts.

    Args:
        backbone: The network to wrap. It is neither copied nor changed.
        schedule: ``{layer: frames kept from that layer on}``. Layers must increase; numbers of frames must not.
        pruner: Chooses the frames to keep.
        always: The index of the frame whose pose is wanted. It is one of the frames that every stage keeps.
        nominal: The numbers of frames that the weights were trained with, for the layers of `schedule`; by default
            those of `schedule`. :meth:`with_keep` keeps their proportions.

    Raises:
        ModelError: The schedule does not fit the backbone, `always` is outside the clip, or `nominal` does not fit the
            schedule.

    Example:
        >>> import torch, poseglass as pg
        >>> from poseglass.waist.prune import Uniform
        >>> short = Funnel(pg.create_model("mixste-tiny"), schedule={1: 9}, pruner=Uniform(), always=13)
        >>> short(torch.zeros(1, 27, 17, 2)).shape
        torch.Size([1, 9, 17, 3])
    """

    def __init__(
        self,
        backbone: PoseTransformer,
        *,
        schedule: Mapping[int, int],
        pruner: Pruner,
        always: int,
        nominal: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__()
        check_schedule(schedule, backbone)
        if nominal is not None:
            nominal = rescheduled(schedule, nominal, backbone)
        _check_part(pruner, Pruner)
        if not 0 <= always < backbone.frames:
            raise ModelError(f"always should be a frame of the clip, from 0 to {backbone.frames - 1}, not {always}")
        self.backbone = backbone
        self.frames, self.inputs = backbone.frames, backbone.inputs
        self.schedule = dict(schedule)
        self.nominal = self.schedule if nominal is None else nominal
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

    def with_keep(self, keep: Keep) -> "Funnel":
        """The same network, keeping other numbers of frames; see :meth:`Hourglass.with_keep`."""
        twin = shallow_copy(self)
        twin.schedule = rescheduled(self.nominal, keep, self.backbone)
        return twin

    def init_sinusoidal(self, generator: torch.Generator | None = None) -> None:
        """Set initial weights that learn fast; see :meth:`PoseTransformer.init_sinusoidal`."""
        self.backbone.init_sinusoidal(generator)

    def forward(self, pose2d: Pose2D) -> Float[Tensor, "b k j 3"]:
        """Root-relative 3D poses (b k j 3) for 2D poses (b f j i), one for every kept frame."""
        return self.trace(pose2d).pose3d

    def trace(self, pose2d: Pose2D, *, kept: Mapping[int, Indices] | None = None) -> Trace:
        """Run the forward pass; return the kept frames' poses (b k j 3) and indices. See :meth:`Hourglass.trace`."""
        tokens, stages = forward_pruned(
            self.backbone, self.schedule, self.pruner, pose2d, kept=kept, always=self.always
        )
        return Trace(self.backbone.head(tokens), stages)


# A backbone with or without a waist: what `poseglass.load` returns.
PoseModel = PoseTransformer | Hourglass | Funnel


def backbone_of(model: PoseModel) -> PoseTransformer:
    """The model without its waist, or the model itself if it has none.

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
    keep: Keep,
    at: int | None = None,
    prune: str | Pruner = "density",
    recover: str | Recoverer = "attention",
    frames: int | None = None,
) -> Hourglass:
    """Give a backbone a waist.

    Args:
        model: The backbone, which is wrapped and not copied, or a name that :func:`poseglass.create_model` knows. Given
            a name, each layer is built for the number of frames it will get, if that matters (MotionAGFormer).
        keep: Frames to keep: a count, a share of the clip (a float up to 1.0), or a pyramid ``{layer: keep}`` (H2OT).
        at: The layer before which to prune; required unless `keep` is a pyramid.
        prune: A pruner or a name in ``PRUNERS``: ``"density"`` (the paper's TPC), ``"attention"`` (TPA), ``"motion"``
            (TPMo) or ``"uniform"`` (TPS).
        recover: A recoverer or a name in ``RECOVERERS``: ``"attention"`` (TRA), ``"interpolate"`` (TRI) or
            ``"nearest"``.
        frames: Frames of a clip, if `model` is a name; the size's own default if None.

    Raises:
        ModelError: An argument does not fit; the message says what would.

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
        recover = RECOVERERS[recover].for_backbone(model).to(devices.device_of(model))
    return Hourglass(model, schedule=schedule, pruner=_pruner(prune), recoverer=recover)


def funnel(
    model: PoseTransformer | str,
    *,
    keep: Keep,
    at: int | None = None,
    always: int | None = None,
    prune: str | Pruner = "density",
    frames: int | None = None,
) -> Funnel:
    """Let a backbone drop frames for good, for use when only one frame's pose is wanted.

    Args:
        model: The backbone or the name of one, as in :func:`hourglass`.
        keep: Frames to keep, as in :func:`hourglass`; `always` is one of them.
        at: The layer before which to prune; required unless `keep` is a pyramid.
        always: The index of the frame whose pose is wanted; the clip's centre if None.
        prune: A pruner or a name in ``PRUNERS``.
        frames: Frames of a clip, if `model` is a name; the size's own default if None.

    Raises:
        ModelError: An argument does not fit; the message says what would.

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
        raise ModelError(f"expected a {kind.__name__} (an object of a subclass), got {what}")
