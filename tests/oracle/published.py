"""Checkpoints as they are published: keys, shapes and wrappings, filled by a formula (tests/golden/README.md)."""

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray

GOLDEN = Path(__file__).parents[1] / "golden"

WRAPPINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "bare": lambda state: state,
    "model_pos": lambda state: {"epoch": 3, "lr": 4e-5, "model_pos": state},
    "best_epoch.bin": lambda state: {
        "epoch": 59,
        "lr": 2e-4,
        "optimizer": {"state": {0: {"step": 7, "exp_avg": torch.ones(2)}}, "param_groups": [{"params": [0]}]},
        "min_loss": np.float64(37.2),
        **WRAPPINGS["model_pos of module."](state),
    },
    "model": lambda state: {"model": state},
    "module.": lambda state: {f"module.{key}": value for key, value in state.items()},
    "model_pos of module.": lambda state: {"model_pos": {f"module.{key}": value for key, value in state.items()}},
}


def fill(key: str, shape: tuple[int, ...]) -> ndarray:
    """The tensor of a published key."""
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    n = np.random.RandomState(zlib.crc32(key.encode())).standard_normal(shape)
    if key.endswith("running_var"):
        n = 1 + 0.1 * np.abs(n)
    elif len(shape) == 1:
        n = (1 if key.endswith("weight") else 0) + 0.1 * n
    elif shape[0] == 1:
        n = 0.5 * n
    else:
        n = n / np.sqrt(np.prod(shape[1:]))
    return n.astype(np.float32)


def filled(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, ndarray]:
    """A whole state dict."""
    return {key: fill(key, shape) for key, shape in shapes.items()}


def golden_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """The published keys of a golden model."""
    record = json.loads((GOLDEN / f"{name}.json").read_text())
    shapes = {key: shape[1] if shape[:1] == ["int64"] else shape for key, shape in record["state_dict"].items()}
    return {key: tuple(shape) for key, shape in shapes.items()}


def mixste_shapes(*, frames: int, dim: int, depth: int, keep: int | None = None, inputs: int = 2) -> dict[str, Any]:
    """The published keys of a MixSTE of any size, with HoT's where `keep` is given."""
    shapes: dict[str, tuple[int, ...]] = {
        "Spatial_patch_to_embedding.weight": (dim, inputs),
        "Spatial_patch_to_embedding.bias": (dim,),
        "Spatial_pos_embed": (1, 17, dim),
        "Temporal_pos_embed": (1, frames, dim),
        "head.1.weight": (3, dim),
        "head.1.bias": (3,),
    }
    norms = ["Spatial_norm", "Temporal_norm", "head.0"]
    for block in (f"{kind}blocks.{i}" for kind in ("STE", "TTE") for i in range(depth)):
        norms += [f"{block}.norm1", f"{block}.norm2"]
        for name, out, into in (
            ("attn.qkv", 3 * dim, dim),
            ("attn.proj", dim, dim),
            ("mlp.fc1", 2 * dim, dim),
            ("mlp.fc2", dim, 2 * dim),
        ):
            shapes |= {f"{block}.{name}.weight": (out, into), f"{block}.{name}.bias": (out,)}
    shapes |= {f"{norm}.{part}": (dim,) for norm in norms for part in ("weight", "bias")}
    if keep is not None:
        shapes |= {"pos_embed_token": (1, keep, dim), "x_token": (1, frames, dim)}
        for name in ("linear_q", "linear_k", "linear_v", "proj"):
            shapes |= {f"cross_attention.{name}.weight": (dim, dim), f"cross_attention.{name}.bias": (dim,)}
    return shapes


def write(state: Mapping[str, ndarray], path: Path, wrapping: str = "bare") -> Path:
    """The checkpoint file, a pickle as published."""
    torch.save(WRAPPINGS[wrapping]({key: torch.from_numpy(value) for key, value in state.items()}), path)
    return path
