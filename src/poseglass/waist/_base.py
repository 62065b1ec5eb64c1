"""The base classes of pruners and recoverers."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from poseglass._shapes import Always, Indices, Pose2D, Tokens

__all__ = ["Pruner", "Recoverer"]


class Pruner(nn.Module, ABC):
    """Chooses the frames that the following layers see.

    Attributes:
        needs_attention: Whether it ranks frames by the attention they received in the previous layer. That attention is
            computed only if this is true.
        config: The constructor's arguments, from which :func:`poseglass.load` rebuilds it.
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
        """Choose frames, and return their strictly increasing indices (b keep).

        Args:
            tokens: The frames' tokens (b f s c) before the layer. Hypotheses are concatenated into one slot.
            pose2d: The 2D poses of the same frames, (b f j i).
            keep: How many frames to keep.
            always: The index of a frame to keep in any case, the same in every clip or one per clip (b). It is one of
                the `keep` frames.
            attention: The share of the previous layer's temporal attention that each frame received (b f), if
                `needs_attention`.
        """


@runtime_checkable
class Sizes(Protocol):
    """The attributes of a backbone that a recoverer may need."""

    dim: int
    frames: int
    heads: int
    bias: bool


class Recoverer(nn.Module, ABC):
    """Restores all frames of a clip from the kept ones.

    Attributes:
        acts_on: ``"tokens"`` of the last layer, before the head, or ``"poses"``, after it.
        time_parameters: Names of the parameters (1 f c) that distinguish frames, for changing the clip length of
            trained weights.
        config: The constructor's arguments, from which :func:`poseglass.load` rebuilds it.
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
        """Build a recoverer that fits a backbone."""

    def init_sinusoidal(self) -> None:
        """Set initial weights that learn fast. By default, this does nothing."""

    def fits(self, backbone: Sizes) -> str:
        """The reason why it does not fit a backbone; empty if it fits. By default, it fits any backbone."""
        return ""

    @abstractmethod
    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """Restore all frames (b f s c) from the kept ones.

        Args:
            x: Tokens (b k s c) or poses (b k j 3) of the kept frames.
            kept: The increasing indices of the kept frames in the clip (b k).
            frames: The clip's number of frames.
        """
