"""CUDA graphs: record the kernels of a forward pass once, then start them all with one call."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, final

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from poseglass.errors import ModelError
from poseglass.models import devices

__all__ = ["Graphed"]

WARM_UPS = 3  # runs before recording, in which libraries choose their kernels, as torch's documentation advises


@dataclass(frozen=True, eq=False)
class _CapturedPass:
    graph: Any
    given: Tensor  # where the recorded kernels read their input
    result: Any  # where they write


@final
class Graphed:
    """A function of one CUDA tensor, recorded for each shape of the tensor at its first call, without gradients.

    At batch 1, Python takes longer to start the kernels of a network than the GPU takes to run them. A recording takes
    the memory of one forward pass until this object is deleted. It reads the weights where they are: they may change in
    place, but must not move.

    Args:
        run: The function, such as a model in evaluation mode. It returns a tensor, or tensors in tuples and
            dictionaries. It must not read values from the GPU.

    Example:
        >>> import poseglass as pg
        >>> model = Graphed(pg.load("balanced", device="cuda"))  # doctest: +SKIP
        >>> model(torch.zeros(1, 81, 17, 3, device="cuda")).shape  # doctest: +SKIP
        torch.Size([1, 81, 17, 3])
    """

    def __init__(self, run: Callable[[Tensor], Any]) -> None:
        self._run = run
        self._recordings: dict[tuple[torch.Size, torch.dtype, torch.device], _CapturedPass] = {}
        self._lock = Lock()  # calls share the tensors that the kernels read and write

    def __call__(self, x: Tensor) -> Any:
        """Run the function on `x`.

        Raises:
            ModelError: `x` is not on CUDA, or the function cannot be recorded.
        """
        if x.device.type != "cuda":
            raise ModelError(f"CUDA graphs need a tensor on CUDA, got one on {x.device}")
        key = (x.shape, x.dtype, x.device)
        with self._lock, devices.current(x.device), torch.inference_mode():
            if key not in self._recordings:
                self._recordings[key] = self._record(x)
            recording = self._recordings[key]
            recording.given.copy_(x)
            recording.graph.replay()
            return tree_map(torch.clone, recording.result)

    def _record(self, x: Tensor) -> _CapturedPass:
        given = x.clone()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                self._run(given)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may go on to use the GPU meanwhile.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                result = self._run(given)
        except RuntimeError as problem:
            raise ModelError(
                f"this model cannot be recorded as a CUDA graph ({problem}): run it without graphs"
            ) from None
        return _CapturedPass(graph, given, result)
