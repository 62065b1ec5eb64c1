"""What is told of a published architecture, so that its checkpoints can be recognised, sized and renamed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from poseglass.errors import WeightsError
from poseglass.models import PoseTransformer

__all__ = ["Architecture", "Choices", "count"]

# The waist's tensors have the same names in every architecture: HoT's.
WAIST = (
    (r"kept_embedding\.\d+", "pos_embed_token"),
    (r"recoverer\.queries", "x_token"),
    (r"recoverer\.attention\.query\.", "cross_attention.linear_q."),
    (r"recoverer\.attention\.key\.", "cross_attention.linear_k."),
    (r"recoverer\.attention\.value\.", "cross_attention.linear_v."),
    (r"recoverer\.attention\.proj\.", "cross_attention.proj."),
)


@dataclass(frozen=True)
class Choices:
    """What a checkpoint's tensors do not tell; None stands for the published default.

    Attributes:
        heads: Attention heads.
        at: The layer before which frames are pruned, where the checkpoint has a waist.
        neighbours: Temporal neighbours of MotionAGFormer's graph.
    """

    heads: int | None = None
    at: int | None = None
    neighbours: int | None = None


@dataclass(frozen=True)
class Architecture:
    """One published architecture.

    Attributes:
        name: As it is published.
        marks: Keys, or axes of keys, that tell it from the others: ``{published key: number of axes}``.
        renames: Pairs of a regular expression that matches the beginning of one of *our* names and the published
            text in its place; the first that matches counts.
        build: The backbone, with fresh weights, of the sizes read off a state dict of published names.
        at: The layer before which HoT prunes, as published.
    """

    name: str
    marks: Mapping[str, int]
    renames: tuple[tuple[str, str], ...]
    build: Callable[[Mapping[str, Tensor], Choices], PoseTransformer]
    at: int

    def fits(self, state: Mapping[str, Tensor]) -> bool:
        """Whether the keys are this architecture's."""
        return self.marks.keys() <= state.keys()

    def check(self, state: Mapping[str, Tensor], source: object) -> None:
        """Raises :class:`WeightsError` where a tensor that sizes are read off has another number of axes."""
        for key, axes in self.marks.items():
            if state[key].ndim != axes:
                raise WeightsError(f"{source}: {key} should have {axes} axes, its shape is {tuple(state[key].shape)}")

    def published(self, own: str) -> str:
        """The published name of one of our tensors, with or without a waist around the backbone."""
        inner = own.removeprefix("backbone.")
        for pattern, text in (*WAIST, *self.renames):
            if match := re.match(pattern, inner):
                return match.expand(text) + inner[match.end() :]
        return inner


def count(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many numbered things there are: 1 + the largest number that the pattern's group finds in the keys."""
    return 1 + max((int(match[1]) for key in state if (match := re.match(pattern, key))), default=-1)
