"""MHFormer (Li et al., CVPR 2022) as published; TPC w. MHFormer (HoT, CVPR 2024) has the very same keys."""

from collections.abc import Mapping

from torch import Tensor

from poseglass.models import MHFormer
from poseglass.weights.published._base import Architecture, Choices, count

__all__ = ["MHFORMER"]

LAYERS = "Transformer_hypothesis"


def build(state: Mapping[str, Tensor], choices: Choices) -> MHFormer:
    """An MHFormer of the checkpoint's sizes, with 8 heads in the layers and 9 in the encoders as published."""
    _, frames, dim = state[f"{LAYERS}.pos_embed_1"].shape
    joints = max(state["regression.1.weight"].shape[0] // 3, 1)
    return MHFormer(
        frames=frames,
        dim=dim,
        depth=count(state, LAYERS + r"\.SHR_blocks\.(\d+)\.") + 1,
        heads=8 if choices.heads is None else choices.heads,
        hidden=state[f"{LAYERS}.CHI_blocks.0.mlp.fc1.weight"].shape[0],
        encoder_depth=count(state, r"Transformer_encoder_1\.blocks\.(\d+)\."),
        inputs=state["Transformer_encoder_1.pos_embed"].shape[1] // joints,
        joints=joints,
    )


def renames() -> tuple[tuple[str, str], ...]:
    """Published names count from 1 whatever there are three of; ours from 0."""
    shr, chi = rf"{LAYERS}.SHR_blocks.\1.", f"{LAYERS}.CHI_blocks.0."
    pairs = []
    for i in range(3):
        pairs += [
            (rf"encoder_norms\.{i}\.", f"norm_{i + 1}."),
            (rf"encoders\.{i}\.row_embedding", f"Transformer_encoder_{i + 1}.pos_embed"),
            (rf"encoders\.{i}\.", f"Transformer_encoder_{i + 1}."),
            (rf"embeddings\.{i}\.", f"embedding_{i + 1}."),
            (rf"time_embeddings\.{i}", f"{LAYERS}.pos_embed_{i + 1}"),
            (rf"refine\.(\d+)\.norms\.{i}\.", rf"{shr}norm1_{i + 1}."),
            (rf"refine\.(\d+)\.attentions\.{i}\.", rf"{shr}attn_{i + 1}."),
            *((rf"interact\.norms\.{3 * i + j}\.", f"{chi}norm3_{i + 1}{j + 1}.") for j in range(3)),
            *(
                (rf"interact\.attentions\.{i}\.{ours}\.", f"{chi}attn_{i + 1}.{theirs}.")
                for ours, theirs in (
                    ("query", "linear_q"),
                    ("key", "linear_k"),
                    ("value", "linear_v"),
                    ("proj", "proj"),
                )
            ),
        ]
    return (
        *pairs,
        (r"refine\.(\d+)\.mixing\.norm\.", rf"{shr}norm2."),
        (r"refine\.(\d+)\.mixing\.mlp\.", rf"{shr}mlp."),
        (r"interact\.mixing\.norm\.", f"{chi}norm2."),
        (r"interact\.mixing\.mlp\.", f"{chi}mlp."),
        (r"head_norm\.", f"{LAYERS}.norm."),
        (r"head_batch_norm\.", "regression.0."),
        (r"head_project\.", "regression.1."),
    )


MHFORMER = Architecture(
    name="MHFormer",
    marks={
        "Transformer_encoder_1.pos_embed": 3,
        f"{LAYERS}.pos_embed_1": 3,
        f"{LAYERS}.CHI_blocks.0.mlp.fc1.weight": 2,
        "regression.1.weight": 3,
    },
    renames=renames(),
    build=build,
    at=1,
)
