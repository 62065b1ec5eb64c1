"""Backbones: :data:`MODELS` lists their named sizes, and :func:`create_model` builds one."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from poseglass.errors import ModelError
from poseglass.models._base import PoseTransformer as PoseTransformer
from poseglass.models.card import Card as Card
from poseglass.models.mhformer import MHFormer as MHFormer
from poseglass.models.mixste import MixSTE as MixSTE
from poseglass.models.motionagformer import MotionAGFormer as MotionAGFormer
from poseglass.models.motionbert import MotionBERT as MotionBERT

__all__ = [
    "BACKBONES",
    "MODELS",
    "Card",
    "MHFormer",
    "MixSTE",
    "MotionAGFormer",
    "MotionBERT",
    "PoseTransformer",
    "Size",
    "create_model",
    "list_models",
]


NO_SIZES = ("frames", "inputs", "card")


@dataclass(frozen=True)
class Size:
    """A named size of a backbone. Calling it builds the network.

    Attributes:
        backbone: The class.
        about: A description of the size.
        settings: The constructor's arguments that differ from the class's defaults.
    """

    backbone: type[PoseTransformer]
    about: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __call__(
        self,
        *,
        frames: int | Sequence[int] | None = None,
        inputs: int | None = None,
        sizes: Mapping[str, int | float] | None = None,
    ) -> PoseTransformer:
        """Build the network with fresh weights; see :func:`create_model`."""
        given = {name: value for name, value in (("frames", frames), ("inputs", inputs)) if value is not None}
        return self.backbone(**{**self.settings, **(sizes or {}), **given})

    def names(self) -> list[str]:
        """The names of the sizes that can be set: all constructor arguments except `frames`, `inputs` and `card`."""
        return [name for name in inspect.signature(self.backbone).parameters if name not in NO_SIZES]


TINY = "3 layers of 32 channels, 4 heads: for tests and first experiments"

# Every backbone of the package, in its named sizes. A new backbone takes a file and a row here; `create_model`,
# training, saved weights, published checkpoints and `poseglass bench` find it through this table.
MODELS: dict[str, Size] = {
    "mixste": Size(MixSTE, "as published: 8 layers of 512 channels, 33.8 M parameters"),
    "mixste-small": Size(
        MixSTE,
        "8 layers of 128 channels: the size of the bundled weights, made for one CPU core",
        {"frames": 81, "dim": 128, "inputs": 3},
    ),
    "mixste-tiny": Size(MixSTE, TINY, {"frames": 27, "dim": 32, "depth": 3, "heads": 4}),
    "motionbert": Size(MotionBERT, "as published: 5 layers of 512 channels", {"dim": 512, "mlp_ratio": 2}),
    "motionbert-lite": Size(MotionBERT, "as published, and in HoT: 5 layers of 256 channels, 16.0 M parameters"),
    "motionbert-tiny": Size(
        MotionBERT, TINY, {"frames": 27, "dim": 32, "rep": 64, "depth": 3, "heads": 4, "mlp_ratio": 2}
    ),
    "mhformer": Size(
        MHFormer,
        "as published, for 27, 81, 243 or 351 frames: 2 + 1 layers of 512 channels, 31.5 M parameters at 351",
    ),
    "mhformer-tiny": Size(MHFormer, TINY, {"frames": 27, "dim": 32, "heads": 4, "hidden": 64}),
    "motionagformer-xs": Size(
        MotionAGFormer,
        "as published: 12 layers of 64 channels, 2.2 M parameters",
        {"frames": 27, "dim": 64, "depth": 12},
    ),
    "motionagformer-s": Size(
        MotionAGFormer,
        "as published: 26 layers of 64 channels, 4.8 M parameters",
        {"frames": 81, "dim": 64, "depth": 26},
    ),
    "motionagformer-b": Size(MotionAGFormer, "as published: 16 layers of 128 channels, 11.7 M parameters"),
    "motionagformer-l": Size(
        MotionAGFormer, "as published: 26 layers of 128 channels, 19.0 M parameters", {"depth": 26}
    ),
    "motionagformer-hot": Size(
        MotionAGFormer, "as in HoT's release: size b with 4 heads and 4 neighbours", {"heads": 4, "neighbours": 4}
    ),
    "motionagformer-tiny": Size(MotionAGFormer, TINY, {"frames": 27, "dim": 32, "depth": 3, "heads": 4, "rep": 64}),
}

# The classes of the table by the names under which saved weights refer to them.
BACKBONES: dict[str, type[PoseTransformer]] = {size.backbone.__name__: size.backbone for size in MODELS.values()}


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
    """Build a backbone of a named size, with initial weights as published.

    Args:
        name: One of :func:`list_models`.
        frames: Frames of a clip; the size's own default if None. A MotionAGFormer with a waist needs a number for each
            layer; see :class:`MotionAGFormer`.
        inputs: 2 (x, y) or 3 (x, y, score); the size's own default if None.
        sizes: Constructor arguments that differ from the named size, such as ``{"dim": 64, "heads": 4}``.
        card: What the weights are trained for; the default card if None.

    Raises:
        ModelError: No model has this name, or `sizes` names an argument that the model lacks.

    Example:
        >>> create_model("mixste-tiny", frames=9).frames
        9
        >>> create_model("mixste-tiny", sizes={"depth": 2}).depth
        2
    """
    if name not in MODELS:
        raise ModelError(f"no model is called {name!r}; choose one of {', '.join(MODELS)}")
    size = MODELS[name]
    if unknown := [key for key in sizes or {} if key not in size.names()]:
        raise ModelError(f"{name} has no size {', '.join(unknown)}; choose from {', '.join(size.names())}")
    model = size(frames=frames, inputs=inputs, sizes=sizes)
    return model if card is None else model.with_card(card)
