"""Use a model in evaluation mode without changing it."""

import copy
from typing import TypeVar

from torch import nn

__all__ = ["in_eval_mode"]

M = TypeVar("M", bound=nn.Module)


def in_eval_mode(model: M) -> M:
    """A copy of a model in evaluation mode that shares its weights. The model itself keeps its mode.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 1), nn.Dropout()).train()
        >>> twin = in_eval_mode(model)
        >>> twin[1].training, model[1].training, twin[0].weight is model[0].weight
        (False, True, True)
    """
    shared: dict[int, object] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    for module in model.modules():  # the tables too, so that a parameter that is replaced is replaced in both
        shared |= {id(table): table for table in (module._parameters, module._buffers)}
    return copy.deepcopy(model, shared).eval()
