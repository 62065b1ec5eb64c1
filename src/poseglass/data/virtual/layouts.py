"""The keypoint layouts of detectors: how their joints become the 17 joints of Human3.6M."""

from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from poseglass.body.skeleton import BLAZEPOSE_33, BODY_25, COCO_17, H36M_17, HALPE_26, conversion
from poseglass.data.virtual.face import H36M_FACE

__all__ = ["LAYOUTS", "LAYOUT_SHARES", "layout_number", "observe"]

LAYOUTS = (H36M_17, COCO_17, HALPE_26, BODY_25, BLAZEPOSE_33)
# The shares of clips with each layout. Our own choice; the published weights were trained with it.
LAYOUT_SHARES = {"h36m17": 0.4, "coco17": 0.15, "halpe26": 0.15, "body25": 0.15, "blazepose33": 0.15}


def layout_number(name: str) -> int:
    """The number of a layout in :data:`LAYOUTS` by its skeleton's name.

    Example:
        >>> layout_number("coco17")
        1
    """
    return [skeleton.name for skeleton in LAYOUTS].index(name)


def observe(
    points: Float[Tensor, "b f 23 2"], scores: Float[Tensor, "b f 23"], layout: Int[Tensor, " b"]
) -> tuple[Float[Tensor, "b f 17 2"], Float[Tensor, "b f 17"]]:
    """Convert joints to a detector's layout and on to the 17 joints, as inference does.

    Args:
        points: Positions of the joints of :data:`poseglass.data.virtual.face.H36M_FACE` (b f 23 2).
        scores: Their scores (b f 23).
        layout: The number of each clip's layout in :data:`LAYOUTS` (b).

    Returns:
        Positions (b f 17 2) and scores (b f 17). A joint's score is the lowest of those it is computed from.
    """
    matrix = _conversions(points.device, points.dtype)[layout]  # b 17 23
    converted = matrix[:, None] @ points
    # A joint is computed from at most five others, so the lowest score is that of five sources.
    sources = _sources(points.device)[layout]  # b 17 5
    chosen = scores[:, :, None].expand(-1, -1, 17, -1).gather(-1, sources[:, None].expand(-1, scores.shape[1], -1, -1))
    return converted, chosen.amin(-1)


@cache
def _conversions(device: torch.device, dtype: torch.dtype) -> Float[Tensor, "_ 17 23"]:
    """For each layout, the matrix from :data:`H36M_FACE` to the 17 joints."""
    matrices = torch.zeros(len(LAYOUTS), 17, len(H36M_FACE), dtype=torch.float64)
    matrices[0] = torch.from_numpy(conversion(H36M_FACE, H36M_17).copy())
    for number, layout in enumerate(LAYOUTS[1:], start=1):
        matrix = conversion(layout, H36M_17)
        for column, joint in enumerate(layout.joints):
            if matrix[:, column].any():
                matrices[number, :, H36M_FACE.index(joint)] = torch.from_numpy(matrix[:, column].copy())
    return matrices.to(device, dtype)


@cache
def _sources(device: torch.device) -> Int[Tensor, "_ 17 _"]:
    """For each layout and joint, the joints it is computed from, the first of them repeated to equal numbers."""
    used = _conversions(torch.device("cpu"), torch.float64) != 0
    longest = int(used.sum(-1).max())
    tables = []
    for matrix in used:
        rows = [row.nonzero()[:, 0].tolist() for row in matrix]
        tables.append([row + [row[0]] * (longest - len(row)) for row in rows])
    return torch.tensor(tables, device=device)
