"""The :class:`Card`: what a network's weights were trained for."""

import copy
from dataclasses import dataclass
from typing import Literal, TypeVar

from torch import nn

from poseglass.body.skeleton import H36M_17, SKELETONS
from poseglass.errors import ModelError

__all__ = ["Card"]

M = TypeVar("M", bound=nn.Module)

# The allowed values of fields that have a fixed set of them.
CHOICES: dict[str, tuple[str, ...]] = {
    "coordinates": ("person", "screen"),
    "answers": ("all", "centre"),
    "skeleton": tuple(SKELETONS),
    "units": ("metres", "screen"),
}


@dataclass(frozen=True)
class Card:
    """What a network's weights were trained for.

    A model carries a card (``model.card``), and :func:`poseglass.save` stores it with the weights. It never changes:
    ``model.with_card(dataclasses.replace(model.card, keypoints="cpn"))`` returns a model with another card.

    Attributes:
        coordinates: The coordinates of the input's x and y. ``"person"``: those of
            :func:`poseglass.clips.person.person_coordinates`. ``"screen"``: x runs from -1 to 1 over the image's width,
            as published models expect (:func:`poseglass.clips.view.screen_view`).
        answers: The frames whose poses are valid: ``"all"``, or only the clip's ``"centre"`` (seq2frame training).
        keypoints: The 2D poses used in training, such as ``"cpn"`` or ``"gt"``; empty if unknown.
        skeleton: The joints of input and output, by a name that :func:`poseglass.body.skeleton.get_skeleton` knows.
        units: The unit of the output, in camera space: ``"metres"``, or ``"screen"`` for half the image's width, as
            MotionBERT predicts (:func:`poseglass.clips.screen.screen_to_metres`).
        keeps: The least and the largest share of a clip's frames that the waist kept in training, such as (0.1, 1.0);
            None if it always kept the same number.

    Raises:
        ModelError: A field has a value that is not allowed.

    Example:
        >>> from dataclasses import replace
        >>> replace(Card(coordinates="screen"), keypoints="cpn").coordinates
        'screen'
    """

    coordinates: Literal["person", "screen"] = "person"
    answers: Literal["all", "centre"] = "all"
    keypoints: str = ""
    skeleton: str = H36M_17.name
    units: Literal["metres", "screen"] = "metres"
    keeps: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise ModelError(f"{name} should be {' or '.join(choices)}, not {value!r}")
        if self.units == "screen" and self.coordinates != "screen":
            raise ModelError("units of the screen need screen coordinates: leave units at metres")
        if not isinstance(self.keypoints, str):
            raise ModelError(f"keypoints should be text, not {self.keypoints!r}")
        if self.keeps is not None and not (len(self.keeps) == 2 and 0 < self.keeps[0] <= self.keeps[1] <= 1):
            raise ModelError(f"keeps should be None or two shares of a clip, the smaller first, not {self.keeps!r}")


def shallow_copy(module: M) -> M:
    """A second module that shares parameters, buffers and submodules with the first."""
    twin = copy.copy(module)
    for name in ("_parameters", "_buffers", "_modules"):
        twin.__dict__[name] = dict(twin.__dict__[name])
    return twin
