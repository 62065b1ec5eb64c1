"""The backbones, by name: :data:`MODELS` lists them, :func:`create_model` builds one."""

from collections.abc import Callable, Mapping, Sequence

import torch

from poseglass.errors import ModelError
from poseglass.models._base import PoseTransformer as PoseTransformer
from poseglass.models.card import Card as Card
from poseglass.models.mhformer import MHFormer as MHFormer
from poseglass.models.mixste import MixSTE as MixSTE
from poseglass.models.motionagformer import MotionAGFormer as MotionAGFormer
from poseglass.models.motionbert import MotionBERT as MotionBERT

__all__ = [
    "MODELS",
    "Card",
    "MHFormer",
    "MixSTE",
    "MotionAGFormer",
    "MotionBERT",
    "PoseTransformer",
    "create_model",
    "list_models",
]


def mixste(*, frames: int = 243, inputs: int = 2) -> MixSTE:
    """MixSTE as published: 512 channels, 8 layers, 33.8 M parameters."""
    return MixSTE(frames=frames, inputs=inputs)


def mixste_small(*, frames: int = 81, inputs: int = 3) -> MixSTE:
    """128 channels, 8 layers: the backbone of the weights that ship, sized for one CPU core."""
    return MixSTE(frames=frames, dim=128, inputs=inputs)


def mixste_tiny(*, frames: int = 27, inputs: int = 2) -> MixSTE:
    """32 channels, 3 layers, 4 heads: for tests and first experiments."""
    return MixSTE(frames=frames, dim=32, depth=3, heads=4, inputs=inputs)


def motionbert(*, frames: int = 243, inputs: int = 3) -> MotionBERT:
    """MotionBERT as published: 512 channels, 5 layers."""
    return MotionBERT(frames=frames, dim=512, mlp_ratio=2, inputs=inputs)


def motionbert_lite(*, frames: int = 243, inputs: int = 3) -> MotionBERT:
    """MotionBERT's smaller published size, the one HoT wraps: 256 channels, 5 layers, 16.0 M parameters."""
    return MotionBERT(frames=frames, inputs=inputs)


def motionbert_tiny(*, frames: int = 27, inputs: int = 3) -> MotionBERT:
    """32 channels, 3 layers, 4 heads: for tests and first experiments."""
    return MotionBERT(frames=frames, dim=32, rep=64, depth=3, heads=4, mlp_ratio=2, inputs=inputs)


def mhformer(*, frames: int = 351, inputs: int = 2) -> MHFormer:
    """MHFormer as published, for 27, 81, 243 or 351 frames: 512 channels, 2 + 1 layers, 31.5 M parameters at 351."""
    return MHFormer(frames=frames, inputs=inputs)


def mhformer_tiny(*, frames: int = 27, inputs: int = 2) -> MHFormer:
    """32 channels, 4 heads: for tests and first experiments."""
    return MHFormer(frames=frames, dim=32, heads=4, hidden=64, inputs=inputs)


def motionagformer_xs(*, frames: int | Sequence[int] = 27, inputs: int = 3) -> MotionAGFormer:
    """MotionAGFormer-XS as published: 64 channels, 12 layers, 2.2 M parameters."""
    return MotionAGFormer(frames=frames, dim=64, depth=12, inputs=inputs)


def motionagformer_s(*, frames: int | Sequence[int] = 81, inputs: int = 3) -> MotionAGFormer:
    """MotionAGFormer-S as published: 64 channels, 26 layers, 4.8 M parameters."""
    return MotionAGFormer(frames=frames, dim=64, depth=26, inputs=inputs)


def motionagformer_b(*, frames: int | Sequence[int] = 243, inputs: int = 3) -> MotionAGFormer:
    """MotionAGFormer-B as published: 128 channels, 16 layers, 11.7 M parameters."""
    return MotionAGFormer(frames=frames, inputs=inputs)


def motionagformer_l(*, frames: int | Sequence[int] = 243, inputs: int = 3) -> MotionAGFormer:
    """MotionAGFormer-L as published: 128 channels, 26 layers, 19.0 M parameters."""
    return MotionAGFormer(frames=frames, depth=26, inputs=inputs)


def motionagformer_hot(*, frames: int | Sequence[int] = 243, inputs: int = 3) -> MotionAGFormer:
    """MotionAGFormer-B as in HoT's release: 4 heads, 4 temporal neighbours."""
    return MotionAGFormer(frames=frames, heads=4, neighbours=4, inputs=inputs)


def motionagformer_tiny(*, frames: int | Sequence[int] = 27, inputs: int = 3) -> MotionAGFormer:
    """32 channels, 3 layers, 4 heads: for tests and first experiments."""
    return MotionAGFormer(frames=frames, dim=32, depth=3, heads=4, inputs=inputs, rep=64)


MODELS: dict[str, Callable[..., PoseTransformer]] = {
    "mixste": mixste,
    "mixste-small": mixste_small,
    "mixste-tiny": mixste_tiny,
    "motionbert": motionbert,
    "motionbert-lite": motionbert_lite,
    "motionbert-tiny": motionbert_tiny,
    "mhformer": mhformer,
    "mhformer-tiny": mhformer_tiny,
    "motionagformer-xs": motionagformer_xs,
    "motionagformer-s": motionagformer_s,
    "motionagformer-b": motionagformer_b,
    "motionagformer-l": motionagformer_l,
    "motionagformer-hot": motionagformer_hot,
    "motionagformer-tiny": motionagformer_tiny,
}


def list_models() -> list[str]:
    """The names that :func:`create_model` knows."""
    return list(MODELS)


def create_model(
    name: str,
    *,
    frames: int | Sequence[int] | None = None,
    inputs: int | None = None,
    sizes: Mapping[str, int | float] | None = None,
    card: Card | None = None,
) -> PoseTransformer:
    """A new backbone of a named size, initialised as published.

    Args:
        name: One of :func:`list_models`.
        frames: Frames of a clip; the size's own default where None. A MotionAGFormer that is to get a waist takes a
            number for each layer, see :class:`MotionAGFormer`.
        inputs: 2 (x, y) or 3 (x, y, score); the size's own default where None.
        sizes: What is to differ from the named size, by the names that the model's class gives them, such as
            ``{"dim": 64, "heads": 4}``.
        card: What the weights are trained for; the default card where None.

    Raises:
        ModelError: There is no model of that name, or it has no such size.

    Example:
        >>> create_model("mixste-tiny", frames=9).frames
        9
        >>> create_model("mixste-tiny", sizes={"depth": 2}).depth
        2
    """
    if name not in MODELS:
        raise ModelError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    given = {key: value for key, value in (("frames", frames), ("inputs", inputs)) if value is not None}
    if not sizes:
        return MODELS[name](**given).with_card(card or Card())
    with torch.device("meta"):  # what the named size says, and no weights
        named = MODELS[name]()
    # A model's frames may depend on how many layers it has, so what its config says of them is not taken.
    settings = {**named.config, "frames": named.frames, **given}
    own = [size for size in settings if size not in ("frames", "inputs")]
    if unknown := [size for size in sizes if size not in own]:
        raise ModelError(f"{name} has no size {', '.join(unknown)}; there are {', '.join(own)}")
    return type(named)(**settings | dict(sizes)).with_card(card or Card())
