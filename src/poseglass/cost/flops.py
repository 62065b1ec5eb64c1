"""FLOPs of a forward pass: of the published architecture in the field's two conventions, and as executed here.

The two conventions differ by up to a third:

- *paper*: 2 x multiply-adds of the Linear and Conv layers only, as in the tables of HoT (CVPR 2024) and most lifters.
- *full*: 2 x multiply-adds of every matrix product, attention and graphs included, as ``torch.utils.flop_counter``
  counts a model whose attention consists of plain matrix products.

A model is counted by running it on torch's meta device, which computes shapes but no values.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from poseglass._shapes import Indices, Tokens
from poseglass.models.motionagformer import GraphMixer
from poseglass.waist._base import Recoverer, Sizes
from poseglass.waist.hourglass import Hourglass, PoseModel, backbone_of
from poseglass.waist.recover import RecoveringAttention

__all__ = ["Convention", "Flops", "count_flops", "count_parameters"]

Convention = Literal["paper", "full", "executed"]

_aten = torch.ops.aten
# Torch's formulas. Its table lacks the CPU's attention kernel, which has the same formula as the GPU's.
FORMULAS: dict[Any, Callable[..., int]] = {
    **flop_registry,
    _aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[_aten._scaled_dot_product_flash_attention],
}


@dataclass(frozen=True)
class Flops:
    """FLOPs of one forward pass, each multiply-add counted twice.

    Attributes:
        paper: Linear and Conv layers of the published architecture.
        full: Every matrix product of the published architecture.
        executed: Every matrix product computed here.
    """

    paper: int
    full: int
    executed: int

    def count(self, convention: Convention) -> int:
        """The count in one convention."""
        return {"paper": self.paper, "full": self.full, "executed": self.executed}[convention]


@torch.inference_mode(False)  # in which operations would arrive whole, and count nothing
def count_flops(model: PoseModel, *, batch: int = 1) -> Flops:
    """Count the FLOPs of a forward pass in evaluation mode, in every convention.

    `executed` is counted on the model itself. `paper` and `full` are counted on a copy that computes two things as
    published:

    - Token recovering attention (TRA) has learned queries that all joints share. The published code projects them once
      per joint and clip; ours projects them once (:class:`AsPublished`).
    - MotionAGFormer's graphs scale their links A to D^-1/2 A D^-1/2. The published code multiplies by two diagonal
      matrices; ours scales rows and columns (:class:`GraphAsPublished`).

    A product belongs to a Linear or Conv layer if one of its factors is a parameter. Norms, softmax, copies and the
    distances of density peaks are not matrix products and do not count. Kernels are counted in their plain form
    (:mod:`poseglass.models.kernels`).

    Args:
        model: A backbone, an hourglass or a funnel, on any device, including meta. It is not changed.
        batch: Clips. `paper` and `full` grow in proportion to it, `executed` a little less.

    Example:
        >>> import poseglass as pg
        >>> fast = pg.hourglass(pg.create_model("mixste-tiny"), keep=9, at=1)
        >>> count_flops(fast)
        Flops(paper=27721152, full=31853376, executed=30968640)
    """
    try:
        executed, published = _both(_weightless(model), batch)
    except (NotImplementedError, RuntimeError, TypeError):
        # A user's backbone may read values, which the meta device does not have.
        if any(parameter.is_meta for parameter in model.parameters()):
            raise
        executed, published = _both(copy.deepcopy(model).to("cpu").eval(), batch)
    return Flops(paper=published.weighted, full=published.every, executed=executed.every)


def count_parameters(model: nn.Module) -> int:
    """Count the numbers in a module's parameters; shared parameters count once."""
    return sum(parameter.numel() for parameter in model.parameters())


