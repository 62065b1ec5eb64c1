"""`Draws`: random tensors from a generator of torch or numpy.

Training draws from a generator of torch on the model's device. The evaluation protocol and the synthetic data sets draw
from a generator of numpy, whose numbers are the same on every machine.
"""

from abc import ABC, abstractmethod
from itertools import accumulate
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from numpy.random import Generator
from torch import Tensor

from poseglass.clips.constants import constant

__all__ = ["Draws", "NumpyDraws", "TorchDraws"]


class Draws(ABC):
    """A source of random tensors on one device, of one type."""

    device: torch.device
    dtype: torch.dtype

    @abstractmethod
    def uniform(self, low: float, high: float, *shape: int) -> Float[Tensor, "..."]:
        """Numbers from `low` to below `high`."""

    @abstractmethod
    def normal(self, *shape: int) -> Float[Tensor, "..."]:
        """Numbers with mean 0 and standard deviation 1."""

    @abstractmethod
    def integers(self, low: int, high: int, *shape: int) -> Int[Tensor, "..."]:
        """Integers from `low` to below `high`."""

    @final
    def chance(self, share: float, *shape: int) -> Bool[Tensor, "..."]:
        """True with the probability `share`."""
        return self.uniform(0, 1, *shape) < share

    @final
    def choice(self, shares: tuple[float, ...], count: int) -> Int[Tensor, " b"]:
        """Numbers of entries (b), each drawn with its share; the shares add up to 1."""
        total = sum(shares)
        edges = constant(tuple(edge / total for edge in accumulate(shares)), self.device, self.dtype)
        return torch.searchsorted(edges, self.uniform(0, 1, count), right=True).clamp(max=len(shares) - 1)


@final
class TorchDraws(Draws):
    """Draws float32 tensors from a generator of torch, on the generator's device.

    Example:
        >>> draws = TorchDraws(torch.Generator().manual_seed(0))
        >>> [*draws.uniform(-1, 1, 2, 3).shape]
        [2, 3]
    """

    def __init__(self, generator: torch.Generator) -> None:
        self.generator, self.device, self.dtype = generator, generator.device, torch.float32

    def uniform(self, low: float, high: float, *shape: int) -> Float[Tensor, "..."]:
        """Numbers from `low` to below `high`."""
        numbers = torch.rand(shape, generator=self.generator, device=self.device)
        return numbers.mul_(high - low).add_(low)

    def normal(self, *shape: int) -> Float[Tensor, "..."]:
        """Numbers with mean 0 and standard deviation 1."""
        return torch.randn(shape, generator=self.generator, device=self.device)

    def integers(self, low: int, high: int, *shape: int) -> Int[Tensor, "..."]:
        """Integers from `low` to below `high`."""
        return torch.randint(low, high, shape, generator=self.generator, device=self.device)


@final
class NumpyDraws(Draws):
    """Draws float64 tensors on the processor from a generator of numpy.

    Example:
        >>> import numpy as np
        >>> draws, rng = NumpyDraws(np.random.default_rng(0)), np.random.default_rng(0)
        >>> draws.uniform(2, 3, 4).tolist() == rng.uniform(2, 3, 4).tolist()
        True
    """

    def __init__(self, rng: Generator) -> None:
        self.rng, self.device, self.dtype = rng, torch.device("cpu"), torch.float64

    def uniform(self, low: float, high: float, *shape: int) -> Float[Tensor, "..."]:
        """Numbers from `low` to below `high`."""
        return torch.from_numpy(self.rng.uniform(low, high, shape))

    def normal(self, *shape: int) -> Float[Tensor, "..."]:
        """Numbers with mean 0 and standard deviation 1."""
        return torch.from_numpy(self.rng.normal(size=shape))

    def integers(self, low: int, high: int, *shape: int) -> Int[Tensor, "..."]:
        """Integers from `low` to below `high`."""
        return torch.from_numpy(self.rng.integers(low, high, shape))
