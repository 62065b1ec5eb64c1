"""MotionAGFormer: attention and graph convolution side by side (Mehraban et al., WACV 2024, arXiv 2310.16288)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, final

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float
from torch import Tensor, nn

from poseglass._shapes import Pose2D, Pose3D, Received, Tokens
from poseglass.errors import ModelError
from poseglass.models import kernels
from poseglass.models._base import PoseTransformer, check_heads, check_sizes
from poseglass.models.card import Card
from poseglass.models.layers import Attention, Fusion, Linear, Mlp, StochasticDepth
from poseglass.models.published import Published, count

__all__ = ["MotionAGFormer"]

# The joints that each joint of the Human3.6M skeleton aggregates. The graph is directed, as published: the pelvis (0)
# does not aggregate the left hip (4), nor the thorax (8) the shoulders (11, 14).
NEIGHBOURS = (
    (1, 7), (2, 0), (3, 1), (2,), (5, 0), (6, 4), (5,), (0, 8), (7, 9), (8, 10), (9,),
    (12, 8), (13, 11), (12,), (15, 8), (16, 14), (15,),
)  # fmt: skip


def skeleton_graph() -> Float[Tensor, "j j"]:
    """D^-1/2 A D^-1/2, where row i of A has a 1 for each joint that joint i aggregates, and D holds A's row sums."""
    with torch.device("cpu"):  # on the meta device, the first sum takes more than a second, for torch's own imports
        links = torch.tensor([[float(other in row) for other in range(len(NEIGHBOURS))] for row in NEIGHBOURS])
        scale = links.sum(1).rsqrt()
        graph = scale[:, None] * links * scale
    return graph.to(torch.get_default_device())


def most_similar(x: Float[Tensor, "b n c"], count: int) -> Bool[Tensor, "b n n"]:
    """Link each node (a row) to the `count` nodes with which its dot product is largest; it may be one of them.

    Nodes that tie with the last of these are linked too. The choice has no gradient.
    """
    similarity = kernels.similarities(x.detach())
    return (similarity >= kernels.nth_largest(similarity, min(count, x.shape[1]))).mT  # column to row: it is symmetric


class GraphMixer(nn.Module):
    """Graph convolution ReLU(x + BatchNorm(A V(x) + U(x))), where A holds the normalised links of the nodes.

    Args:
        dim: Channels of a token.
        nodes: Number of nodes; the BatchNorm has a scale for each.
        neighbours: Number of most similar nodes to which each node is linked; None for the links of the skeleton.
    """

    skeleton: Tensor

    def __init__(self, dim: int, nodes: int, *, neighbours: int | None = None) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.own = Linear(dim, dim)
        self.others = Linear(dim, dim)
        self.norm = nn.BatchNorm1d(nodes)
        if neighbours is None:
            self.register_buffer("skeleton", skeleton_graph(), persistent=False)

    def forward(self, x: Tokens, *, axis: int = 2) -> Tokens:
        """Mix tokens (b f s c) within graphs; the nodes of a graph lie along `axis`."""
        x = x.transpose(axis, 2)
        nodes = x.flatten(0, 1)  # (b f) s c, or (b s) f c
        own, others = self.own(nodes), self.others(nodes)
        if self.neighbours is None:
            mixed = torch.baddbmm(own, self.skeleton.to(others.dtype).expand(nodes.shape[0], -1, -1), others)
        else:
            # Scaling the tokens before and after is cheaper than scaling the links, which are more numerous.
            links = most_similar(nodes, self.neighbours).to(others.dtype)
            scale = links.sum(-1, keepdim=True).rsqrt()
            mixed = torch.addcmul(own, scale, links @ (scale * others))
        out: Tensor = F.relu(nodes + self.norm(mixed.to(nodes.dtype)))
        return out.view(x.shape).transpose(axis, 2)


