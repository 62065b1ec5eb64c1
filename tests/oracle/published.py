"""Checkpoints with published keys, shapes and wrappings, filled by a formula (see tests/golden/README.md)."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import product
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
    "model of module.": lambda state: {"model": {f"module.{key}": value for key, value in state.items()}},
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
    """A complete state dict."""
    return {key: fill(key, shape) for key, shape in shapes.items()}


def golden_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """The published keys of a golden model."""
    record = json.loads((GOLDEN / f"{name}.json").read_text())
    # The step counter of a BatchNorm is a scalar, recorded with its type.
    return {key: () if "int64" in shape else tuple(shape) for key, shape in record["state_dict"].items()}


def mixste_shapes(*, frames: int, dim: int, depth: int, keep: int | None = None, inputs: int = 2) -> dict[str, Any]:
    """The published keys of a MixSTE of any size, with HoT's if `keep` is given."""
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


def motionagformer_shapes(
    *, lengths: Sequence[int], dim: int, inputs: int = 3, hidden: int | None = None, rep: int = 12, waist: bool = False
) -> dict[str, Any]:
    """The published keys of a MotionAGFormer, given the frames of each layer; with `waist`, also HoT's."""
    hidden = hidden or 4 * dim
    shapes: dict[str, tuple[int, ...]] = {
        "joints_embed.weight": (dim, inputs),
        "joints_embed.bias": (dim,),
        "pos_embed": (1, 17, dim),
        "norm.weight": (dim,),
        "norm.bias": (dim,),
        "rep_logit.fc.weight": (rep, dim),
        "rep_logit.fc.bias": (rep,),
        "head.weight": (3, rep),
        "head.bias": (3,),
    }
    for i, frames in enumerate(lengths):
        shapes |= {f"layers.{i}.fusion.weight": (2, 2 * dim), f"layers.{i}.fusion.bias": (2,)}
        for kind, axis in product(("att", "graph"), ("spatial", "temporal")):
            block = f"layers.{i}.{kind}_{axis}"
            ends = ("layer_scale_1", "layer_scale_2", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias")
            shapes |= {f"{block}.{end}": (dim,) for end in ends}
            shapes |= {f"{block}.mlp.fc1.weight": (hidden, dim), f"{block}.mlp.fc1.bias": (hidden,)}
            shapes |= {f"{block}.mlp.fc2.weight": (dim, hidden), f"{block}.mlp.fc2.bias": (dim,)}
            if kind == "att":
                shapes[f"{block}.mixer.qkv.weight"] = (3 * dim, dim)
                shapes |= {f"{block}.mixer.proj.weight": (dim, dim), f"{block}.mixer.proj.bias": (dim,)}
                continue
            for name in "UV":
                shapes |= {f"{block}.mixer.{name}.weight": (dim, dim), f"{block}.mixer.{name}.bias": (dim,)}
            nodes = 17 if axis == "spatial" else frames
            for part in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{block}.mixer.batch_norm.{part}"] = (nodes,)
            shapes[f"{block}.mixer.batch_norm.num_batches_tracked"] = ()
    if waist:
        shapes |= {"pos_embed_token": (1, lengths[-1], dim), "x_token": (1, lengths[0], dim)}
        shapes |= {
            f"cross_attention.{name}.weight": (dim, dim) for name in ("linear_q", "linear_k", "linear_v", "proj")
        }
        shapes["cross_attention.proj.bias"] = (dim,)
    return shapes


def write(state: Mapping[str, ndarray], path: Path, wrapping: str = "bare") -> Path:
    """Write a checkpoint file, a pickle like the published ones."""
    torch.save(WRAPPINGS[wrapping]({key: torch.from_numpy(value) for key, value in state.items()}), path)
    return path
