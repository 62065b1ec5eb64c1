"""What a pruner and a recoverer are."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from poseglass._shapes import Always, Indices, Pose2D, Tokens

__all__ = ["Pruner", "Recoverer"]


class Pruner(nn.Module, ABC):
    """Chooses the frames that the following layers see.

    Attributes:
        needs_attention: Whether it ranks frames by the attention that they received in the layer before. Only then is
            that attention computed.
        config: The constructor's arguments, from which :func:`poseglass.load` builds it again.
    """

    needs_attention: ClassVar[bool] = False
    config: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.config = {}

    @abstractmethod
    def forward(
        self,
        tokens: Tokens,
        pose2d: Pose2D,
        *,
        keep: int,
        always: Always = None,
        attention: Float[Tensor, "b f"] | None = None,
    ) -> Indices:
        """Choose frames; returns their indices (b keep), strictly increasing.

        Args:
            tokens: The frames' tokens (b f s c) before the layer. Hypotheses come side by side, as one slot.
            pose2d: The input of the same frames, (b f j i).
            keep: How many frames to keep.
            always: A frame to keep in any case, the same in every clip or one for each (b); `keep` counts it.
            attention: The share of the layer's temporal attention that each frame received (b f), if
                `needs_attention`.
        """


@runtime_checkable
class Sizes(Protocol):
    """What a recoverer may have to know about the backbone that it is made for."""

    dim: int
    frames: int
    heads: int
    bias: bool


class Recoverer(nn.Module, ABC):
    """Brings kept frames back to full length.

    Attributes:
        acts_on: ``"tokens"`` of the last layer, before the head, or ``"poses"``, after it.
        time_parameters: Names of the parameters (1 f c) that tell frames apart, for weights of another clip length.
        config: The constructor's arguments, from which :func:`poseglass.load` builds it again.
    """

    acts_on: ClassVar[Literal["tokens", "poses"]]
    time_parameters: ClassVar[tuple[str, ...]] = ()
    config: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.config = {}

    @classmethod
    @abstractmethod
    def for_backbone(cls, backbone: Sizes) -> "Recoverer":
        """A new one that fits a backbone."""

    def init_sinusoidal(self) -> None:
        """Set initial weights that learn fast. By default there is nothing to set."""

    def fits(self, backbone: Sizes) -> str:
        """Why it does not fit a backbone, as a sentence; empty if it fits. By default it fits any."""
        return ""

    @abstractmethod
    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """All `frames` (b f s c) from the kept ones.

        Args:
            x: Tokens (b k s c) or poses (b k j 3) of the kept frames.
            kept: Which frames of the clip they are (b k), increasing.
            frames: The clip's length.
        """
