"""Half the bits where they suffice: the layers' matrix products in bfloat16, everything between them in float32."""

import copy

import torch

from poseglass.errors import ModelError
from poseglass.models.layers import Attention, CrossAttention, Linear, Mlp
from poseglass.models.mhformer import Encoder
from poseglass.models.motionagformer import GraphMixer
from poseglass.waist.hourglass import Model, backbone_of

__all__ = ["to_bfloat16"]

PRODUCTS = (Attention, CrossAttention, Mlp, GraphMixer)


@torch.inference_mode(False)
def to_bfloat16(model: Model, *, exact: int = 1) -> Model:
    """A copy for evaluation whose layers multiply in bfloat16, which processors that have it do up to twice as fast.

    Embedding, norms, sums, the choice and the recovery of frames and the head stay in float32, and so do input and
    output: a coordinate of the image has 8 bits in bfloat16, which is a few millimetres of a person. What it costs in
    accuracy and saves in time is measured in docs/hourglass.md.

    Args:
        model: A backbone, an hourglass or a funnel; it stays as it is. A backbone that is made of other layers than
            those of :mod:`poseglass.models.layers` has no such parts and is cast whole, with its waist: then its input
            must be bfloat16 too.
        exact: How many of the first layers stay in float32. The frames that a waist keeps are chosen by what the layers
            before it make of them, and of two that are nearly alike, rounding may choose the other.

    Raises:
        ModelError: There are not so many layers.

    Example:
        >>> import torch, poseglass as pg
        >>> fast = pg.to_bfloat16(pg.hourglass("mixste-tiny", keep=9, at=1))
        >>> fast(torch.zeros(1, 27, 17, 2)).dtype
        torch.float32
    """
    backbone = backbone_of(model)
    if not 0 <= exact <= backbone.depth:
        raise ModelError(f"exact is a number of layers, from 0 to {backbone.depth}, not {exact}")
    model = copy.deepcopy(model).eval().requires_grad_(False)
    backbone = backbone_of(model)
    embedding = {part for encoder in backbone.modules() if isinstance(encoder, Encoder) for part in encoder.modules()}
    parts = {name: part for name, part in backbone.named_modules() if isinstance(part, PRODUCTS)}
    if not parts:
        return model.to(torch.bfloat16)
    for name, part in parts.items():
        if part not in embedding and _layer(name, backbone.depth) >= exact:
            for role, linear in part.named_children():
                if isinstance(linear, Linear):
                    linear.to(torch.bfloat16)
                    linear.pack(3 if role == "qkv" else 1)
    return model


def _layer(name: str, depth: int) -> int:
    """Which layer a part is of: the first number in its name, such as spatial.3.attn; without one, the last."""
    numbers = [int(word) for word in name.split(".") if word.isdigit()]
    return numbers[0] if numbers else depth - 1
