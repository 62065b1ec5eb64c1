"""What a pruner and a recoverer are."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from poseglass._shapes import Always, Indices, Pose2D, Tokens

__all__ = ["Pruner", "Recoverer"]


class Pruner(nn.Module, ABC):
    """Chooses the frames that the following layers go on with.

    One that says `needs_attention` is also told where the attention of the layer before went; what that costs is spent
    for no other.
    """

    needs_attention: ClassVar[bool] = False

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
        """Indices of the kept frames (b keep), strictly increasing.

        Args:
            tokens: What the layers before made of the frames, (b f s c); hypotheses come side by side, as one slot.
            pose2d: The input of the same frames, (b f j i).
            keep: How many frames to keep.
            always: A frame to keep in any case, the same in every clip or one for each (b); `keep` counts it.
            attention: How much of the layer's temporal attention each frame received (b f), where it is needed.
        """


@runtime_checkable
class Sizes(Protocol):
    """What a recoverer may have to know of the backbone that it is made for."""

    dim: int
    frames: int
    heads: int
    bias: bool


class Recoverer(nn.Module, ABC):
    """Brings kept frames back to full length.

    `acts_on` says on what: ``"tokens"`` of the last layer, before the head, or ``"poses"``, after it.
    """

    acts_on: ClassVar[Literal["tokens", "poses"]]

    @classmethod
    @abstractmethod
    def of(cls, backbone: Sizes) -> "Recoverer":
        """A new one that fits a backbone."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """All `frames` (b f s c) from the kept ones.

        Args:
            x: Tokens (b k s c) or poses (b k j 3) of the kept frames.
            kept: Which frames of the clip they are, (b k), increasing.
            frames: The clip's length.
        """
