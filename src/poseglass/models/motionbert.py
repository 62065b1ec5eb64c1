"""MotionBERT: a joints-first stream and a frames-first stream, fused in each layer (Zhu et al., ICCV 2023).

The paper calls the network DSTformer: "MotionBERT: A Unified Perspective on Learning Human Motion Representations",
arXiv 2210.06551.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from poseglass._shapes import Pose2D, Pose3D, Received, Tokens
from poseglass.models._base import PoseTransformer, check_heads, check_sizes
from poseglass.models.card import Card
from poseglass.models.layers import Block, Fusion, Linear
from poseglass.models.published import Published, count

__all__ = ["MotionBERT"]


def published_sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The constructor's arguments of a published checkpoint: MotionBERT's own, or HoT's (Li et al., CVPR 2024)."""
    dim, inputs = state["joints_embed.weight"].shape
    return {
        "frames": state["temp_embed"].shape[1],
        "joints": state["pos_embed"].shape[1],
        "dim": dim,
        "rep": state["pre_logits.fc.weight"].shape[0],
        "depth": count(state, r"blocks_st\.(\d+)\."),
        "heads": 8,  # not in the tensors; as published
        "mlp_ratio": state["blocks_st.0.mlp_s.fc1.weight"].shape[0] / dim,
        "inputs": inputs,
    }


PUBLISHED = Published(
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
    sizes=published_sizes,
    at=1,
    units="screen",
)


@final
class MotionBERT(PoseTransformer):
    """MotionBERT: in each layer, one stream attends over joints, then frames; the other does so in reverse order.

    Args:
        frames: Frames of a clip.
        dim: Channels of a token.
        rep: Channels of a joint's motion representation, which the head projects to its position.
        depth: Layers, each with two spatial and two temporal blocks.
        heads: Attention heads; they must divide `dim`.
        mlp_ratio: Hidden channels of the mlps, as a multiple of `dim`.
        inputs: Coordinates of an input joint, 2 (x, y) or 3 (x, y, score).
        joints: Joints of a pose.
        card: What the weights are trained for; the default card if None.

    Raises:
        ModelError: `heads` does not divide `dim`.

    Example:
        >>> import torch
        >>> MotionBERT(frames=9, dim=32, rep=64, depth=2)(torch.zeros(1, 9, 17, 3)).shape
        torch.Size([1, 9, 17, 3])
    """

    joint_parameters: ClassVar[tuple[str, ...]] = ("joint_embedding",)
    time_parameters: ClassVar[tuple[str, ...]] = ("time_embedding",)
    # No `output_parameters`: as published, they are small enough (std 0.02) for poses to start near the pelvis.
    published: ClassVar[Published | None] = PUBLISHED

    def __init__(
        self,
        *,
        frames: int = 243,
        dim: int = 256,
        rep: int = 512,
        depth: int = 5,
        heads: int = 8,
        mlp_ratio: float = 4,
        inputs: int = 3,
        joints: int = 17,
        card: Card | None = None,
    ) -> None:
        super().__init__(card=card)
        check_heads(heads, dim)
        self.frames, self.dim, self.depth, self.heads, self.inputs = frames, dim, depth, heads, inputs
        self.joints = joints
        self.config = {
            "frames": frames, "dim": dim, "rep": rep, "depth": depth, "heads": heads, "mlp_ratio": mlp_ratio,
            "inputs": inputs, "joints": joints,
        }  # fmt: skip
        check_sizes(self.config)
        self.joint_embedding = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, joints, dim), std=0.02))
        self.time_embedding = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, frames, dim), std=0.02))
        self.project = nn.Linear(inputs, dim)

        def blocks() -> nn.ModuleList:
            return nn.ModuleList(Block(dim, round(mlp_ratio * dim), heads=heads) for _ in range(depth))

        self.joints_first_spatial, self.joints_first_temporal = blocks(), blocks()
        self.frames_first_temporal, self.frames_first_spatial = blocks(), blocks()
        self.final_norm = nn.LayerNorm(dim, eps=1e-6)
        self.represent = Linear(dim, rep)
        self.head_project = nn.Linear(rep, 3)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        # After the loop, because a fusion sets its own initial weights.
        self.fusions = nn.ModuleList(Fusion(dim) for _ in range(depth))

    def embed(self, pose2d: Pose2D) -> Tokens:
        """Embed coordinates as tokens (b f j c): a projection plus the embeddings of the joint and the frame."""
        tokens: Tensor = self.project(pose2d) + self.joint_embedding + self.time_embedding[:, :, None]
        return tokens

    def parts(self, index: int) -> Sequence[nn.Module]:
        """The blocks of both streams and their fusion; see :meth:`PoseTransformer.parts`."""
        joints_first = self.joints_first_spatial[index], self.joints_first_temporal[index]
        frames_first = self.frames_first_temporal[index], self.frames_first_spatial[index]
        return *joints_first, *frames_first, self.fusions[index]

    def layer(self, index: int, tokens: Tokens, received: Received | None = None) -> Tokens:
        """Run both streams and fuse them; see :meth:`PoseTransformer.layer`."""
        joints_first = self.joints_first_spatial[index](tokens, axis=2)
        joints_first = self.joints_first_temporal[index](joints_first, received, axis=1)
        frames_first = self.frames_first_temporal[index](tokens, received, axis=1)
        frames_first = self.frames_first_spatial[index](frames_first, axis=2)
        fused: Tensor = self.fusions[index](joints_first, frames_first)
        if index == self.depth - 1:  # here rather than in the head, because HoT recovers frames from normalised tokens
            fused = self.final_norm(fused)
        return fused

    def head(self, tokens: Tokens) -> Pose3D:
        """Project each token to its motion representation, then to x, y, z."""
        pose: Tensor = self.head_project(self.represent(tokens, then="tanh"))
        return pose
