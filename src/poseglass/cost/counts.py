"""The table of ``poseglass bench --paper``: published counts of parameters and FLOPs next to our own."""

from collections.abc import Sequence

from poseglass.cost.flops import count_flops, count_parameters
from poseglass.cost.papers import TABLES, PublishedModel
from poseglass.files.tables import markdown_table

__all__ = ["count_table"]

GIGA, MEGA = 1e9, 1e6
HEADING = (
    "model (frames kept at layer)", "parameters, M", "published", "paper, G", "published", "full, G", "published",
    "executed here, G", "saved, paper",
)  # fmt: skip


def count_table(models: Sequence[PublishedModel] = TABLES["h36m"].models) -> str:
    """Format a Markdown table of published counts, our own counts, and the FLOPs executed here.

    The last column is the share of the backbone's FLOPs that a waist saves, if the backbone is in an earlier row.

    Args:
        models: Published models. Those without counts are left out.

    Example:
        >>> print(count_table(TABLES["h36m"].models[:2]).splitlines()[-1])
        | TPC w. MHFormer (117 at 1) | 31.52 | 31.52 | 8.22 | 8.22 | 9.16 | 9.16 | 9.16 | 41.9% |
    """
    rows: list[tuple[str, ...]] = [HEADING]
    backbones: dict[str, int] = {}  # paper FLOPs of the backbones so far
    for published in models:
        if published.setup is None or published.counts is None:
            continue
        setup, counts, model = published.setup, published.counts, published.build()
        flops = count_flops(model)
        saved = ""
        if setup.keep is None:
            detail = f"({model.frames})"
            backbones[setup.size] = flops.paper
        else:
            detail = f"({setup.keep} at {setup.at})"
            if setup.size in backbones:
                saved = f"{100 * (1 - flops.paper / backbones[setup.size]):.1f}%"
        parameters = count_parameters(model) / MEGA
        figures = (
            parameters, counts.parameters, flops.paper / GIGA, counts.paper, flops.full / GIGA, counts.full,
            flops.executed / GIGA,
        )  # fmt: skip
        rows.append((f"{published.name} {detail}", *(f"{figure:.2f}" for figure in figures), saved))
    return markdown_table(rows)
