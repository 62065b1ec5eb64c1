"""What identifies a published checkpoint: its keys, its sizes and its names."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from poseglass.errors import WeightsError

__all__ = ["Published", "count"]


@dataclass(frozen=True)
class Published:
    """Describes an architecture's published checkpoints. Each architecture has one, in its own file.

    Attributes:
        marks: Keys that only this architecture has, each with its number of axes: ``{published key: axes}``.
        renames: Pairs of a regular expression, which matches the start of one of *our* names, and the published text
            that replaces the match. The first pair that matches counts.
        sizes: Reads the constructor's arguments from a state dict with published names.
        at: The layer before which HoT prunes, as published.
        answers: The frames that the weights were trained for; see :class:`poseglass.models.Card`.
        units: The unit of the poses that the weights predict; see :class:`poseglass.models.Card`.
    """

    marks: Mapping[str, int]
    renames: tuple[tuple[str, str], ...]
    sizes: Callable[[Mapping[str, Tensor]], dict[str, Any]]
    at: int
    answers: Literal["all", "centre"] = "all"
    units: Literal["metres", "screen"] = "metres"

    def check(self, state: Mapping[str, Tensor], source: object) -> None:
        """Raise :class:`WeightsError` if a tensor from which sizes are read has the wrong number of axes."""
        for key, axes in self.marks.items():
            if state[key].ndim != axes:
                raise WeightsError(
                    f"{source}: {key} should have {axes} axes, but its shape is {tuple(state[key].shape)}"
                )

    def name(self, own: str) -> str:
        """The published name of one of our tensors."""
        for pattern, text in self.renames:
            if match := re.match(pattern, own):
                return match.expand(text) + own[match.end() :]
        return own


def count(state: Mapping[str, Tensor], pattern: str) -> int:
    """The number of numbered parts: how many different numbers the pattern's group matches in the keys.

    A single key with a large number must not make a model of that many layers.

    Example:
        >>> count({"blocks.0.bias": None, "blocks.0.weight": None, "blocks.1.bias": None}, r"blocks\\.(\\d+)\\.")
        2
    """
    return len({match[1] for key in state if (match := re.match(pattern, key))})