@final
class AsPublished(Recoverer):
    """Token recovering attention that projects its queries once per joint and clip, as published. For counting.

    It returns the same as :class:`poseglass.waist.recover.RecoveringAttention`; only the work differs.

    Args:
        own: The recoverer whose weights it uses.
    """

    acts_on: ClassVar[Literal["tokens", "poses"]] = "tokens"

    def __init__(self, own: RecoveringAttention) -> None:
        super().__init__()
        self.own = own

    @classmethod
    def for_backbone(cls, backbone: Sizes) -> "AsPublished":
        """See :class:`poseglass.waist._base.Recoverer`."""
        return cls(RecoveringAttention.for_backbone(backbone))

    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """See :class:`poseglass.waist._base.Recoverer`."""
        per_joint = x.transpose(1, 2).flatten(0, 1)  # (b s) k c
        queries = self.own.queries.expand(len(per_joint), -1, -1)
        out: Tensor = queries + self.own.attention(queries, per_joint)
        per_clip: Tensor = out.unflatten(0, (len(x), -1)).transpose(1, 2)
        return per_clip


@final
class GraphAsPublished(nn.Module):
    """A graph convolution, plus the two matrix products with which the published code scales its links. For counting.

    Args:
        own: The graph convolution to run.
    """

    def __init__(self, own: GraphMixer) -> None:
        super().__init__()
        self.own = own

    def forward(self, x: Tokens, *, axis: int = 2) -> Tokens:
        """Mix tokens (b f s c). Each graph scales its own links."""
        nodes = x.shape[axis]
        links = x.new_zeros(x.shape[:-1].numel() // nodes, nodes, nodes)
        links @ links @ links
        out: Tensor = self.own(x, axis=axis)
        return out


def _both(model: PoseModel, batch: int) -> "tuple[_Ledger, _Ledger]":
    """Count a model as it is and as published. It must be a copy, because this changes it."""
    executed = _count(model, batch)
    published = _as_published(model)
    return executed, executed if published is None else _count(published, batch)


def _as_published(model: PoseModel) -> PoseModel | None:
    """Change a model so that it computes as published; None if it already does."""
    changed = False
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, GraphMixer):
                setattr(parent, name, GraphAsPublished(child))
                changed = True
    if isinstance(model, Hourglass) and isinstance(model.recoverer, RecoveringAttention):
        with next(model.parameters()).device:  # for the new waist's embedding of kept frames
            recoverer = AsPublished(model.recoverer)
            model = Hourglass(model.backbone, schedule=model.schedule, pruner=model.pruner, recoverer=recoverer).eval()
        changed = True
    return model if changed else None


def _weightless(model: PoseModel) -> PoseModel:
    """Copy a model to the meta device without copying its weights."""
    stand_ins: dict[int, Any] = {}
    for parameter in model.parameters():
        stand_ins[id(parameter)] = nn.Parameter(parameter.detach().to("meta", torch.float32), requires_grad=False)
    for buffer in model.buffers():
        stand_ins[id(buffer)] = buffer.detach().to("meta", torch.float32 if buffer.is_floating_point() else None)
    return copy.deepcopy(model, stand_ins).eval()


class _Ledger(TorchDispatchMode):
    """Adds up the FLOPs of the operations that run while it is active.

    Attributes:
        every: FLOPs of all matrix products.
        weighted: FLOPs of the products that have a parameter as a factor.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.every = self.weighted = 0
        # A layer may multiply by a view of its weight, so weights are recognised by their storage.
        self._weights = {_storage(parameter) for parameter in model.parameters()}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if (formula := FORMULAS.get(func.overloadpacket)) is not None:
            flops = formula(*args, **(kwargs or {}), out_val=out)
            self.every += flops
            if any(isinstance(factor, Tensor) and _storage(factor) in self._weights for factor in args):
                self.weighted += flops
        return out


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _count(model: PoseModel, batch: int) -> _Ledger:
    backbone = backbone_of(model)
    like = next(model.parameters())
    pose2d = torch.zeros(batch, model.frames, backbone.joints, model.inputs, device=like.device, dtype=like.dtype)
    ledger = _Ledger(model)
    # The fused kernels of torch's transformer layers, which a user's backbone may contain, have no formula.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), torch.autocast("cpu", enabled=False), ledger:
            model(pose2d)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return ledger
