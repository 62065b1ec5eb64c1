"""The rows of the papers' tables: models that are published, with the figures that their publications are known by.

Counted on the published models, batch 1, the conventions of :mod:`poseglass.cost.flops`: HoT (Li et al., CVPR 2024,
arXiv 2311.12028) and the backbones that it wraps.
"""

from dataclasses import dataclass

import torch

from poseglass.cost.flops import count_flops, count_parameters
from poseglass.models import create_model
from poseglass.waist.hourglass import Model, funnel, hourglass

__all__ = ["ROWS", "Row", "table"]

GIGA, MEGA = 1e9, 1e6


@dataclass(frozen=True)
class Row:
    """A published model and its figures.

    Attributes:
        name: As in the papers.
        size: The backbone's name in :data:`poseglass.models.MODELS`.
        parameters: In millions.
        paper: GFLOPs, Linear and Conv layers only.
        full: GFLOPs, every matrix product.
        keep: Frames kept, where the row has a waist.
        at: The layer before which the others are dropped.
        centre: Whether the centre frame's pose alone is asked for (seq2frame).

    Example:
        >>> row = Row("TPC w. MHFormer", "mhformer", 31.52, 8.22, 9.16, keep=117, at=1, centre=True)
        >>> count_flops(row.build()).paper
        8220251520
    """

    name: str
    size: str
    parameters: float
    paper: float
    full: float
    keep: int | None = None
    at: int | None = None
    centre: bool = False

    def build(self) -> Model:
        """The model without weights, on the meta device: enough to be counted.

        Raises:
            ModelError: This version has no such backbone, or it cannot have such a waist.
        """
        with torch.device("meta"):
            if self.keep is None:
                return create_model(self.size)
            if self.centre:
                return funnel(self.size, keep=self.keep, at=self.at)
            return hourglass(self.size, keep=self.keep, at=self.at)


ROWS = (
    Row("MixSTE", "mixste", 33.78, 277.25, 294.85),
    Row("HoT w. MixSTE", "mixste", 35.00, 167.51, 176.18, keep=81, at=3),
    Row("TPC w. MixSTE", "mixste", 33.78, 251.28, 266.85, keep=61, at=7, centre=True),
    Row("MotionBERT, 256 channels", "motionbert-lite", 16.00, 131.09, 142.09),
    Row("HoT w. MotionBERT", "motionbert-lite", 16.35, 63.21, 66.86, keep=81, at=1),
    Row("MotionAGFormer, 16 layers", "motionagformer-hot", 11.72, 95.92, 128.92),
    Row("HoT w. MotionAGFormer", "motionagformer-hot", 11.83, 60.52, 76.66, keep=81, at=7),
    Row("MHFormer", "mhformer", 31.52, 14.15, 16.44),
    Row("TPC w. MHFormer", "mhformer", 31.52, 8.22, 9.16, keep=117, at=1, centre=True),
)


def table() -> str:
    """Every row in Markdown: our counts beside the published ones, and what is executed here.

    Example:
        >>> print(table())  # doctest: +SKIP
    """
    lines = [
        "| model (frames kept at layer) | parameters, M | published | paper, G | published | full, G | published "
        "| executed here, G | saved, paper |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    whole: dict[str, int] = {}  # paper FLOPs of the backbones so far, which come before their waists
    for row in ROWS:
        model = row.build()
        flops = count_flops(model)
        saved, detail = "", f"({model.frames})"
        if row.keep is None:
            whole[row.size] = flops.paper
        else:
            detail = f"({row.keep} at {row.at})"
            saved = f"{100 * (1 - flops.paper / whole[row.size]):.1f}%" if row.size in whole else ""
        lines.append(
            f"| {row.name} {detail} | {count_parameters(model) / MEGA:.2f} | {row.parameters:.2f} "
            f"| {flops.paper / GIGA:.2f} | {row.paper:.2f} | {flops.full / GIGA:.2f} | {row.full:.2f} "
            f"| {flops.executed / GIGA:.2f} | {saved} |"
        )
    return "\n".join(lines)
