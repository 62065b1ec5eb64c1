"""MotionBERT (Zhu et al., ICCV 2023) and HoT w. MotionBERT (Li et al., CVPR 2024) as published."""

from collections.abc import Mapping

from torch import Tensor

from poseglass.models import MotionBERT
from poseglass.weights.published._base import Architecture, Choices, count

__all__ = ["MOTIONBERT"]


def build(state: Mapping[str, Tensor], choices: Choices) -> MotionBERT:
    """A MotionBERT of the checkpoint's sizes, with 8 heads as published."""
    dim, inputs = state["joints_embed.weight"].shape
    return MotionBERT(
        frames=state["temp_embed"].shape[1],
        joints=state["pos_embed"].shape[1],
        dim=dim,
        rep=state["pre_logits.fc.weight"].shape[0],
        depth=count(state, r"blocks_st\.(\d+)\."),
        heads=8 if choices.heads is None else choices.heads,
        mlp_ratio=state["blocks_st.0.mlp_s.fc1.weight"].shape[0] / dim,
        inputs=inputs,
    )


MOTIONBERT = Architecture(
    name="MotionBERT",
    marks={
        "joints_embed.weight": 2,
        "pos_embed": 3,
        "temp_embed": 4,
        "blocks_st.0.mlp_s.fc1.weight": 2,
        "pre_logits.fc.weight": 2,
    },
    renames=(
        (r"project\.", "joints_embed."),
        (r"joint_embedding", "pos_embed"),
        (r"time_embedding", "temp_embed"),
        (r"joints_first_spatial\.(\d+)\.(\w+)", r"blocks_st.\1.\2_s"),
        (r"joints_first_temporal\.(\d+)\.(\w+)", r"blocks_st.\1.\2_t"),
        (r"frames_first_spatial\.(\d+)\.(\w+)", r"blocks_ts.\1.\2_s"),
        (r"frames_first_temporal\.(\d+)\.(\w+)", r"blocks_ts.\1.\2_t"),
        (r"fusions\.(\d+)\.choose\.", r"ts_attn.\1."),
        (r"final_norm\.", "norm."),
        (r"represent\.", "pre_logits.fc."),
        (r"head_project\.", "head."),
    ),
    build=build,
    at=1,
)
