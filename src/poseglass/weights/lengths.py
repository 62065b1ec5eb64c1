"""Weights for clips of one length as the start for another."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

from poseglass.models.time_code import time_code
from poseglass.waist.hourglass import Hourglass, PoseModel, backbone_of

__all__ = ["lengthened"]


def lengthened(state: Mapping[str, Tensor], model: PoseModel) -> dict[str, Tensor]:
    """Fit the weights of a model for clips of another length to this model.

    What was learned about the first frames stays; frames beyond them continue in the time code, from which training
    starts (:meth:`poseglass.models.PoseTransformer.init_sinusoidal`). The embeddings of kept frames are stretched.
    All else is taken as it is, so an architecture that has the clip's length in other weights still does not fit:
    MHFormer (its encoders are as wide as the clip is long) and MotionAGFormer (a norm's scale for each frame).

    Args:
        state: The weights, by the names that the model has for its own.
        model: The model that they are to fit.

    Returns:
        The weights in this model's shapes.

    Example:
        >>> import poseglass as pg
        >>> short, long = (pg.create_model("mixste-tiny", frames=frames) for frames in (9, 27))
        >>> lengthened(short.state_dict(), long)["time_embedding"].shape
        torch.Size([1, 27, 32])
    """
    own, fitted = model.state_dict(), dict(state)
    prefix = "" if model is backbone_of(model) else "backbone."
    timed = {f"{prefix}{name}" for name in backbone_of(model).time_parameters}
    if isinstance(model, Hourglass):
        timed |= {f"recoverer.{name}" for name in model.recoverer.time_parameters}
    for name, value in state.items():
        if name not in own or value.ndim < 2 or value.shape[1] == own[name].shape[1]:
            continue
        if name in timed:
            fitted[name] = _continued(value, own[name].shape[1])
        elif name.startswith("kept_embedding."):
            flat = value.flatten(2).mT  # 1 c k
            flat = F.interpolate(flat, own[name].shape[1], mode="linear", align_corners=True)
            fitted[name] = flat.mT.unflatten(2, value.shape[2:])  # 1 k 1 c
    return fitted


def _continued(embedding: Float[Tensor, "1 f c"], frames: int) -> Float[Tensor, "1 _ c"]:
    """A time embedding for another number of frames: beyond its last frame it continues in the time code."""
    before, dim = embedding.shape[1:]
    learned = (embedding - time_code(before, dim))[:, torch.arange(frames).clamp(max=before - 1)]
    return time_code(frames, dim) + learned
