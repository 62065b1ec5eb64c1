"""The interface of a video pose transformer, which is all that a waist needs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import nn

from poseglass._shapes import Pose2D, Pose3D, Received, Tokens
from poseglass.errors import ModelError
from poseglass.models.card import Card, shallow_copy
from poseglass.models.published import Published
from poseglass.models.time_code import time_code
from poseglass.motion.uncertainty import UncertaintyModel

__all__ = ["PoseTransformer", "check_heads", "check_sizes"]

SIZES = (
    *("frames", "dim", "depth", "heads", "hidden", "encoder_depth", "encoder_heads"),
    *("inputs", "joints", "neighbours", "rep"),
)
"""Settings that are whole numbers from 1 on."""
LARGEST = (1 << 31) - 1
"""As the sizes of layers in many libraries that torch calls."""

Backbone = TypeVar("Backbone", bound="PoseTransformer")


class PoseTransformer(nn.Module, ABC):
    """A network that lifts clips of 2D poses to 3D: embed, then `depth` layers over tokens, then head.

    A subclass that sets the attributes and implements the three methods can be given a waist, trained and saved.

    Attributes:
        dim: Channels of a token.
        frames: Frames of a clip.
        depth: Number of layers.
        inputs: Input coordinates of a joint: 2 for x, y; 3 for x, y, score.
        joints: Joints of a pose.
        heads: Attention heads, both here and in the waist's own attention.
        bias: Whether the attention projections have biases, both here and in the waist's own attention.
        lengths: The number of frames that each layer takes; None if layers take any number.
        slots: What the tokens of a frame represent: its joints, or hypotheses about the whole frame.
        joint_parameters: Names of the parameters that distinguish joints, for :meth:`init_sinusoidal`.
        time_parameters: Names of the parameters (1 f c) that distinguish frames, for :meth:`init_sinusoidal` and for
            changing the clip length of trained weights.
        output_parameters: Names of the weights that produce the poses, for :meth:`init_sinusoidal`.
        published: What identifies published checkpoints of this architecture; None if there are none.
        config: The constructor's arguments, from which :func:`poseglass.load` rebuilds the network.
        uncertainty: How far its poses may be from the truth; None if the weights are not calibrated.
    """

    dim: int
    frames: int
    depth: int
    inputs: int
    joints: int = 17
    heads: int = 8
    bias: bool = True
    lengths: tuple[int, ...] | None = None
    slots: ClassVar[Literal["joints", "hypotheses"]] = "joints"
    joint_parameters: ClassVar[tuple[str, ...]] = ()
    time_parameters: ClassVar[tuple[str, ...]] = ()
    output_parameters: ClassVar[tuple[str, ...]] = ()
    published: ClassVar[Published | None] = None
    config: dict[str, Any]
    uncertainty: UncertaintyModel | None = None

    def __init__(self, *, card: Card | None = None) -> None:
        super().__init__()
        self._card = card or Card()

    @property
    def card(self) -> Card:
        """What the weights were trained for."""
        return self._card

    def with_card(self: Backbone, card: Card) -> Backbone:
        """The same network with another card. It shares the parameters and layers of this one."""
        twin = shallow_copy(self)
        twin._card = card
        return twin

    @torch.no_grad()
    def init_sinusoidal(self, generator: torch.Generator | None = None) -> None:
        """Replace the published initial weights, which the constructor sets, with ones that learn faster.

        As published, embeddings start at or near zero. At first, a joint then has the same position in all frames, and
        it takes thousands of steps before they differ. Here joints start with distinct random embeddings and frames
        with a :func:`time_code`, and the output weights are a tenth as large, so that poses start near the pelvis
        rather than a metre away. `joint_parameters`, `time_parameters` and `output_parameters` list what is set. All
        other weights stay unchanged.

        Args:
            generator: Source of the random numbers; torch's global one if None.

        Example:
            >>> import poseglass as pg
            >>> model = pg.create_model("mixste-tiny", frames=9)
            >>> model.init_sinusoidal()
            >>> torch.equal(model.time_embedding, time_code(9, model.dim))
            True
        """
        for name in self.joint_parameters:
            self.get_parameter(name).normal_(0, 0.5, generator=generator)
        for name in self.time_parameters:
            self.get_parameter(name).copy_(time_code(self.frames, self.dim))
        for name in self.output_parameters:
            self.get_parameter(name).mul_(0.1)

    @abstractmethod
    def embed(self, pose2d: Pose2D) -> Tokens:
        """Embed 2D poses (b f j i) as tokens (b f s c)."""

    @abstractmethod
    def layer(self, index: int, tokens: Tokens, received: Received | None = None) -> Tokens:
        """Run one layer. Layers from index 1 on must accept any subset of the clip's frames.

        Args:
            index: The layer's index, from 0.
            tokens: Tokens (b f s c).
            received: A list to which each temporal attention of the layer appends the share of attention that each
                frame received (b f): the mean over heads, querying frames and slots. A layer without temporal
                attention appends nothing.
        """

    def parts(self, index: int) -> Sequence[nn.Module]:
        """The modules of layer `index`, for code that treats layers differently, such as reduced precision.

        By default, these are the elements `index` of the model's ``nn.ModuleList`` attributes that have `depth`
        elements. A model that stores its layers differently overrides this.
        """
        lists = (child for child in self.children() if isinstance(child, nn.ModuleList) and len(child) == self.depth)
        return [modules[index] for modules in lists]

    def embedding_parts(self) -> Sequence[nn.Module]:
        """The networks within :meth:`embed` that may have reduced precision like a layer; by default none."""
        return ()

    @abstractmethod
    def head(self, tokens: Tokens) -> Pose3D:
        """Turn tokens (b f s c) into poses (b f j 3), each frame independently."""

    def check(self, pose2d: Pose2D) -> None:
        """Raise :class:`ModelError` unless the input (b f j i) has the shape the model was built for."""
        name = type(self).__name__
        if pose2d.ndim != 4:
            raise ModelError(f"{name} expects (clips, frames, joints, {self.inputs}), got shape {tuple(pose2d.shape)}")
        if pose2d.shape[1] != self.frames:
            raise ModelError(
                f"{name} was built for {self.frames} frames and got {pose2d.shape[1]}; "
                f"build it with frames={pose2d.shape[1]} or cut the sequence with poseglass.clips.windows"
            )
        if pose2d.shape[2] != self.joints:
            raise ModelError(f"{name} was built for {self.joints} joints and got {pose2d.shape[2]}")
        if pose2d.shape[3] != self.inputs:
            wants = {2: "x, y", 3: "x, y, score"}.get(self.inputs, f"{self.inputs} numbers")
            raise ModelError(f"{name} expects {wants} for each joint, got {pose2d.shape[3]} numbers")

    def forward(self, pose2d: Pose2D) -> Pose3D:
        """Root-relative 3D poses (b f j 3) for 2D poses (b f j i), in metres.

        A model of person coordinates, such as the bundled weights, returns poses in the axes of a camera that faces the
        pelvis (:func:`poseglass.body.geometry.facing`); :class:`poseglass.lifting.predictor.Predictor` rotates them to
        camera space. A model of screen coordinates returns poses in camera space.

        Raises:
            ModelError: The input does not have the shape the model was built for.
        """
        self.check(pose2d)
        tokens = self.embed(pose2d)
        for index in range(self.depth):
            tokens = self.layer(index, tokens)
        return self.head(tokens)


def check_sizes(config: Mapping[str, Any]) -> None:
    """Raise :class:`ModelError` unless the sizes among a model's settings are possible.

    Args:
        config: The settings by name. A size may be None, or a list with one for each layer.

    Example:
        >>> check_sizes({"frames": [27, 9], "dim": 32, "hidden": None, "drop": 0})
    """
    for name in SIZES:
        value = config.get(name)
        for size in value if isinstance(value, list | tuple) else [value]:
            if size is not None and not (isinstance(size, int) and 1 <= size <= LARGEST):
                raise ModelError(f"{name} should be a whole number from 1 to {LARGEST:,}, got {str(size)[:20]}")


def check_heads(heads: int, channels: int, *, names: tuple[str, str] = ("heads", "dim")) -> None:
    """Raise :class:`ModelError` unless the heads divide the channels.

    Args:
        heads: Number of attention heads.
        channels: Number of channels that the heads share.
        names: The constructor's names for the two, for the message.

    Example:
        >>> check_heads(4, 32)
    """
    if heads < 1 or channels % heads:
        head, channel = names
        raise ModelError(f"{heads} heads do not divide {channels} channels; choose {channel} as a multiple of {head}")
