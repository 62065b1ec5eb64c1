"""The duration of work on a device, the rate of a large matrix product, and the memory of a forward pass."""

import weakref
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from poseglass._shapes import Pose2D
from poseglass.models import devices, kernels

__all__ = ["Held", "Product", "elapsed", "peak_memory"]


def elapsed(work: Callable[[], object], where: torch.device) -> float:
    """The seconds that a device takes for some work, from an idle device to the end of the work.

    Example:
        >>> elapsed(lambda: None, torch.device("cpu")) < 1
        True
    """
    devices.synchronise(where)
    start = perf_counter()
    work()
    devices.synchronise(where)
    return perf_counter() - start


class Product:
    """A square matrix product that takes about a tenth of a second; smaller if bfloat16 is emulated, or on a fast GPU.

    On the CPU, both torch and the kernel of our layers (oneDNN, if the processor suits it) compute it. The faster one
    counts.

    Attributes:
        aim: The least number of seconds that it should take.
        largest: The largest side, by the type of device: a larger product would not be faster per FLOP.
        side: Rows and columns of its factors.
        rates: FLOPs per second, one for each :meth:`time`.
    """

    aim: ClassVar[float] = 0.1
    largest: ClassVar[dict[str, int]] = {"cpu": 4096, "cuda": 8192, "mps": 4096}

    def __init__(self, dtype: torch.dtype, where: torch.device) -> None:
        self.rates: list[float] = []
        self.side, self._where, seconds = 128, where, 0.0
        while seconds < self.aim and self.side < self.largest[where.type]:
            self.side *= 2
            noise = torch.Generator().manual_seed(0)
            self._factor: Float[Tensor, "n n"] = torch.randn(self.side, self.side, generator=noise).to(where, dtype)
            seconds = min(self._once(), self._once())

    def _once(self) -> float:
        wide = kernels.WIDE and self._where.type == "cpu"
        forms = (kernels.plain_linear, kernels.onednn_linear) if wide else (kernels.plain_linear,)
        x = self._factor
        with torch.inference_mode():
            return min(elapsed(partial(form, x, x, None, "none"), self._where) for form in forms)

    def time(self) -> None:
        """Append to `rates` the rate of the fastest of three products."""
        self.rates.append(2 * self.side**3 / min(self._once() for _ in range(3)))


class Held(TorchDispatchMode):
    """Counts the bytes of live tensors that are created while it is active.

    Args:
        existing: Tensors that already exist and count from the start.

    Attributes:
        now: Bytes held now.
        most: The most bytes held so far.
    """

    def __init__(self, *existing: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._known: set[int] = set()
        for tensor in existing:
            self._add(tensor)

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        place, size = int(storage._cdata), storage.nbytes()
        if place in self._known:  # a view, or a tensor that was changed in place
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


@torch.inference_mode(False)  # in which tensors within composite operations would not be seen
def peak_memory(model: nn.Module, pose2d: Pose2D) -> int:
    """The most bytes that tensors hold at once in a forward pass, weights and input included, on any device."""
    held = Held(*model.parameters(), *model.buffers(), pose2d)
    with torch.no_grad(), held:
        model(pose2d)
    return held.most