class MixerBlock(nn.Module):
    """Pre-norm block with layer scale: x + scale * mixer(norm(x)), then the same with an mlp.

    The scales are learned, one per channel, and start at 1e-5 (Touvron et al., ICCV 2021).
    """

    def __init__(self, mixer: Attention | GraphMixer, dim: int, hidden: int, *, drop: float = 0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.mixer = mixer
        self.scale1 = nn.Parameter(torch.full((dim,), 1e-5))
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, hidden)
        self.scale2 = nn.Parameter(torch.full((dim,), 1e-5))
        self.drop = StochasticDepth(drop)

    def forward(self, x: Tokens, received: Received | None = None, *, axis: int) -> Tokens:
        """Mix tokens (b f s c) along `axis`; only an :class:`Attention` mixer takes `received`."""
        normed = self.norm1(x)
        mixed = self.mixer(normed, axis=axis) if received is None else self.mixer(normed, received, axis=axis)
        x = kernels.add_branch(x, self.drop(mixed, axis=axis), self.scale1)
        return kernels.add_branch(x, self.drop(self.mlp(self.norm2(x)), axis=axis), self.scale2)


class Layer(nn.Module):
    """Two streams over the same tokens, one with attention and one with graph convolution, and their fusion."""

    def __init__(self, dim: int, hidden: int, *, joints: int, frames: int, heads: int, neighbours: int, drop: float):
        super().__init__()

        def block(mixer: Attention | GraphMixer) -> MixerBlock:
            return MixerBlock(mixer, dim, hidden, drop=drop)

        self.spatial_attention = block(Attention(dim, heads=heads, bias=False))
        self.temporal_attention = block(Attention(dim, heads=heads, bias=False))
        self.spatial_graph = block(GraphMixer(dim, joints))
        self.temporal_graph = block(GraphMixer(dim, frames, neighbours=neighbours))
        self.fusion = Fusion(dim)

    def forward(self, tokens: Tokens, received: Received | None = None) -> Tokens:
        """Run each stream over joints, then over frames, and fuse them; see :meth:`PoseTransformer.layer`."""
        attention = self.temporal_attention(self.spatial_attention(tokens, axis=2), received, axis=1)
        graph = self.temporal_graph(self.spatial_graph(tokens, axis=2), axis=1)
        fused: Tensor = self.fusion(attention, graph)
        return fused


# Published names. The length of the first tensor is the number of frames that a layer takes; the second holds the
# weights of the first mlp.
LENGTH = "layers.{}.graph_temporal.mixer.batch_norm.weight"
HIDDEN = "layers.0.att_spatial.mlp.fc1.weight"


def published_lengths(state: Mapping[str, Tensor]) -> list[int]:
    """How many frames each layer takes. A layer without its BatchNorm takes as many as the layer before it."""
    norm, lengths = state[LENGTH.format(0)], []
    for index in range(count(state, r"layers\.(\d+)\.")):
        norm = state.get(LENGTH.format(index), norm)
        lengths.append(norm.numel())
    return lengths


def published_sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The constructor's arguments of a published checkpoint: MotionAGFormer's own, or HoT's (Li et al., CVPR 2024)."""
    dim, inputs = state["joints_embed.weight"].shape
    lengths = published_lengths(state)
    heads, neighbours = (4, 4) if "pos_embed_token" in state else (8, 2)  # not in the tensors; as published
    return {
        "frames": lengths,
        "dim": dim,
        "depth": len(lengths),
        "heads": heads,
        "neighbours": neighbours,
        "inputs": inputs,
        "hidden": len(state[HIDDEN]),
        "rep": len(state["rep_logit.fc.weight"]),
    }


PUBLISHED = Published(
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
    sizes=published_sizes,
    at=7,
    units="screen",
)


