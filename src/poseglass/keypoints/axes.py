"""Which axis of an array is which: frames, people, joints, coordinates."""

from typing import Literal

import numpy as np
from jaxtyping import Num
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["ORDERS", "Order", "frames_first"]

Order = Literal["frames people", "people frames"]
ORDERS: tuple[Order, ...] = ("frames people", "people frames")
"""The orders of the first two axes of an array of several people."""

CROWD = 10
"""An array whose first axis is longer cannot be told from frames of many people."""
CLEARLY = 3
"""How many times as many frames as people there must be in an array that starts with the people."""


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
    people_first = one <= CROWD and two >= CLEARLY * one
    if order is None and one <= two and not people_first and two > 1:
        raise FormatError(
            f"{place} has shape {table.shape}: {one} frames of {two} people, or {two} frames of {one} people? "
            "Save it in an .npz file as 'keypoints', with axes='frames people' or axes='people frames'"
        )
    if order == "people frames" or (order is None and people_first and one < two):
        return np.swapaxes(table, 0, 1)  # f p j _
    return table
