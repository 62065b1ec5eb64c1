"""Which axis of an array is which: frames, people, joints, coordinates."""

from typing import Literal

import numpy as np
from jaxtyping import Num
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["ORDERS", "Order", "frames_first", "notes_on_order"]

Order = Literal["frames people", "people frames"]
ORDERS: tuple[Order, ...] = ("frames people", "people frames")
"""The orders of the first two axes of an array of several people."""

CROWD = 10
"""An array whose first axis is longer cannot be told from frames of many people."""
CLEARLY = 3
"""How many times as many frames as people there must be in an array that starts with the people."""
REMEDY = "save it in an .npz file as 'keypoints', with axes='frames people' or axes='people frames'"


def frames_first(table: Num[ndarray, "..."], place: str, order: str | None = None) -> Num[ndarray, "f p j _"]:
    """The array as (frames, people, joints, 2 or 3), from such an array or (people, frames, joints, 2 or 3).

    Without an order, the sizes decide: frames are first if that axis is longer. People are first if they are at most
    :data:`CROWD` and frames are clearly more. The demos of MHFormer, StridedTransformer, MixSTE and HoT write such
    arrays of one person.

    Args:
        table: The array; without an axis of people, it holds one person.
        place: What error messages call it.
        order: The order of the first two axes, if it is known: one of :data:`ORDERS`.

    Raises:
        FormatError: The array has other axes, or the sizes do not tell people from frames.

    Example:
        >>> [frames_first(np.zeros(shape), "a").shape for shape in ((90, 17, 2), (90, 2, 17, 3), (1, 90, 17, 2))]
        [(90, 1, 17, 2), (90, 2, 17, 3), (90, 1, 17, 2)]
    """
    if order is not None and order not in ORDERS:
        raise FormatError(f"{place}: axes must be {' or '.join(map(repr, ORDERS))}, got {order!r}")
    if table.ndim == 3:
        return table[:, None]  # f 1 j _
    if table.ndim != 4:
        raise FormatError(
            f"{place} must have shape (frames, joints, 2 or 3) or (frames, people, joints, 2 or 3), got {table.shape}"
        )
    one, two = table.shape[:2]
    people_first = _starts_with_people(one, two)
    if order is None and one <= two and not people_first and two > 1:
        raise FormatError(
            f"{place} has shape {table.shape}: {one} frames of {two} people, or {two} frames of {one} people? To say "
            f"which, {REMEDY}"
        )
    if order == "people frames" or (order is None and people_first):
        return np.swapaxes(table, 0, 1)  # f p j _
    return table


def notes_on_order(shape: tuple[int, ...], place: str) -> tuple[str, ...]:
    """What :func:`frames_first` assumes of an array of several people, as a sentence; empty if it assumes nothing.

    Args:
        shape: The shape of the array.
        place: What the sentence calls it.

    Example:
        >>> [len(notes_on_order(shape, "a")) for shape in ((90, 2, 17, 3), (1, 90, 17, 2), (2, 90, 17, 3))]
        [0, 0, 1]
    """
    if len(shape) != 4 or shape[0] == 1 or not _starts_with_people(*shape[:2]):
        return ()
    return (f"{place} of shape {shape} is taken as {shape[1]} frames of {shape[0]} people; if that is wrong, {REMEDY}",)


def _starts_with_people(one: int, two: int) -> bool:
    """Whether the lengths of the first two axes can only be those of people and frames."""
    return one <= CROWD and one < two and two >= CLEARLY * one
