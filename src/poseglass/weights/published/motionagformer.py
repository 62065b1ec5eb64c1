"""MotionAGFormer (Mehraban et al., WACV 2024) and HoT w. MotionAGFormer (Li et al., CVPR 2024) as published."""

from collections.abc import Mapping

from torch import Tensor

from poseglass.models import MotionAGFormer
from poseglass.weights.published._base import Architecture, Choices, count

__all__ = ["MOTIONAGFORMER"]

# The tensor whose length is the number of frames that a layer takes.
LENGTH = "layers.{}.graph_temporal.mixer.batch_norm.weight"
HIDDEN = "layers.0.att_spatial.mlp.fc1.weight"


def lengths(state: Mapping[str, Tensor]) -> list[int]:
    """How many frames each layer takes; where a layer's BatchNorm is missing, as many as the layer before."""
    norm, found = state[LENGTH.format(0)], []
    for index in range(count(state, r"layers\.(\d+)\.")):
        norm = state.get(LENGTH.format(index), norm)
        found.append(norm.numel())
    return found


def build(state: Mapping[str, Tensor], choices: Choices) -> MotionAGFormer:
    """A MotionAGFormer of the checkpoint's sizes; 8 heads and 2 neighbours, or 4 and 4 in HoT's release."""
    dim, inputs = state["joints_embed.weight"].shape
    frames = lengths(state)
    heads, neighbours = (4, 4) if "pos_embed_token" in state else (8, 2)
    return MotionAGFormer(
        frames=frames,
        dim=dim,
        depth=len(frames),
        heads=heads if choices.heads is None else choices.heads,
        neighbours=neighbours if choices.neighbours is None else choices.neighbours,
        inputs=inputs,
        hidden=len(state[HIDDEN]),
        rep=len(state["rep_logit.fc.weight"]),
    )


MOTIONAGFORMER = Architecture(
    name="MotionAGFormer",
    marks={"joints_embed.weight": 2, "rep_logit.fc.weight": 2, HIDDEN: 2, LENGTH.format(0): 1},
    renames=(
        (r"project\.", "joints_embed."),
        (r"joint_embedding", "pos_embed"),
        (r"layers\.(\d+)\.fusion\.choose\.", r"layers.\1.fusion."),
        (r"layers\.(\d+)\.(\w+)_attention\.scale", r"layers.\1.att_\2.layer_scale_"),
        (r"layers\.(\d+)\.(\w+)_attention\.", r"layers.\1.att_\2."),
        (r"layers\.(\d+)\.(\w+)_graph\.scale", r"layers.\1.graph_\2.layer_scale_"),
        (r"layers\.(\d+)\.(\w+)_graph\.mixer\.own\.", r"layers.\1.graph_\2.mixer.U."),
        (r"layers\.(\d+)\.(\w+)_graph\.mixer\.others\.", r"layers.\1.graph_\2.mixer.V."),
        (r"layers\.(\d+)\.(\w+)_graph\.mixer\.norm\.", r"layers.\1.graph_\2.mixer.batch_norm."),
        (r"layers\.(\d+)\.(\w+)_graph\.", r"layers.\1.graph_\2."),
        (r"represent\.", "rep_logit.fc."),
        (r"head_project\.", "head."),
    ),
    build=build,
    at=7,
)
