"""MHFormer and TPC w. MHFormer in numpy and float64, on published checkpoint keys, with every eps explicit."""

import math
from collections.abc import Mapping

import numpy as np
from numpy import ndarray

from oracle.mixste import ERF, attend, norm
from oracle.tokens import density_peaks

# LayerNorms and the two kinds of BatchNorm, in the order of their use.
EPS = {
    "before an encoder": 1e-5,
    "encoder blocks": 1e-6,
    "after an encoder": 1e-6,
    "embedding": 1e-5,
    "SHR streams": 1e-6,
    "SHR mlp": 1e-6,
    "CHI streams": 1e-6,
    "CHI mlp": 1e-6,
    "last": 1e-6,
    "head": 1e-5,
}
# For the cross-attention that updates stream a: the streams of query, key and value.
CHI = {1: (2, 3, 1), 2: (1, 3, 2), 3: (1, 2, 3)}


def shapes(
    *, frames: int, dim: int, hidden: int, refinements: int = 2, blocks: int = 4, inputs: int = 2
) -> dict[str, tuple[int, ...]]:
    """The published keys of an MHFormer of any size."""
    sizes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, out: int, *into: int) -> None:
        sizes.update({f"{name}.weight": (out, *into), f"{name}.bias": (out,)})

    def batch_norm(name: str, width: int) -> None:
        linear(name, width)
        sizes.update({f"{name}.running_mean": (width,), f"{name}.running_var": (width,)})
        sizes[f"{name}.num_batches_tracked"] = ()

    def attention(name: str, width: int) -> None:
        linear(f"{name}.qkv", 3 * width, width)
        linear(f"{name}.proj", width, width)

    def mlp(name: str, width: int, inside: int) -> None:
        linear(f"{name}.fc1", inside, width)
        linear(f"{name}.fc2", width, inside)

    layers = "Transformer_hypothesis"
    for a in (1, 2, 3):
        encoder = f"Transformer_encoder_{a}"
        sizes[f"{encoder}.pos_embed"] = (1, 17 * inputs, frames)
        for block in (f"{encoder}.blocks.{i}" for i in range(blocks)):
            linear(f"{block}.norm1", frames)
            attention(f"{block}.attn", frames)
            linear(f"{block}.norm2", frames)
            mlp(f"{block}.mlp", frames, 2 * frames)
        linear(f"{encoder}.norm", frames)
        linear(f"norm_{a}", frames)
        linear(f"embedding_{a}.0" if frames <= 27 else f"embedding_{a}", dim, 17 * inputs, 1)
        if frames <= 27:
            batch_norm(f"embedding_{a}.1", dim)
        sizes[f"{layers}.pos_embed_{a}"] = (1, frames, dim)
        for i in range(refinements):
            linear(f"{layers}.SHR_blocks.{i}.norm1_{a}", dim)
            attention(f"{layers}.SHR_blocks.{i}.attn_{a}", dim)
        for b in (1, 2, 3):
            linear(f"{layers}.CHI_blocks.0.norm3_{a}{b}", dim)
        for name in ("linear_q", "linear_k", "linear_v", "proj"):
            linear(f"{layers}.CHI_blocks.0.attn_{a}.{name}", dim, dim)
    for layer in (*(f"SHR_blocks.{i}" for i in range(refinements)), "CHI_blocks.0"):
        linear(f"{layers}.{layer}.norm2", 3 * dim)
        mlp(f"{layers}.{layer}.mlp", 3 * dim, hidden)
    linear(f"{layers}.norm", 3 * dim)
    batch_norm("regression.0", 3 * dim)
    linear("regression.1", 51, 3 * dim, 1)
    return sizes


