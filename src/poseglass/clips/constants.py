"""Constant tensors that stay on their device.

A tensor made from a list is copied to the device, and the processor waits for the copy. :func:`constant` copies once.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor

__all__ = ["constant"]


@cache
def constant(values: tuple[Any, ...], device: torch.device, dtype: torch.dtype = torch.int64) -> Tensor:
    """A tensor of constant values on a device: indices, tables, factors. Do not change it.

    Args:
        values: Numbers, or nested tuples of numbers.
        device: Where the tensor is.
        dtype: The type of its elements. Give it unless they are integers: equal numbers make the same constant.

    Example:
        >>> constant((1, 2), torch.device("cpu")).tolist()
        [1, 2]
    """
    with torch.inference_mode(False):  # a tensor made in inference mode could not be used in training
        return torch.tensor(values, device=device, dtype=dtype)
