"""MixSTE: alternating spatial and temporal blocks (Zhang et al., CVPR 2022, arXiv 2203.00859)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from poseglass._shapes import Pose2D, Pose3D, Received, Tokens
from poseglass.models._base import PoseTransformer, check_heads, check_sizes
from poseglass.models.card import Card
from poseglass.models.layers import Block
from poseglass.models.published import Published, count

__all__ = ["MixSTE"]


def published_sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The constructor's arguments of a published checkpoint: MixSTE's own, or HoT's with MixSTE (Li et al., 2024)."""
    dim, inputs = state["Spatial_patch_to_embedding.weight"].shape
    return {
        "frames": state["Temporal_pos_embed"].shape[1],
        "joints": state["Spatial_pos_embed"].shape[1],
        "dim": dim,
        "depth": count(state, r"STEblocks\.(\d+)\."),
        "heads": 8,  # not in the tensors; as published
        "inputs": inputs,
    }


PUBLISHED = Published(
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
    sizes=published_sizes,
    at=3,
)


@final
class MixSTE(PoseTransformer):
    """MixSTE: each layer attends over the joints of a frame, then over the frames of a joint.

    Args:
        frames: Frames of a clip.
        dim: Channels of a token.
        depth: Layers, each with one spatial and one temporal block.
        heads: Attention heads; they must divide `dim`.
        inputs: Coordinates of an input joint, 2 (x, y) or 3 (x, y, score).
        joints: Joints of a pose.
        drop: Stochastic depth of the last layer; it grows linearly from 0 at the first.
        card: What the weights are trained for; the default card if None.

    Raises:
        ModelError: `heads` does not divide `dim`.

    Example:
        >>> import torch
        >>> MixSTE(frames=9, dim=32, depth=2)(torch.zeros(1, 9, 17, 2)).shape
        torch.Size([1, 9, 17, 3])
    """

    joint_parameters: ClassVar[tuple[str, ...]] = ("joint_embedding",)
    time_parameters: ClassVar[tuple[str, ...]] = ("time_embedding",)
    output_parameters: ClassVar[tuple[str, ...]] = ("head_project.weight",)
    published: ClassVar[Published | None] = PUBLISHED

    def __init__(
        self,
        *,
        frames: int = 243,
        dim: int = 512,
        depth: int = 8,
        heads: int = 8,
        inputs: int = 2,
        joints: int = 17,
        drop: float = 0.1,
        card: Card | None = None,
    ) -> None:
        super().__init__(card=card)
        check_heads(heads, dim)
        self.frames, self.dim, self.depth, self.heads, self.inputs = frames, dim, depth, heads, inputs
        self.joints = joints
        self.config = {
            "frames": frames, "dim": dim, "depth": depth, "heads": heads, "inputs": inputs,
            "joints": joints, "drop": drop,
        }  # fmt: skip
        check_sizes(self.config)
        self.joint_embedding = nn.Parameter(torch.zeros(1, joints, dim))
        self.time_embedding = nn.Parameter(torch.zeros(1, frames, dim))
        self.project = nn.Linear(inputs, dim)

        def blocks() -> nn.ModuleList:
            rates = [drop * i / max(depth - 1, 1) for i in range(depth)]
            return nn.ModuleList(Block(dim, 2 * dim, heads=heads, drop=rate) for rate in rates)

        self.spatial = blocks()
        self.temporal = blocks()
        # All layers share these two norms.
        self.spatial_norm = nn.LayerNorm(dim, eps=1e-6)
        self.temporal_norm = nn.LayerNorm(dim, eps=1e-6)
        self.head_norm = nn.LayerNorm(dim)
        self.head_project = nn.Linear(dim, 3)

    def embed(self, pose2d: Pose2D) -> Tokens:
        """Embed coordinates as tokens (b f j c): a projection plus the embedding of the joint."""
        tokens: Tensor = self.project(pose2d) + self.joint_embedding
        return tokens

    def parts(self, index: int) -> Sequence[nn.Module]:
        """The spatial and the temporal block; see :meth:`PoseTransformer.parts`."""
        return self.spatial[index], self.temporal[index]

    def layer(self, index: int, tokens: Tokens, received: Received | None = None) -> Tokens:
        """Attend over joints, then over frames; see :meth:`PoseTransformer.layer`."""
        tokens = self.spatial_norm(self.spatial[index](tokens, axis=2))
        if index == 0:
            tokens = tokens + self.time_embedding[:, :, None]
        mixed: Tensor = self.temporal_norm(self.temporal[index](tokens, received, axis=1))
        return mixed

    def head(self, tokens: Tokens) -> Pose3D:
        """Normalise each token and project it to x, y, z."""
        pose: Tensor = self.head_project(self.head_norm(tokens))
        return pose
