"""Layers that multiply in bfloat16, between norms and sums in float32."""

import copy
from collections.abc import Iterable

import torch
from torch import nn

from poseglass.errors import ModelError
from poseglass.models.layers import Linear
from poseglass.waist.hourglass import Hourglass, PoseModel, backbone_of

__all__ = ["to_bfloat16"]


@torch.inference_mode(False)
def to_bfloat16(model: PoseModel, *, exact: int = 1) -> PoseModel:
    """Copy a model for evaluation, with layers that multiply in bfloat16.

    Processors that support bfloat16 multiply up to twice as fast in it. The weights of each
    :class:`poseglass.models.layers.Linear` within the layers are cast (:meth:`PoseTransformer.parts` lists a layer's
    modules). Input projections, norms, sums, pruning, head, input and output stay in float32: in bfloat16 an image
    coordinate has 8 bits, so its rounding amounts to a few millimetres on a person. docs/hourglass.md reports speed and
    accuracy.

    The copy is an ordinary model: its weights can be edited, loaded, saved, copied and cast back with ``.float()``.

    Args:
        model: A backbone, an hourglass or a funnel. It is not changed. If the backbone's layers contain no such Linear,
            the whole model is cast, waist included, and then also expects bfloat16 input.
        exact: How many of the first layers stay in float32. The waist chooses frames by the tokens of the layers before
            it. If two frames nearly tie, rounding may change the choice. With 0, MHFormer's encoders and the recoverer
            are cast too; otherwise they stay in float32.

    Raises:
        ModelError: The model has fewer layers than `exact`.

    Example:
        >>> import torch, poseglass as pg
        >>> fast = pg.to_bfloat16(pg.hourglass("mixste-tiny", keep=9, at=1))
        >>> fast(torch.zeros(1, 27, 17, 2)).dtype
        torch.float32
    """
    depth = backbone_of(model).depth
    if not 0 <= exact <= depth:
        raise ModelError(f"exact should be a number of layers from 0 to {depth}, not {exact}")
    model = copy.deepcopy(model).eval().requires_grad_(False)
    backbone = backbone_of(model)
    layers = [_linears(backbone.parts(index)) for index in range(depth)]
    if not any(layers):
        return model.to(torch.bfloat16)
    if exact == 0:
        layers.append(_linears(backbone.embedding_parts()))
        if isinstance(model, Hourglass):
            layers.append(_linears([model.recoverer]))
    for linears in layers[exact:]:
        for linear in linears:
            linear.to(torch.bfloat16)
    return model


def _linears(modules: Iterable[nn.Module]) -> list[Linear]:
    return [part for module in modules for part in module.modules() if isinstance(part, Linear)]
