"""MHFormer: three pose hypotheses that refine each other (Li et al., CVPR 2022, arXiv 2111.12707)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from poseglass._shapes import Pose2D, Pose3D, Received, Tokens
from poseglass.models import kernels
from poseglass.models._base import PoseTransformer, check_heads, check_sizes
from poseglass.models.card import Card
from poseglass.models.layers import Attention, Block, CrossAttention, Mlp, StochasticDepth
from poseglass.models.published import Published, count

__all__ = ["MHFormer"]

HYPOTHESES = 3
# The hypotheses from which each hypothesis takes its query, key and value in the interaction.
SOURCES = ((1, 2, 0), (0, 2, 1), (0, 1, 2))


PUBLISHED_LAYERS = "Transformer_hypothesis"


def published_sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The constructor's arguments of a published checkpoint: MHFormer's own, or TPC's, which has the same keys."""
    _, frames, dim = state[f"{PUBLISHED_LAYERS}.pos_embed_1"].shape
    joints = max(state["regression.1.weight"].shape[0] // 3, 1)
    return {
        "frames": frames,
        "dim": dim,
        "depth": count(state, PUBLISHED_LAYERS + r"\.SHR_blocks\.(\d+)\.") + 1,
        "heads": 8,  # not in the tensors; as published, like the encoders' 9
        "hidden": state[f"{PUBLISHED_LAYERS}.CHI_blocks.0.mlp.fc1.weight"].shape[0],
        "encoder_depth": count(state, r"Transformer_encoder_1\.blocks\.(\d+)\."),
        "inputs": state["Transformer_encoder_1.pos_embed"].shape[1] // joints,
        "joints": joints,
    }


def published_renames() -> tuple[tuple[str, str], ...]:
    """Pairs for :class:`Published`. Published names number the hypotheses from 1; ours number them from 0."""
    shr, chi = rf"{PUBLISHED_LAYERS}.SHR_blocks.\1.", f"{PUBLISHED_LAYERS}.CHI_blocks.0."
    pairs = []
    for i in range(3):
        pairs += [
            (rf"encoder_norms\.{i}\.", f"norm_{i + 1}."),
            (rf"encoders\.{i}\.row_embedding", f"Transformer_encoder_{i + 1}.pos_embed"),
            (rf"encoders\.{i}\.", f"Transformer_encoder_{i + 1}."),
            (rf"embeddings\.{i}\.", f"embedding_{i + 1}."),
            (rf"time_embeddings\.{i}", f"{PUBLISHED_LAYERS}.pos_embed_{i + 1}"),
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
        (r"head_norm\.", f"{PUBLISHED_LAYERS}.norm."),
        (r"head_batch_norm\.", "regression.0."),
        (r"head_project\.", "regression.1."),
    )


PUBLISHED = Published(
    marks={
        "Transformer_encoder_1.pos_embed": 3,
        f"{PUBLISHED_LAYERS}.pos_embed_1": 3,
        f"{PUBLISHED_LAYERS}.CHI_blocks.0.mlp.fc1.weight": 2,
        "regression.1.weight": 3,
    },
    renames=published_renames(),
    sizes=published_sizes,
    at=1,
    answers="centre",
)


@final
class MHFormer(PoseTransformer):
    """MHFormer: trajectory encoders produce three hypotheses; layers over time then refine them and let them interact.

    A token is a whole frame in one hypothesis, so tokens are (b f 3 c). The last layer is cross-hypothesis interaction
    (CHI); all others are self-hypothesis refinement (SHR).

    Args:
        frames: Frames of a clip, which are the encoders' channels.
        dim: Channels of a token.
        depth: Layers, the last of them CHI.
        heads: Attention heads of the layers; they must divide `dim`.
        hidden: Hidden channels of the layers' mlp, which maps the concatenated hypotheses.
        encoder_depth: Blocks of each encoder.
        encoder_heads: Attention heads of the encoders; they must divide `frames`.
        inputs: Coordinates of an input joint, 2 (x, y) or 3 (x, y, score).
        joints: Joints of a pose.
        drop: Stochastic depth of the last layer; it grows linearly from 0 at the first.
        dropout: Dropout of the layers' residual branches.
        card: What the weights are trained for; the default card if None.

    Raises:
        ModelError: `heads` does not divide `dim`, or `encoder_heads` does not divide `frames`.

    Example:
        >>> import torch
        >>> MHFormer(frames=9, dim=32, hidden=64)(torch.zeros(2, 9, 17, 2)).shape
        torch.Size([2, 9, 17, 3])
    """

    slots: ClassVar[Literal["joints", "hypotheses"]] = "hypotheses"
    joint_parameters: ClassVar[tuple[str, ...]] = tuple(f"encoders.{i}.row_embedding" for i in range(HYPOTHESES))
    time_parameters: ClassVar[tuple[str, ...]] = tuple(f"time_embeddings.{i}" for i in range(HYPOTHESES))
    output_parameters: ClassVar[tuple[str, ...]] = ("head_project.weight",)
    published: ClassVar[Published | None] = PUBLISHED

    def __init__(
        self,
        *,
        frames: int = 351,
        dim: int = 512,
        depth: int = 3,
        heads: int = 8,
        hidden: int = 1024,
        encoder_depth: int = 4,
        encoder_heads: int = 9,
        inputs: int = 2,
        joints: int = 17,
        drop: float = 0.2,
        dropout: float = 0.1,
        card: Card | None = None,
    ) -> None:
        super().__init__(card=card)
        check_heads(heads, dim)
        check_heads(encoder_heads, frames, names=("encoder_heads", "frames"))
        self.frames, self.dim, self.depth, self.heads, self.inputs = frames, dim, depth, heads, inputs
        self.joints = joints
        self.config = {
            "frames": frames, "dim": dim, "depth": depth, "heads": heads, "hidden": hidden,
            "encoder_depth": encoder_depth, "encoder_heads": encoder_heads, "inputs": inputs, "joints": joints,
            "drop": drop, "dropout": dropout,
        }  # fmt: skip
        check_sizes(self.config)

        def drops(index: int) -> nn.Module:
            return nn.Sequential(nn.Dropout(dropout), StochasticDepth(drop * index / max(depth - 1, 1)))

        rows, each = inputs * joints, range(HYPOTHESES)
        self.encoder_norms = nn.ModuleList(nn.LayerNorm(frames) for _ in each)
        self.encoders = nn.ModuleList(Encoder(rows, frames, depth=encoder_depth, heads=encoder_heads) for _ in each)
        self.embeddings = nn.ModuleList(embedding(rows, dim, frames) for _ in each)
        self.time_embeddings = nn.ParameterList(torch.zeros(1, frames, dim) for _ in each)
        self.refine = nn.ModuleList(Refinement(dim, hidden, heads=heads, drop=drops(i)) for i in range(depth - 1))
        self.interact = Interaction(dim, hidden, heads=heads, drop=drops(depth - 1))
        self.head_norm = nn.LayerNorm(HYPOTHESES * dim, eps=1e-6)
        self.head_batch_norm = nn.BatchNorm1d(HYPOTHESES * dim)
        self.head_project = nn.Conv1d(HYPOTHESES * dim, 3 * joints, 1)

    def embed(self, pose2d: Pose2D) -> Tokens:
        """Embed poses as tokens (b f 3 c), one per hypothesis. Each encoder takes the previous encoder's output."""
        trajectories = pose2d.flatten(2).mT  # b (j i) f
        streams = []
        for norm, encoder, embed, time in zip(
            self.encoder_norms, self.encoders, self.embeddings, self.time_embeddings, strict=True
        ):
            trajectories = kernels.add_branch(trajectories, encoder(norm(trajectories)))
            if isinstance(embed, nn.Conv1d):  # of kernel size 1: a linear layer, which needs no reordered copy
                stream = kernels.linear(trajectories.mT, embed.weight[:, :, 0], embed.bias)
            else:
                stream = embed(trajectories).mT
            streams.append(stream + time)  # b f c
        return torch.stack(streams, 2)  # b f 3 c

    def embedding_parts(self) -> Sequence[nn.Module]:
        """The encoders of trajectories; see :meth:`PoseTransformer.embedding_parts`."""
        return list(self.encoders)

    def parts(self, index: int) -> Sequence[nn.Module]:
        """A refinement, or the interaction in the last layer; see :meth:`PoseTransformer.parts`."""
        return [self.refine[index] if index < self.depth - 1 else self.interact]

    def layer(self, index: int, tokens: Tokens, received: Received | None = None) -> Tokens:
        """Attend over time, then mix the hypotheses; see :meth:`PoseTransformer.layer`."""
        (mix,) = self.parts(index)
        mixed: Tensor = mix(tokens, received)
        return mixed

    def head(self, tokens: Tokens) -> Pose3D:
        """Normalise the concatenated hypotheses of each frame and project them to its pose."""
        normed = self.head_norm(tokens.flatten(2))  # b f (s c)
        weight = self.head_project.weight[:, :, 0]
        flat = kernels.normed_linear(normed, self.head_batch_norm, weight, self.head_project.bias)
        pose: Tensor = flat.unflatten(2, (self.joints, 3))  # b f j 3
        return pose


class Encoder(nn.Module):
    """Transformer blocks whose tokens are trajectories, one per joint coordinate. The channels are the frames."""

    def __init__(self, rows: int, frames: int, *, depth: int, heads: int) -> None:
        super().__init__()
        self.row_embedding = nn.Parameter(torch.zeros(1, rows, frames))
        self.blocks = nn.ModuleList(Block(frames, 2 * frames, heads=heads) for _ in range(depth))
        self.norm = nn.LayerNorm(frames, eps=1e-6)

    def forward(self, trajectories: Float[Tensor, "b _ f"]) -> Float[Tensor, "b _ f"]:
        """Mix the trajectories of a clip."""
        x: Tensor = trajectories + self.row_embedding
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(x)
        return out


def embedding(rows: int, dim: int, frames: int) -> nn.Module:
    """Map a frame's coordinates to its token. For up to 27 frames, norm, ReLU and dropout follow, as published."""
    project = nn.Conv1d(rows, dim, 1)
    return project if frames > 27 else nn.Sequential(project, nn.BatchNorm1d(dim), nn.ReLU(), nn.Dropout(0.25))


class Mixing(nn.Module):
    """A pre-norm residual mlp over the concatenated hypotheses of a frame."""

    def __init__(self, dim: int, hidden: int, *, drop: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(HYPOTHESES * dim, eps=1e-6)
        self.mlp = Mlp(HYPOTHESES * dim, hidden)
        self.drop = drop

    def forward(self, streams: list[Float[Tensor, "b f c"]]) -> Tokens:
        """Mix three streams (b f c) into tokens (b f 3 c)."""
        x = torch.cat(streams, -1)  # b f (s c)
        mixed = kernels.add_branch(x, self.drop(self.mlp(self.norm(x))))
        tokens: Tensor = mixed.unflatten(-1, (HYPOTHESES, -1))  # b f 3 c
        return tokens


class Refinement(nn.Module):
    """Self-hypothesis refinement (SHR): each hypothesis attends to itself over time, then all three are mixed."""

    def __init__(self, dim: int, hidden: int, *, heads: int, drop: nn.Module) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim, eps=1e-6) for _ in range(HYPOTHESES))
        self.attentions = nn.ModuleList(Attention(dim, heads=heads) for _ in range(HYPOTHESES))
        self.mixing = Mixing(dim, hidden, drop=drop)
        self.drop = drop

    def forward(self, tokens: Tokens, received: Received | None = None) -> Tokens:
        """Refine tokens (b f 3 c); `received` is passed to :class:`Attention`."""
        parts = zip(tokens.unbind(2), self.norms, self.attentions, strict=True)
        attended = [kernels.add_branch(x, self.drop(attend(norm(x), received))) for x, norm, attend in parts]
        mixed: Tensor = self.mixing(attended)
        return mixed


class Interaction(nn.Module):
    """Cross-hypothesis interaction (CHI): each hypothesis attends to the others over time, then all three are mixed.

    They take turns, so a later hypothesis attends to the updated earlier ones.
    """

    def __init__(self, dim: int, hidden: int, *, heads: int, drop: nn.Module) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim, eps=1e-6) for sources in SOURCES for _ in sources)
        self.attentions = nn.ModuleList(CrossAttention(dim, heads=heads) for _ in SOURCES)
        self.mixing = Mixing(dim, hidden, drop=drop)
        self.drop = drop

    def forward(self, tokens: Tokens, received: Received | None = None) -> Tokens:
        """Let the hypotheses of tokens (b f 3 c) interact; `received` is passed to :class:`CrossAttention`."""
        streams = list(tokens.unbind(2))
        for turn, (sources, attend) in enumerate(zip(SOURCES, self.attentions, strict=True)):
            query, key, value = (self.norms[3 * turn + part](streams[s]) for part, s in enumerate(sources))
            branch = self.drop(attend(query, key, value, received=received))
            streams[turn] = kernels.add_branch(streams[turn], branch)
        mixed: Tensor = self.mixing(streams)
        return mixed
