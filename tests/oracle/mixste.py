"""MixSTE and HoT w. MixSTE in numpy and float64, on published checkpoint keys, with every eps explicit."""

import math
from collections.abc import Mapping

import numpy as np
from numpy import ndarray

from oracle.tokens import attention_scores, best, density_peaks

EPS = {"blocks": 1e-6, "shared": 1e-6, "head": 1e-5}
ERF = np.vectorize(math.erf)


def norm(x: ndarray, weight: ndarray, bias: ndarray, eps: float) -> ndarray:
    """LayerNorm over the last axis."""
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


def attend(q: ndarray, k: ndarray, v: ndarray, heads: int) -> ndarray:
    """Multi-head attention: q (... n c), k and v (... m c)."""
    wide = q.shape[-1] // heads
    parts = []
    for head in range(heads):
        part = slice(head * wide, (head + 1) * wide)
        logits = q[..., part] @ np.swapaxes(k[..., part], -1, -2) / math.sqrt(wide)
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        parts.append(weights / weights.sum(-1, keepdims=True) @ v[..., part])
    return np.concatenate(parts, -1)


def attention_maps(q: ndarray, k: ndarray, heads: int) -> ndarray:
    """Attention weights (... h n m) of multi-head attention, for q (... n c) and k (... m c)."""
    wide = q.shape[-1] // heads
    q, k = (np.moveaxis(x.reshape(*x.shape[:-1], heads, wide), -2, -3) for x in (q, k))
    logits = q @ np.swapaxes(k, -1, -2) / math.sqrt(wide)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


class Published:
    """The published network over a state dict of published names.

    Args:
        state: Arrays by published key.
        heads: Attention heads.
        at: The layer before which frames are pruned, if the state has a waist.
        eps: The eps of the LayerNorms in the blocks, of the two shared ones, and of the head's.
    """

    def __init__(
        self, state: Mapping[str, ndarray], *, heads: int, at: int | None = None, eps: Mapping[str, float] = EPS
    ) -> None:
        self.state = {key: np.asarray(value, np.float64) for key, value in state.items()}
        self.heads, self.at, self.eps = heads, at, eps
        self.maps: dict[str, ndarray] = {}

    def linear(self, name: str, x: ndarray) -> ndarray:
        """x W^T + b."""
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def norm(self, name: str, x: ndarray, kind: str) -> ndarray:
        """The LayerNorm of that name."""
        return norm(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"], self.eps[kind])

    def block(self, name: str, x: ndarray) -> ndarray:
        """A transformer block over the second-to-last axis."""
        c = x.shape[-1]
        qkv = self.linear(f"{name}.attn.qkv", self.norm(f"{name}.norm1", x, "blocks"))
        attended = attend(qkv[..., :c], qkv[..., c : 2 * c], qkv[..., 2 * c :], self.heads)
        self.maps[name] = attention_maps(qkv[..., :c], qkv[..., c : 2 * c], self.heads)
        x = x + self.linear(f"{name}.attn.proj", attended)
        hidden = self.linear(f"{name}.mlp.fc1", self.norm(f"{name}.norm2", x, "blocks"))
        hidden = hidden * 0.5 * (1 + ERF(hidden / math.sqrt(2)))
        return x + self.linear(f"{name}.mlp.fc2", hidden)

    def __call__(self, clip: ndarray, *, by_attention: bool = False) -> tuple[ndarray, list[int]]:
        """Poses (f 17 3) of one clip (f 17 i), and the kept frames: density peaks or those with most attention."""
        state = self.state
        depth = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("STEblocks."))
        x = self.linear("Spatial_patch_to_embedding", clip.astype(np.float64)) + state["Spatial_pos_embed"]
        kept = list(range(len(clip)))
        for layer in range(depth):
            if layer == self.at:
                keep = state["pos_embed_token"].shape[1]
                if by_attention:
                    kept = best(attention_scores([self.maps[f"TTEblocks.{layer - 1}"]]), keep)
                else:
                    kept = density_peaks(x, keep)
                x = x[kept] + state["pos_embed_token"][0][:, None]
            x = self.norm("Spatial_norm", self.block(f"STEblocks.{layer}", x), "shared")
            x = x.swapaxes(0, 1)  # j f c
            if layer == 0:
                x = x + state["Temporal_pos_embed"]
            x = self.norm("Temporal_norm", self.block(f"TTEblocks.{layer}", x), "shared").swapaxes(0, 1)
        if self.at is not None:
            queries = state["x_token"]  # 1 f c
            per_joint = x.swapaxes(0, 1)
            q = self.linear("cross_attention.linear_q", queries)
            k, v = (self.linear(f"cross_attention.linear_{name}", per_joint) for name in "kv")
            attended = attend(np.repeat(q, len(per_joint), 0), k, v, self.heads)
            x = (queries + self.linear("cross_attention.proj", attended)).swapaxes(0, 1)
        return self.linear("head.1", self.norm("head.0", x, "head")), kept