class Published:
    """The published network over a state dict of published names.

    Args:
        state: Arrays by published key.
        heads: Attention heads of the layers; the encoders have 9.
        keep: The number of frames kept from the layer `at` on, if frames are pruned.
        at: The layer before which frames are pruned.
        always: A frame that is always kept.
        eps: The eps of every kind of norm.
    """

    def __init__(
        self,
        state: Mapping[str, ndarray],
        *,
        heads: int,
        keep: int | None = None,
        at: int | None = None,
        always: int | None = None,
        eps: Mapping[str, float] = EPS,
    ) -> None:
        self.state = {key: np.asarray(value, np.float64) for key, value in state.items()}
        self.heads, self.keep, self.at, self.always, self.eps = heads, keep, at, always, eps

    def linear(self, name: str, x: ndarray) -> ndarray:
        """x W^T + b, which equals a convolution over single frames."""
        weight = self.state[f"{name}.weight"]
        return x @ weight.reshape(weight.shape[:2]).T + self.state[f"{name}.bias"]

    def norm(self, name: str, x: ndarray, kind: str) -> ndarray:
        """The LayerNorm of that name."""
        return norm(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"], self.eps[kind])

    def batch_norm(self, name: str, x: ndarray, kind: str) -> ndarray:
        """The BatchNorm of that name in evaluation mode, channels last."""
        mean, variance = self.state[f"{name}.running_mean"], self.state[f"{name}.running_var"]
        scaled = (x - mean) / np.sqrt(variance + self.eps[kind])
        return scaled * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def attention(self, name: str, x: ndarray, heads: int) -> ndarray:
        """Self-attention over the second-to-last axis."""
        q, k, v = np.split(self.linear(f"{name}.qkv", x), 3, -1)
        return self.linear(f"{name}.proj", attend(q, k, v, heads))

    def mlp(self, name: str, x: ndarray) -> ndarray:
        """Linear, exact GELU, linear."""
        hidden = self.linear(f"{name}.fc1", x)
        return self.linear(f"{name}.fc2", hidden * 0.5 * (1 + ERF(hidden / math.sqrt(2))))

    def encoder(self, name: str, x: ndarray) -> ndarray:
        """Rows of coordinates (2j f) in and out."""
        x = x + self.state[f"{name}.pos_embed"][0]
        for i in range(1 + max(int(key.split(".")[2]) for key in self.state if key.startswith(f"{name}.blocks."))):
            block = f"{name}.blocks.{i}"
            x = x + self.attention(f"{block}.attn", self.norm(f"{block}.norm1", x, "encoder blocks"), 9)
            x = x + self.mlp(f"{block}.mlp", self.norm(f"{block}.norm2", x, "encoder blocks"))
        return self.norm(f"{name}.norm", x, "after an encoder")

    def embedded(self, clip: ndarray) -> dict[int, ndarray]:
        """The three hypotheses (f c), by number."""
        rows = np.stack([clip[:, j, i] for j in range(clip.shape[1]) for i in range(clip.shape[2])]).astype(float)
        streams = {}
        for a in (1, 2, 3):
            rows = rows + self.encoder(f"Transformer_encoder_{a}", self.norm(f"norm_{a}", rows, "before an encoder"))
            if len(clip) <= 27:
                x = self.batch_norm(f"embedding_{a}.1", self.linear(f"embedding_{a}.0", rows.T), "embedding")
                x = np.maximum(x, 0)
            else:
                x = self.linear(f"embedding_{a}", rows.T)
            streams[a] = x + self.state[f"Transformer_hypothesis.pos_embed_{a}"][0]
        return streams

    def mixed(self, name: str, streams: dict[int, ndarray], kind: str) -> dict[int, ndarray]:
        """All three streams after the layer's mlp."""
        x = np.concatenate([streams[a] for a in (1, 2, 3)], -1)
        x = x + self.mlp(f"{name}.mlp", self.norm(f"{name}.norm2", x, kind))
        return dict(zip((1, 2, 3), np.split(x, 3, -1), strict=True))

    def refined(self, name: str, streams: dict[int, ndarray]) -> dict[int, ndarray]:
        """An SHR layer."""
        streams = {
            a: x + self.attention(f"{name}.attn_{a}", self.norm(f"{name}.norm1_{a}", x, "SHR streams"), self.heads)
            for a, x in streams.items()
        }
        return self.mixed(name, streams, "SHR mlp")

    def interacted(self, name: str, streams: dict[int, ndarray]) -> dict[int, ndarray]:
        """A CHI layer."""
        streams = dict(streams)
        for a, sources in CHI.items():
            normed = [
                self.norm(f"{name}.norm3_{a}{b}", streams[source], "CHI streams")
                for b, source in enumerate(sources, start=1)
            ]
            q, k, v = (self.linear(f"{name}.attn_{a}.linear_{n}", x) for n, x in zip("qkv", normed, strict=True))
            streams[a] = streams[a] + self.linear(f"{name}.attn_{a}.proj", attend(q, k, v, self.heads))
        return self.mixed(name, streams, "CHI mlp")

    def __call__(self, clip: ndarray) -> tuple[ndarray, list[int]]:
        """Poses (k 17 3) of the kept frames of one clip (f 17 i), and those frames; without pruning, all frames."""
        prefix = "Transformer_hypothesis."
        layers = sorted({key.split(".")[2] for key in self.state if key.startswith(f"{prefix}SHR_blocks.")})
        names = [f"{prefix}SHR_blocks.{i}" for i in layers] + [f"{prefix}CHI_blocks.0"]
        streams, kept = self.embedded(clip), list(range(len(clip)))
        for number, name in enumerate(names):
            if number == self.at and self.keep is not None:
                joined = np.concatenate([streams[a] for a in (1, 2, 3)], -1)
                kept = density_peaks(joined[:, None], self.keep, self.always)
                streams = {a: x[kept] for a, x in streams.items()}
            streams = self.interacted(name, streams) if "CHI" in name else self.refined(name, streams)
        x = self.norm(f"{prefix}norm", np.concatenate([streams[a] for a in (1, 2, 3)], -1), "last")
        pose = self.linear("regression.1", self.batch_norm("regression.0", x, "head"))
        return pose.reshape(len(kept), 17, 3), kept
