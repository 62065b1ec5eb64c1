"""MixSTE (Zhang et al., CVPR 2022) and HoT w. MixSTE (Li et al., CVPR 2024) as published."""

from collections.abc import Mapping

from torch import Tensor

from poseglass.models import MixSTE
from poseglass.weights.published._base import Architecture, Choices, count

__all__ = ["MIXSTE"]


def build(state: Mapping[str, Tensor], choices: Choices) -> MixSTE:
    """A MixSTE of the checkpoint's sizes, with 8 heads as published."""
    dim, inputs = state["Spatial_patch_to_embedding.weight"].shape
    return MixSTE(
        frames=state["Temporal_pos_embed"].shape[1],
        joints=state["Spatial_pos_embed"].shape[1],
        dim=dim,
        depth=count(state, r"STEblocks\.(\d+)\."),
        heads=8 if choices.heads is None else choices.heads,
        inputs=inputs,
    )


MIXSTE = Architecture(
    name="MixSTE",
    marks={"Spatial_patch_to_embedding.weight": 2, "Spatial_pos_embed": 3, "Temporal_pos_embed": 3},
    renames=(
        (r"project\.", "Spatial_patch_to_embedding."),
        (r"joint_embedding", "Spatial_pos_embed"),
        (r"time_embedding", "Temporal_pos_embed"),
        (r"spatial\.", "STEblocks."),
        (r"temporal\.", "TTEblocks."),
        (r"spatial_norm\.", "Spatial_norm."),
        (r"temporal_norm\.", "Temporal_norm."),
        (r"head_norm\.", "head.0."),
        (r"head_project\.", "head.1."),
    ),
    build=build,
    at=3,
)
