"""Fit weights for one clip length to another, as a start for training."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.models.time_code import time_code
from poseglass.waist.hourglass import Hourglass, PoseModel, backbone_of
from poseglass.waist.kept_embedding import stretched

__all__ = ["lengthened"]


def lengthened(state: Mapping[str, Tensor], model: PoseModel) -> dict[str, Tensor]:
    """Fit the weights of a model for another clip length to this model.

    The learned embeddings of the first frames are kept. Further frames continue the time code from which training
    starts (:meth:`poseglass.models.PoseTransformer.init_sinusoidal`), plus what was learned for the last frame. The
    embeddings of kept frames are interpolated. All other weights are unchanged, so architectures in which they depend
    on the clip length still do not fit: MHFormer (its encoders have one channel per frame) and MotionAGFormer (its
    norms have one scale per frame).

    Args:
        state: The weights, under the model's own names.
        model: The model that they should fit.

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
            fitted[name] = stretched(value, own[name].shape[1])  # 1 k 1 c
    return fitted


def _continued(embedding: Float[Tensor, "1 f c"], frames: int) -> Float[Tensor, "1 _ c"]:
    """A time embedding for another number of frames. Beyond its last frame, it continues the time code."""
    before, dim = embedding.shape[1:]
    learned = (embedding - time_code(before, dim))[:, torch.arange(frames).clamp(max=before - 1)]
    return time_code(frames, dim) + learned
