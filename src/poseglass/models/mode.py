"""Run a model in evaluation mode, then restore its mode."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

__all__ = ["evaluation_mode"]


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode for the block, then restore the mode of each of its parts.

    Args:
        model: Any module. Its parts may be in different modes, such as a frozen backbone within a model in training.

    Example:
        >>> model = nn.Sequential(nn.Linear(1, 1), nn.Dropout())
        >>> with evaluation_mode(model):
        ...     print(model[1].training)
        False
        >>> model[1].training
        True
    """
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
