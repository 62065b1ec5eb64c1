"""Time our models against the published computation in plain torch: python benchmarks/against_plain.py [ROW ...]

The baselines are not the published code. They are the published computation, written from the papers in plain, eager
torch: nn.Linear, one fused qkv product, attention by matmul and softmax, tokens copied so that the mixed axis is second
to last, TRA's queries projected for every joint, and graph links scaled by diagonal matrices. Both models share their
weights. Each time is the median wall time for one clip on two threads, measured in turns. In bfloat16, the baseline
runs under autocast and ours is to_bfloat16(exact=0). Poses differ where rounding decides which frames or neighbours are
chosen. ROW selects models by a part of their name; further options are --rounds=N and --dtype=float32 or bfloat16. On a
busy machine, --clock=cpu compares CPU seconds on one thread. --products=onednn uses oneDNN for the products of the
float32 baseline too. On processors where torch's own product is slow, this shows the gain from everything else.
"""

# ruff: noqa: D102 (methods are `forward`, or named for what they do)

import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import torch
from torch import Tensor, nn

import poseglass as pg
from poseglass.models import kernels
from poseglass.models.motionagformer import skeleton_graph


class Linear(nn.Linear):
    """A linear layer with torch's product, or oneDNN's in float32."""

    onednn = False

    def forward(self, x: Tensor) -> Tensor:
        return kernels.onednn_linear(x, self.weight, self.bias, "none") if self.onednn else super().forward(x)


