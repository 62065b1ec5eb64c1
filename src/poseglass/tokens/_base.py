"""What a pruner and a recoverer are."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

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
    def forward(self, tokens: Tokens, pose2d: Pose2D, *, keep: int, always: Always = None) -> Indices:
        """Indices of the kept frames (b keep), strictly increasing.

        Args:
            tokens: What the layers before made of the frames, (b f s c); hypotheses come side by side, as one slot.
            pose2d: The input of the same frames, (b f j i).
            keep: How many frames to keep.
            always: A frame to keep in any case, the same in every clip or one for each (b); `keep` counts it.
        """


class Recoverer(nn.Module, ABC):
    """Brings kept frames back to full length.

    `acts_on` says on what: ``"tokens"`` of the last layer, before the head, or ``"poses"``, after it.
    """

    acts_on: ClassVar[Literal["tokens", "poses"]]

    @abstractmethod
    def forward(self, x: Float[Tensor, "b k s c"], kept: Indices, *, frames: int) -> Float[Tensor, "b f s c"]:
        """All `frames` (b f s c) from the kept ones.

        Args:
            x: Tokens (b k s c) or poses (b k j 3) of the kept frames.
            kept: Which frames of the clip they are, (b k), increasing.
            frames: The clip's length.
        """
