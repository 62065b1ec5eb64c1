"""MotionAGFormer and HoT w. MotionAGFormer in numpy and float64, on published checkpoint keys."""

import math
from collections.abc import Mapping

import numpy as np
from numpy import ndarray

from oracle.mixste import ERF, attend, norm
from oracle.tokens import density_peaks

# For each joint, the joints that it links to.
SKELETON = {
    0: [1, 7], 1: [2, 0], 2: [3, 1], 3: [2], 4: [5, 0], 5: [6, 4], 6: [5], 7: [0, 8], 8: [7, 9], 9: [8, 10], 10: [9],
    11: [12, 8], 12: [13, 11], 13: [12], 14: [15, 8], 15: [16, 14], 16: [15],
}  # fmt: skip


def spatial_links() -> ndarray:
    """The adjacency matrix A (17 17) of the skeleton."""
    links = np.zeros((17, 17))
    for row, columns in SKELETON.items():
        links[row, columns] = 1
    return links


def temporal_links(x: ndarray, neighbours: int) -> ndarray:
    """The adjacency matrix A (f f) of one joint's frames (f c): the largest products of each row, with ties."""
    frames = len(x)
    links = np.zeros((frames, frames))
    for t in range(frames):
        # Rounded, so that equal frames tie despite rounding errors in earlier blocks.
        products = [round(float(np.dot(x[t], x[u])), 10) for u in range(frames)]
        least = sorted(products, reverse=True)[min(neighbours, frames) - 1]
        for u in range(frames):
            links[t, u] = products[u] >= least
    return links


def normalised(links: ndarray) -> ndarray:
    """D^-1/2 A D^-1/2, entry by entry."""
    degree = links.sum(1)
    out = np.zeros_like(links)
    for row, column in zip(*np.nonzero(links), strict=True):
        out[row, column] = 1 / math.sqrt(degree[row] * degree[column])
    return out


class Published:
    """The published network over a state dict of published names.

    Args:
        state: Arrays by published key.
        heads: Attention heads.
        neighbours: Temporal neighbours.
        at: The layer before which frames are pruned, if the state has a waist.
        eps: The eps of every LayerNorm.
    """

    def __init__(
        self, state: Mapping[str, ndarray], *, heads: int, neighbours: int, at: int | None = None, eps: float = 1e-5
    ) -> None:
        self.state = {key: np.asarray(value, np.float64) for key, value in state.items()}
        self.heads, self.neighbours, self.at, self.eps = heads, neighbours, at, eps

    def linear(self, name: str, x: ndarray) -> ndarray:
        """x W^T, plus b if there is one."""
        return x @ self.state[f"{name}.weight"].T + self.state.get(f"{name}.bias", 0)

    def norm(self, name: str, x: ndarray) -> ndarray:
        """The LayerNorm of that name."""
        return norm(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"], self.eps)

    def attention(self, name: str, x: ndarray) -> ndarray:
        """Self-attention over the second-to-last axis."""
        q, k, v = np.split(self.linear(f"{name}.qkv", x), 3, -1)
        return self.linear(f"{name}.proj", attend(q, k, v, self.heads))

    def graph(self, name: str, x: ndarray) -> ndarray:
        """Graph convolution over the nodes (b n c) of b graphs: skeletons, or the frames of each joint."""
        others, out = self.linear(f"{name}.V", x), np.empty_like(x)
        mean, variance, weight, bias = (
            self.state[f"{name}.batch_norm.{part}"][:, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        for number, nodes in enumerate(x):
            links = temporal_links(nodes, self.neighbours) if "temporal" in name else spatial_links()
            mixed = normalised(links) @ others[number] + self.linear(f"{name}.U", nodes)
            mixed = (mixed - mean) / np.sqrt(variance + 1e-5) * weight + bias
            out[number] = np.maximum(nodes + mixed, 0)
        return out

    def block(self, name: str, x: ndarray) -> ndarray:
        """A block of mixer and mlp (b n c), with layer scale."""
        mixer = self.attention if ".att_" in name else self.graph
        x = x + self.state[f"{name}.layer_scale_1"] * mixer(f"{name}.mixer", self.norm(f"{name}.norm1", x))
        hidden = self.linear(f"{name}.mlp.fc1", self.norm(f"{name}.norm2", x))
        hidden = hidden * 0.5 * (1 + ERF(hidden / math.sqrt(2)))
        return x + self.state[f"{name}.layer_scale_2"] * self.linear(f"{name}.mlp.fc2", hidden)

    def stream(self, name: str, x: ndarray) -> ndarray:
        """One stream (f 17 c): over joints, then over frames."""
        x = self.block(f"{name}_spatial", x).swapaxes(0, 1)
        return self.block(f"{name}_temporal", x).swapaxes(0, 1)

    def __call__(self, clip: ndarray) -> tuple[ndarray, list[int]]:
        """The poses (f 17 3) of one clip (f 17 i), and the kept frames."""
        state = self.state
        depth = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("layers."))
        x = self.linear("joints_embed", clip.astype(np.float64)) + state["pos_embed"]
        kept = list(range(len(clip)))
        for layer in range(depth):
            if layer == self.at:
                kept = density_peaks(x, state["pos_embed_token"].shape[1])
                x = x[kept] + state["pos_embed_token"][0][:, None]
            streams = [self.stream(f"layers.{layer}.{kind}", x) for kind in ("att", "graph")]
            share = np.exp(self.linear(f"layers.{layer}.fusion", np.concatenate(streams, -1)))
            share = share / share.sum(-1, keepdims=True)
            x = share[..., :1] * streams[0] + share[..., 1:] * streams[1]
        x = self.norm("norm", x)
        if self.at is not None:
            queries, per_joint = state["x_token"], x.swapaxes(0, 1)
            q = self.linear("cross_attention.linear_q", queries)
            k, v = (self.linear(f"cross_attention.linear_{name}", per_joint) for name in "kv")
            attended = attend(np.repeat(q, len(per_joint), 0), k, v, self.heads)
            x = (queries + self.linear("cross_attention.proj", attended)).swapaxes(0, 1)
        return self.linear("head", np.tanh(self.linear("rep_logit.fc", x))), kept
