"""A matrix product's rate and a forward pass's memory, which :mod:`poseglass.cost.benchmark` measures models by."""

import weakref
from time import perf_counter
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from poseglass._shapes import Pose2D

__all__ = ["Held", "Product", "peak_memory"]


class Product:
    """A matrix product as large as can be had in about a tenth of a second; where bfloat16 is emulated, not so large.

    Attributes:
        aim: How many seconds it shall take at least.
        side: Rows and columns of its factors.
        rates: FLOPs a second that it reached, each time that it was timed.
    """

    aim: ClassVar[float] = 0.1

    def __init__(self, dtype: torch.dtype) -> None:
        self.rates: list[float] = []
        self.side, seconds = 128, 0.0
        while seconds < self.aim and self.side < 4096:
            self.side *= 2
            noise = torch.Generator().manual_seed(0)
            self._factor: Float[Tensor, "n n"] = torch.randn(self.side, self.side, generator=noise).to(dtype)
            seconds = min(self._once(), self._once())

    def _once(self) -> float:
        with torch.inference_mode():
            begin = perf_counter()
            self._factor @ self._factor
            return perf_counter() - begin

    def time(self) -> None:
        """The rate of the fastest of three."""
        self.rates.append(2 * self.side**3 / min(self._once() for _ in range(3)))


class Held(TorchDispatchMode):
    """Follows how many bytes the tensors hold that operations made while it was entered."""

    def __init__(self, *there: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._known: set[int] = set()
        for tensor in there:
            self._add(tensor)

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        place, size = int(storage._cdata), storage.nbytes()
        if place in self._known:  # a view, or what an operation was given and changed
            return
        self._known.add(place)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._drop, place, size).atexit = False

    def _drop(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._add(leaf)
        return out


def peak_memory(model: nn.Module, pose2d: Pose2D) -> int:
    """The most bytes that tensors hold at once in a forward pass, those of the weights and the input among them."""
    held = Held(*model.parameters(), *model.buffers(), pose2d)
    with torch.no_grad(), held:
        model(pose2d)
    return held.most
