"""Weights that are NaN or infinite make every pose so. They are found where weights enter, not in the poses."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from poseglass.errors import ModelError

__all__ = ["check_finite", "not_finite"]


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of the tensors that have a NaN or infinite element, sorted.

    Example:
        >>> not_finite({"a": torch.ones(2), "b": torch.tensor([0, float("nan")])})
        ['b']
    """
    return sorted(
        name
        for name, value in tensors.items()
        if value.is_floating_point() and not value.is_meta and not torch.isfinite(value).all()
    )


def check_finite(model: nn.Module) -> None:
    """Refuse a model with weights that are NaN or infinite.

    Raises:
        ModelError: It has some; the message names the first of them.
    """
    if names := not_finite(model.state_dict()):
        raise ModelError(
            f"the {type(model).__name__} has weights that are NaN or infinite ({', '.join(names[:4])}), so all its "
            "poses would be: its training diverged; take earlier weights"
        )