@final
class MotionAGFormer(PoseTransformer):
    """MotionAGFormer: each layer has an attention stream and a graph convolution stream, over joints, then frames.

    The graph over frames has a BatchNorm with a scale for each frame, so a layer takes exactly the number of frames it
    was built for. A network with a waist needs one number per layer; :func:`poseglass.hourglass` sets them.

    Args:
        frames: Frames of a clip, or the number of frames that each layer takes.
        dim: Channels of a token.
        depth: Layers.
        heads: Attention heads; they must divide `dim`. HoT's release has 4.
        neighbours: Number of frames, itself included, to which a frame is linked in its joint's graph. HoT's release
            has 4.
        inputs: Coordinates of an input joint, 2 (x, y) or 3 (x, y, score).
        hidden: Hidden channels of the mlps; 4 * `dim` if None.
        rep: Channels of the representation that the head projects to a position.
        drop: Stochastic depth of the last layer; it grows linearly from 0 at the first.
        card: What the weights are trained for; the default card if None.

    Raises:
        ModelError: `heads` does not divide `dim`, or `frames` or `neighbours` are impossible.

    Example:
        >>> import torch
        >>> MotionAGFormer(frames=9, dim=32, depth=2)(torch.zeros(1, 9, 17, 3)).shape
        torch.Size([1, 9, 17, 3])
        >>> MotionAGFormer(frames=[9, 9, 3], dim=32, depth=3).lengths
        (9, 9, 3)
    """

    bias = False
    lengths: tuple[int, ...]
    # There is no time embedding to hold a time code. Frames differ by their content and in the temporal graphs' norms,
    # which have a scale for each frame.
    joint_parameters: ClassVar[tuple[str, ...]] = ("joint_embedding",)
    output_parameters: ClassVar[tuple[str, ...]] = ("head_project.weight",)
    published: ClassVar[Published | None] = PUBLISHED

    def __init__(
        self,
        *,
        frames: int | Sequence[int] = 243,
        dim: int = 128,
        depth: int = 16,
        heads: int = 8,
        neighbours: int = 2,
        inputs: int = 3,
        hidden: int | None = None,
        rep: int = 512,
        drop: float = 0.0,
        card: Card | None = None,
    ) -> None:
        super().__init__(card=card)
        check_heads(heads, dim)
        if neighbours < 1:
            raise ModelError(f"neighbours should be 1 or more (a frame may be its own neighbour), not {neighbours}")
        lengths = tuple(frames) if isinstance(frames, Sequence) else (frames,) * depth
        if len(lengths) != depth or depth < 1:
            raise ModelError(
                f"frames should have one number for each of {depth} layers (at least 1), not {len(lengths)}"
            )
        if lengths[-1] < 1 or any(after > before for before, after in pairwise(lengths)):
            raise ModelError(
                f"frames should never increase from layer to layer, and the last should be 1 or more; got {lengths}"
            )
        self.lengths, self.frames = lengths, lengths[0]
        self.dim, self.depth, self.heads, self.inputs = dim, depth, heads, inputs
        self.config = {
            "frames": list(lengths), "dim": dim, "depth": depth, "heads": heads, "neighbours": neighbours,
            "inputs": inputs, "hidden": hidden, "rep": rep, "drop": drop,
        }  # fmt: skip
        check_sizes(self.config)
        self.joint_embedding = nn.Parameter(torch.zeros(1, self.joints, dim))
        self.project = nn.Linear(inputs, dim)
        self.layers = nn.ModuleList(
            Layer(
                dim, hidden or 4 * dim, joints=self.joints, frames=length, heads=heads, neighbours=neighbours,
                drop=drop * index / max(depth - 1, 1),
            )
            for index, length in enumerate(lengths)
        )  # fmt: skip
        self.norm = nn.LayerNorm(dim)
        self.represent = Linear(dim, rep)
        self.head_project = nn.Linear(rep, 3)

    def embed(self, pose2d: Pose2D) -> Tokens:
        """Embed coordinates as tokens (b f j c): a projection plus a joint embedding. There is no time embedding."""
        tokens: Tensor = self.project(pose2d) + self.joint_embedding
        return tokens

    def parts(self, index: int) -> Sequence[nn.Module]:
        """One :class:`Layer`; see :meth:`PoseTransformer.parts`."""
        return [self.layers[index]]

    def layer(self, index: int, tokens: Tokens, received: Received | None = None) -> Tokens:
        """Run both streams and fuse them; see :meth:`PoseTransformer.layer`.

        Raises:
            ModelError: The layer was built for another number of frames.
        """
        if tokens.shape[1] != self.lengths[index]:
            raise ModelError(
                f"layer {index} of this MotionAGFormer takes {self.lengths[index]} frames and got {tokens.shape[1]}: "
                f"its lengths {self.lengths} are part of its weights; give it the waist it was built for "
                "(poseglass.hourglass), or build it with other lengths (frames=)"
            )
        tokens = self.layers[index](tokens, received)
        # Here rather than in the head, because HoT recovers frames from normalised tokens.
        return self.norm(tokens) if index == self.depth - 1 else tokens

    def head(self, tokens: Tokens) -> Pose3D:
        """Project each token to its representation, then to x, y, z."""
        pose: Tensor = self.head_project(self.represent(tokens, then="tanh"))
        return pose
