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
INT64 = 7  # ONNX's number for the type


def distances(x1: Any, x2: Any, p: float, compute_mode: int | None = None) -> Any:
    """``torch.cdist`` for p = 2: the norms of all differences."""
    difference = op.Sub(op.Unsqueeze(x1, [2]), op.Unsqueeze(x2, [1]))
    return op.Sqrt(op.ReduceSum(op.Mul(difference, difference), [-1], keepdims=0))


def sort(x: Any, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:
    """A stable sort: a number's place is how many belong before it, with equal numbers in the order of their indices.

    ONNX's TopK would say the same, but OpenVINO's TopK leaves the order of equal numbers open.
    """
    axis = dim if dim >= 0 else dim + len(x.shape)
    own, other = op.Unsqueeze(x, [axis + 1]), op.Unsqueeze(x, [axis])
    indices = op.Range(0, op.Squeeze(op.Gather(op.Shape(x), [axis]), [0]), 1)
    trailing = [*range(1, len(x.shape) - axis)]
    row, column = (
        op.Unsqueeze(indices, [1, *(1 + each for each in trailing)]),
        op.Unsqueeze(indices, [0, *(1 + each for each in trailing)]),
    )
    beyond = op.Greater(other, own) if descending else op.Less(other, own)
    before = op.Or(beyond, op.And(op.Equal(other, own), op.Less(column, row)))
    places = op.ReduceSum(op.Cast(before, to=INT64), [axis + 1], keepdims=0)
    along = op.Unsqueeze(indices, trailing) if trailing else indices
    order = op.ScatterElements(places, places, op.Expand(along, op.Shape(x)), axis=axis)
    return op.GatherElements(x, order, axis=axis), order


def insertion_points(sorted_sequence: Any, values: Any, out_int32: bool = False, right: bool = False) -> Any:
    """``torch.searchsorted`` of rows: how many numbers of a row are below each value."""
    below = op.Less(op.Unsqueeze(sorted_sequence, [-2]), op.Unsqueeze(values, [-1]))
    return op.ReduceSum(op.Cast(below, to=INT64), [-1], keepdims=0)


def running_maximum(x: Any, dim: int) -> Any:
    """The values of ``torch.cummax``. Its indices, the second result, are not computed: nothing here uses them."""
    axis, so_far = _so_far(x, dim)
    values = op.ReduceMax(
        op.Where(so_far, op.Unsqueeze(x, [axis]), op.ReduceMin(x, keepdims=0)), [axis + 1], keepdims=0
    )
    return values, values


def running_minimum(x: Any, dim: int) -> Any:
    """The values of ``torch.cummin``; see :func:`running_maximum`."""
    axis, so_far = _so_far(x, dim)
    values = op.ReduceMin(
        op.Where(so_far, op.Unsqueeze(x, [axis]), op.ReduceMax(x, keepdims=0)), [axis + 1], keepdims=0
    )
    return values, values


def _so_far(x: Any, dim: int) -> tuple[int, Any]:
    """The axis, counted from the first, and for each place along it the places up to it (n n ...)."""
    axis = dim if dim >= 0 else dim + len(x.shape)
    indices = op.Range(0, op.Squeeze(op.Gather(op.Shape(x), [axis]), [0]), 1)
    trailing = [*range(2, len(x.shape) - axis + 1)]
    return axis, op.LessOrEqual(op.Unsqueeze(indices, [0, *trailing]), op.Unsqueeze(indices, [1, *trailing]))


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.ops.aten._cdist_forward.default: distances,
    torch.ops.aten.sort.stable: sort,
    torch.ops.aten.cummax.default: running_maximum,
    torch.ops.aten.cummin.default: running_minimum,
    torch.ops.aten.searchsorted.Tensor: insertion_points,
}
"""For each operator of torch, the function that writes it in ONNX."""