class Attention(nn.Module):
    """Multi-head self-attention over the second-to-last axis."""

    def __init__(self, dim: int, heads: int, *, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = Linear(dim, 3 * dim, bias=bias)
        self.proj = Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        rows, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(rows, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        out = attend(*qkv).transpose(1, 2).reshape(rows, tokens, dim)
        return self.proj(out)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).softmax(-1) @ value


class CrossAttention(nn.Module):
    """Attention with separate projections for query, key and value."""

    def __init__(self, dim: int, heads: int, *, bias: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q, self.linear_k, self.linear_v = (Linear(dim, dim, bias=bias) for _ in range(3))
        self.proj = Linear(dim, dim)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        parts = self.linear_q(query), self.linear_k(key), self.linear_v(value)
        heads = (x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2) for x in parts)
        return self.proj(attend(*heads).transpose(1, 2).reshape(query.shape))


class Mlp(nn.Module):
    """Linear, GELU, Linear."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.act, self.fc2 = Linear(dim, hidden), nn.GELU(), Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, dim: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn, self.mlp = Attention(dim, heads), Mlp(dim, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def over_joints(block: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    return block(x.flatten(0, 1)).view(x.shape)


def over_frames(block: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    return over_joints(block, x.transpose(1, 2).contiguous()).transpose(1, 2).contiguous()


def density_peaks(frames: Tensor, keep: int, always: int | None = None) -> Tensor:
    """Indices (b k) of the kept frames, from a vector per frame (b f c)."""
    distance = torch.cdist(frames, frames) / frames.shape[-1] ** 0.5
    density = (-distance.topk(2, largest=False).values.square().mean(-1)).exp()
    denser = density[:, None, :] > density[:, :, None]
    furthest = distance.flatten(1).amax(1)[:, None, None]
    separation = torch.where(denser, distance, furthest).amin(-1)
    scores = density * separation
    if always is not None:
        scores[:, always] = torch.inf
    return scores.topk(keep).indices.sort(1).values


class Waist(nn.Module):
    """The parts of HoT, for networks with tokens (b f j c)."""

    def __init__(self, frames: int, dim: int, heads: int, keep: int, *, bias: bool = True) -> None:
        super().__init__()
        if keep:
            self.pos_embed_token = nn.Parameter(0.02 * torch.randn(1, keep, dim))
            self.x_token = nn.Parameter(0.02 * torch.randn(1, frames, dim))
            self.cross_attention = CrossAttention(dim, heads, bias=bias)
        self.keep = keep

    def prune(self, x: Tensor) -> Tensor:
        kept = density_peaks(x.mean(2), self.keep)
        return x[torch.arange(len(x))[:, None], kept] + self.pos_embed_token[:, :, None]

    def recover(self, x: Tensor) -> Tensor:
        if not self.keep:
            return x
        per_joint = x.transpose(1, 2).flatten(0, 1)
        queries = self.x_token.repeat(len(per_joint), 1, 1)
        out = queries + self.cross_attention(queries, per_joint, per_joint)
        return out.unflatten(0, (len(x), -1)).transpose(1, 2).contiguous()


class MixSTE(Waist):
    """MixSTE and HoT w. MixSTE."""

    def __init__(self, *, frames: int = 243, dim: int = 512, depth: int = 8, keep: int = 0, at: int = 3) -> None:
        super().__init__(frames, dim, 8, keep)
        self.at = at
        self.Spatial_patch_to_embedding = Linear(2, dim)
        self.Spatial_pos_embed = nn.Parameter(0.02 * torch.randn(1, 17, dim))
        self.Temporal_pos_embed = nn.Parameter(0.02 * torch.randn(1, frames, dim))
        self.STEblocks = nn.ModuleList(Block(dim, 2 * dim, 8) for _ in range(depth))
        self.TTEblocks = nn.ModuleList(Block(dim, 2 * dim, 8) for _ in range(depth))
        self.Spatial_norm, self.Temporal_norm = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(dim), Linear(dim, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.Spatial_patch_to_embedding(x) + self.Spatial_pos_embed
        for index, (spatial, temporal) in enumerate(zip(self.STEblocks, self.TTEblocks, strict=True)):
            if self.keep and index == self.at:
                x = self.prune(x)
            x = self.Spatial_norm(over_joints(spatial, x))
            if index == 0:
                x = x + self.Temporal_pos_embed[:, :, None]
            x = over_frames(lambda rows, block=temporal: self.Temporal_norm(block(rows)), x)
        return self.head(self.recover(x))


class StreamBlock(nn.Module):
    """Both halves of a MotionBERT stream, in the order of the letters: s over joints, t over frames."""

    def __init__(self, order: str, dim: int, hidden: int) -> None:
        super().__init__()
        self.order = order
        for kind in order:
            self.add_module(f"norm1_{kind}", nn.LayerNorm(dim, eps=1e-6))
            self.add_module(f"attn_{kind}", Attention(dim, 8))
            self.add_module(f"norm2_{kind}", nn.LayerNorm(dim, eps=1e-6))
            self.add_module(f"mlp_{kind}", Mlp(dim, hidden))

    def forward(self, x: Tensor) -> Tensor:
        for kind in self.order:
            norm1, attn, norm2, mlp = (getattr(self, f"{part}_{kind}") for part in ("norm1", "attn", "norm2", "mlp"))
            x = x + (over_joints if kind == "s" else over_frames)(attn, norm1(x))
            x = x + mlp(norm2(x))
        return x


def fuse(linear: nn.Linear, first: Tensor, second: Tensor) -> Tensor:
    share = linear(torch.cat([first, second], -1)).softmax(-1)
    return first * share[..., 0:1] + second * share[..., 1:2]


class Representation(nn.Module):
    """A linear layer named `fc`, followed by tanh."""

    def __init__(self, dim: int, rep: int) -> None:
        super().__init__()
        self.fc = Linear(dim, rep)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x).tanh()


class MotionBERT(Waist):
    """MotionBERT (the size that HoT wraps) and HoT w. MotionBERT."""

    def __init__(self, *, frames: int = 243, dim: int = 256, depth: int = 5, keep: int = 0, at: int = 1) -> None:
        super().__init__(frames, dim, 8, keep)
        self.at = at
        self.joints_embed = Linear(3, dim)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 17, dim))
        self.temp_embed = nn.Parameter(0.02 * torch.randn(1, frames, 1, dim))
        self.blocks_st = nn.ModuleList(StreamBlock("st", dim, 4 * dim) for _ in range(depth))
        self.blocks_ts = nn.ModuleList(StreamBlock("ts", dim, 4 * dim) for _ in range(depth))
        self.ts_attn = nn.ModuleList(Linear(2 * dim, 2) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pre_logits = Representation(dim, 512)
        self.head = Linear(512, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.joints_embed(x) + self.pos_embed + self.temp_embed
        for index, (st, ts, linear) in enumerate(zip(self.blocks_st, self.blocks_ts, self.ts_attn, strict=True)):
            if self.keep and index == self.at:
                x = self.prune(x)
            x = fuse(linear, st(x), ts(x))
        return self.head(self.pre_logits(self.recover(self.norm(x))))


class Graph(nn.Module):
    """MotionAGFormer's graph convolution over nodes (rows n c), linked as the skeleton or by similarity."""

    def __init__(self, dim: int, nodes: int, neighbours: int | None) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.U, self.V, self.batch_norm = Linear(dim, dim), Linear(dim, dim), nn.BatchNorm1d(nodes)
        self.register_buffer("skeleton", (skeleton_graph() > 0).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.neighbours is None:
            links = self.skeleton.repeat(len(x), 1, 1)
        else:
            similarity = x @ x.transpose(1, 2)
            least = similarity.topk(self.neighbours, dim=-1).values[..., -1:]
            links = (similarity >= least).float()
        scale = torch.diag_embed(links.sum(-1).rsqrt())
        mixed = scale @ links @ scale @ self.V(x) + self.U(x)
        return torch.relu(x + self.batch_norm(mixed))


class MixerBlock(nn.Module):
    """MotionAGFormer's block, with layer scale."""

    def __init__(self, mixer: nn.Module, dim: int) -> None:
        super().__init__()
        self.norm1, self.mixer, self.norm2 = nn.LayerNorm(dim), mixer, nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 4 * dim)
        self.layer_scale_1, self.layer_scale_2 = (nn.Parameter(torch.full((dim,), 1e-5)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.layer_scale_1 * self.mixer(self.norm1(x))
        return x + self.layer_scale_2 * self.mlp(self.norm2(x))


class GraphLayer(nn.Module):
    """Both streams of MotionAGFormer and their fusion."""

    def __init__(self, dim: int, frames: int) -> None:
        super().__init__()
        self.att_spatial = MixerBlock(Attention(dim, 4, bias=False), dim)
        self.att_temporal = MixerBlock(Attention(dim, 4, bias=False), dim)
        self.graph_spatial = MixerBlock(Graph(dim, 17, None), dim)
        self.graph_temporal = MixerBlock(Graph(dim, frames, 4), dim)
        self.fusion = Linear(2 * dim, 2)

    def forward(self, x: Tensor) -> Tensor:
        attention = over_frames(self.att_temporal, over_joints(self.att_spatial, x))
        graph = over_frames(self.graph_temporal, over_joints(self.graph_spatial, x))
        return fuse(self.fusion, attention, graph)


class MotionAGFormer(Waist):
    """MotionAGFormer as in HoT's release, and HoT w. MotionAGFormer."""

    def __init__(self, *, frames: int = 243, dim: int = 128, depth: int = 16, keep: int = 0, at: int = 7) -> None:
        super().__init__(frames, dim, 4, keep, bias=False)
        self.at = at
        self.joints_embed = Linear(3, dim)
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 17, dim))
        self.layers = nn.ModuleList(GraphLayer(dim, keep if keep and i >= at else frames) for i in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.rep_logit = Representation(dim, 512)
        self.head = Linear(512, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.joints_embed(x) + self.pos_embed
        for index, layer in enumerate(self.layers):
            if self.keep and index == self.at:
                x = self.prune(x)
            x = layer(x)
        return self.head(self.rep_logit(self.recover(self.norm(x))))


class Encoder(nn.Module):
    """MHFormer's encoder of trajectories."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 34, frames))
        self.blocks = nn.ModuleList(Block(frames, 2 * frames, 9) for _ in range(4))
        self.norm = nn.LayerNorm(frames, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class Hypotheses(nn.Module):
    """The last part of SHR and CHI: one mlp over the three concatenated streams."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm2, self.mlp = nn.LayerNorm(3 * dim, eps=1e-6), Mlp(3 * dim, 1024)

    def mix(self, *streams: Tensor) -> tuple[Tensor, ...]:
        x = torch.cat(streams, -1)
        return (x + self.mlp(self.norm2(x))).chunk(3, -1)


class SHR(Hypotheses):
    """Self-hypothesis refinement."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        for i in (1, 2, 3):
            self.add_module(f"norm1_{i}", nn.LayerNorm(dim, eps=1e-6))
            self.add_module(f"attn_{i}", Attention(dim, 8))

    def forward(self, *streams: Tensor) -> tuple[Tensor, ...]:
        parts = enumerate(streams, start=1)
        return self.mix(*(x + getattr(self, f"attn_{i}")(getattr(self, f"norm1_{i}")(x)) for i, x in parts))


class CHI(Hypotheses):
    """Cross-hypothesis interaction."""

    sources = ((2, 3, 1), (1, 3, 2), (1, 2, 3))

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        for a in (1, 2, 3):
            self.add_module(f"attn_{a}", CrossAttention(dim, 8))
            for b in (1, 2, 3):
                self.add_module(f"norm3_{a}{b}", nn.LayerNorm(dim, eps=1e-6))

    def forward(self, *streams: Tensor) -> tuple[Tensor, ...]:
        x = list(streams)
        for a, sources in enumerate(self.sources, start=1):
            normed = (getattr(self, f"norm3_{a}{b}")(x[source - 1]) for b, source in enumerate(sources, start=1))
            x[a - 1] = x[a - 1] + getattr(self, f"attn_{a}")(*normed)
        return self.mix(*x)


class Transformer(nn.Module):
    """MHFormer's layers over time."""

    def __init__(self, frames: int, dim: int, keep: int) -> None:
        super().__init__()
        self.keep, self.frames = keep, frames
        for i in (1, 2, 3):
            self.register_parameter(f"pos_embed_{i}", nn.Parameter(0.02 * torch.randn(1, frames, dim)))
        self.SHR_blocks = nn.ModuleList(SHR(dim) for _ in range(2))
        self.CHI_blocks = nn.ModuleList(CHI(dim) for _ in range(1))
        self.norm = nn.LayerNorm(3 * dim, eps=1e-6)

    def forward(self, *streams: Tensor) -> Tensor:
        x = tuple(stream + getattr(self, f"pos_embed_{i}") for i, stream in enumerate(streams, start=1))
        for index, layer in enumerate((*self.SHR_blocks, *self.CHI_blocks)):
            if self.keep and index == 1:
                kept = density_peaks(torch.cat(x, -1), self.keep, self.frames // 2)
                x = tuple(stream[torch.arange(len(stream))[:, None], kept] for stream in x)
            x = layer(*x)
        return self.norm(torch.cat(x, -1))


class MHFormer(nn.Module):
    """MHFormer and TPC w. MHFormer."""

    def __init__(self, *, frames: int = 351, dim: int = 512, keep: int = 0) -> None:
        super().__init__()
        for i in (1, 2, 3):
            self.add_module(f"Transformer_encoder_{i}", Encoder(frames))
            self.add_module(f"norm_{i}", nn.LayerNorm(frames))
            self.add_module(f"embedding_{i}", nn.Conv1d(34, dim, 1))
        self.Transformer_hypothesis = Transformer(frames, dim, keep)
        self.regression = nn.Sequential(nn.BatchNorm1d(3 * dim), nn.Conv1d(3 * dim, 51, 1))

    def forward(self, pose2d: Tensor) -> Tensor:
        x = pose2d.flatten(2).transpose(1, 2).contiguous()
        streams = []
        for i in (1, 2, 3):
            x = x + getattr(self, f"Transformer_encoder_{i}")(getattr(self, f"norm_{i}")(x))
            streams.append(getattr(self, f"embedding_{i}")(x).transpose(1, 2).contiguous())
        x = self.Transformer_hypothesis(*streams).transpose(1, 2).contiguous()
        return self.regression(x).transpose(1, 2).contiguous().unflatten(2, (17, 3))


# The plain model, the settings to load its weights into ours, and the frames and coordinates of the input.
ROWS: dict[str, tuple[Callable[[], nn.Module], dict[str, int], int, int]] = {
    "MixSTE": (MixSTE, {}, 243, 2),
    "HoT w. MixSTE": (lambda: MixSTE(keep=81), {"at": 3}, 243, 2),
    "MotionBERT": (MotionBERT, {}, 243, 3),
    "HoT w. MotionBERT": (lambda: MotionBERT(keep=81), {"at": 1}, 243, 3),
    "MotionAGFormer": (MotionAGFormer, {"heads": 4, "neighbours": 4}, 243, 3),
    "HoT w. MotionAGFormer": (lambda: MotionAGFormer(keep=81), {"heads": 4, "neighbours": 4}, 243, 3),
    "MHFormer": (MHFormer, {}, 351, 2),
    "TPC w. MHFormer": (lambda: MHFormer(keep=117), {}, 351, 2),
}


def pair(name: str) -> tuple[nn.Module, nn.Module, Tensor]:
    """The plain model, ours with the same weights, and a clip."""
    build, choices, frames, inputs = ROWS[name]
    torch.manual_seed(0)
    plain = build().eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.pth"
        torch.save(plain.state_dict(), path)
        ours = pg.load(path, **choices)
    if name.startswith("TPC"):
        ours = pg.funnel(ours, keep=117, at=1)
    return plain, ours.eval(), torch.randn(1, frames, 17, inputs)


def times(models: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of each run, measured in turns after two warm-up rounds."""
    taken: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds + 2):
        for name, run in models.items():
            start = clock()
            run()
            taken[name].append(clock() - start)
    return {name: seconds[2:] for name, seconds in taken.items()}


def main(rows: list[str], dtypes: list[str], rounds: int, *, cpu: bool) -> None:
    torch.set_num_threads(1 if cpu else 2)
    print("| model | dtype | plain, ms | ours, ms | plain / ours | fastest | difference of poses: median, largest |")
    print("|---|---|---|---|---|---|---|")
    clock = process_time if cpu else perf_counter
    with torch.inference_mode():
        for name in rows:
            plain, model, clip = pair(name)
            for dtype in dtypes:
                ours = pg.to_bfloat16(model, exact=0) if dtype == "bfloat16" else model
                cast = torch.autocast("cpu", torch.bfloat16) if dtype == "bfloat16" else nullcontext()

                def autocast(cast=cast, plain=plain, clip=clip) -> Tensor:
                    with cast:
                        return plain(clip)

                apart = (autocast().float() - ours(clip)).abs()
                taken = times({"plain": autocast, "ours": lambda ours=ours, clip=clip: ours(clip)}, rounds, clock)
                theirs, own = taken["plain"], taken["ours"]
                print(
                    f"| {name} | {dtype} | {1000 * median(theirs):.1f} | {1000 * median(own):.1f} "
                    f"| {median(theirs) / median(own):.2f} | {min(theirs) / min(own):.2f} "
                    f"| {apart.median():.1e}, {apart.max():.1e} |",
                    flush=True,
                )


if __name__ == "__main__":
    words = sys.argv[1:]
    options = dict(word[2:].split("=") for word in words if word.startswith("--"))
    Linear.onednn = options.get("products") == "onednn"
    given = [word for word in words if not word.startswith("--")]
    main(
        [name for name in ROWS if not given or any(word in name for word in given)],
        [options["dtype"]] if "dtype" in options else ["float32"] if Linear.onednn else ["float32", "bfloat16"],
        int(options.get("rounds", 5)),
        cpu=options.get("clock") == "cpu",
    )
