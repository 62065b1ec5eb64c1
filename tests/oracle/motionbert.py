"""MotionBERT and HoT w. MotionBERT in numpy and float64, on published checkpoint keys."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from oracle import mixste, published
from oracle.tokens import density_peaks, recover

EPS = {"blocks": 1e-6, "final": 1e-6}


def shapes(
    *, frames: int, dim: int, hidden: int, rep: int, depth: int, keep: int | None = None, inputs: int = 3
) -> dict[str, Any]:
    """The published keys of a MotionBERT of any size, with HoT's if `keep` is given."""
    linears = {"joints_embed": (dim, inputs), "pre_logits.fc": (rep, dim), "head": (3, rep)}
    norms = ["norm"]
    for layer in range(depth):
        linears[f"ts_attn.{layer}"] = (2, 2 * dim)
        for stream, kind in (("st", "s"), ("st", "t"), ("ts", "s"), ("ts", "t")):
            block = f"blocks_{stream}.{layer}"
            norms += [f"{block}.norm1_{kind}", f"{block}.norm2_{kind}"]
            linears |= {f"{block}.attn_{kind}.qkv": (3 * dim, dim), f"{block}.attn_{kind}.proj": (dim, dim)}
            linears |= {f"{block}.mlp_{kind}.fc1": (hidden, dim), f"{block}.mlp_{kind}.fc2": (dim, hidden)}
    sizes: dict[str, tuple[int, ...]] = {"pos_embed": (1, 17, dim), "temp_embed": (1, frames, 1, dim)}
    sizes |= {f"{norm}.{part}": (dim,) for norm in norms for part in ("weight", "bias")}
    sizes |= {f"{name}.weight": shape for name, shape in linears.items()}
    sizes |= {f"{name}.bias": shape[:1] for name, shape in linears.items()}
    waist = published.mixste_shapes(frames=frames, dim=dim, depth=0, keep=keep)
    return sizes | {key: waist[key] for key in waist if re.match("pos_embed_token|x_token|cross_attention", key)}


class Published(mixste.Published):
    """The published network over a state dict of published names, with an eps for each kind of norm."""

    def __init__(
        self, state: Mapping[str, ndarray], *, heads: int, at: int | None = None, eps: Mapping[str, float] = EPS
    ) -> None:
        # blocks_st.0.attn_s.qkv becomes blocks_st.0.s.attn.qkv, so that the halves of a stream look like MixSTE blocks.
        renamed = {re.sub(r"(blocks_..\.\d+)\.(\w+)_([st])\.", r"\1.\3.\2.", key): state[key] for key in state}
        super().__init__(renamed, heads=heads, at=at, eps=eps)

    def stream(self, name: str, order: str, x: ndarray) -> ndarray:
        """Both halves of a stream over tokens (f j c), in the order of the letters: s over joints, t over frames."""
        for kind in order:
            block = f"{name}.{kind}"
            x = self.block(block, x) if kind == "s" else self.block(block, x.swapaxes(0, 1)).swapaxes(0, 1)
        return x

    def __call__(self, clip: ndarray) -> tuple[ndarray, list[int]]:
        """The poses (f 17 3) of one clip (f 17 i), and the kept frames."""
        state = self.state
        depth = sum(key.startswith("ts_attn") and key.endswith("bias") for key in state)
        x = self.linear("joints_embed", clip.astype(np.float64)) + state["pos_embed"] + state["temp_embed"][0]
        kept = list(range(len(clip)))
        for layer in range(depth):
            if layer == self.at:
                kept = density_peaks(x, state["pos_embed_token"].shape[1])
                x = x[kept] + state["pos_embed_token"][0][:, None]
            st, ts = self.stream(f"blocks_st.{layer}", "st", x), self.stream(f"blocks_ts.{layer}", "ts", x)
            alpha = np.exp(self.linear(f"ts_attn.{layer}", np.concatenate([st, ts], -1)))
            alpha /= alpha.sum(-1, keepdims=True)
            x = alpha[..., :1] * st + alpha[..., 1:] * ts
        x = self.norm("norm", x, "final")
        if self.at is not None:
            names = {"query": "linear_q", "key": "linear_k", "value": "linear_v", "proj": "proj"}
            weights = {
                f"{name}.{part}": state[f"cross_attention.{theirs}.{part}"]
                for name, theirs in names.items()
                for part in ("weight", "bias")
            }
            x = recover(x, state["x_token"][0], weights, self.heads)
        return self.linear("head", np.tanh(self.linear("pre_logits.fc", x))), kept
