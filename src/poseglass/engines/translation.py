"""How operators that torch's ONNX exporter does not know are written in ONNX.

Importing this module needs onnxscript.
"""

from collections.abc import Callable
from typing import Any

import torch
from onnxscript import opset18

__all__ = ["OPSET", "TRANSLATIONS"]

op: Any = opset18
OPSET = 18
"""The version of ONNX's operators."""


def distances(x1: Any, x2: Any, p: float, compute_mode: int | None = None) -> Any:
    """``torch.cdist`` for p = 2: the norms of all differences."""
    difference = op.Sub(op.Unsqueeze(x1, [2]), op.Unsqueeze(x2, [1]))
    return op.Sqrt(op.ReduceSum(op.Mul(difference, difference), [-1], keepdims=0))


def sort(x: Any, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:
    """A stable sort: of equal numbers, ONNX's TopK takes that with the lower index first."""
    count = op.Gather(op.Shape(x), op.Constant(value_ints=[dim]))
    return op.TopK(x, count, axis=dim, largest=1 if descending else 0, sorted=1)


def insertion_points(sorted_sequence: Any, values: Any, out_int32: bool = False, right: bool = False) -> Any:
    """``torch.searchsorted`` of rows: how many numbers of a row are below each value."""
    below = op.Less(op.Unsqueeze(sorted_sequence, [-2]), op.Unsqueeze(values, [-1]))
    return op.ReduceSum(op.Cast(below, to=7), [-1], keepdims=0)  # 7 is ONNX's number for int64


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.ops.aten._cdist_forward.default: distances,
    torch.ops.aten.sort.stable: sort,
    torch.ops.aten.searchsorted.Tensor: insertion_points,
}
"""For each operator of torch, the function that writes it in ONNX."""
