"""Shared by tests of runs: motion clips and a recipe, a script that gets killed, comparisons, a backbone."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import poseglass as pg
from oracle import bodies
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.training.recipe import Recipe

# Kills itself with SIGKILL while writing the checkpoint of step 6.
KILLED = """
import json, os, signal, sys
import torch
from poseglass.training import loop, state
from poseglass.training.recipe import Recipe

torch.set_num_threads(1)
whole = state.save_file

def half(tensors, path, metadata):
    whole(tensors, path, metadata)
    if json.loads(metadata["poseglass"])["step"] >= 6:
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

state.save_file = half
loop.train(Recipe().updated(json.loads(sys.argv[1])), sys.argv[2])
"""


def train_and_die(recipe: Recipe, folder: Path) -> None:
    """Train in a process that is killed while it writes the checkpoint of step 6."""
    run = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(recipe.to_dict()), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == -signal.SIGKILL, run.stderr


def contents(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoint.safetensors") | {
        f"best.{name}": value for name, value in load_file(folder / "best" / "weights.safetensors").items()
    }


def assert_same_run(a: Path, b: Path) -> None:
    left, right = contents(a), contents(b)
    assert left.keys() == right.keys()
    assert all(torch.equal(value, right[name]) for name, value in left.items())


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


class OwnBackbone(pg.PoseTransformer):
    """A minimal custom backbone."""

    def __init__(self, *, frames: int = 9, inputs: int = 3, dim: int = 8) -> None:
        super().__init__()
        self.frames, self.inputs, self.dim, self.depth = frames, inputs, dim, 2
        self.config = {"frames": frames, "inputs": inputs, "dim": dim}
        self.project, self.out = nn.Linear(inputs, dim), nn.Linear(dim, 3)
        self.blocks = nn.ModuleList(nn.Linear(dim, dim) for _ in range(2))

    def embed(self, pose2d: Tensor) -> Tensor:
        return self.project(pose2d)

    def layer(self, index: int, tokens: Tensor, received: list[Tensor] | None = None) -> Tensor:
        return tokens + self.blocks[index](tokens)

    def head(self, tokens: Tensor) -> Tensor:
        return self.out(tokens)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clips.npz"
    takes = [
        MotionClip(name, bodies.motion(60, pg.H36M_17.joints, seed).astype(np.float32), name, split)
        for seed, (name, split) in enumerate((("anna", "train"), ("prmd_1", "train"), ("ben", "val")))
    ]
    MotionClips(tuple(takes), fps=60.0).save(path)
    return path


@pytest.fixture
def recipe(data) -> Recipe:
    tree = {
        "model": {"name": "mixste", "frames": 9, "sizes": {"dim": 16, "depth": 2, "heads": 2, "drop": 0.3}},
        "waist": {"keep": {1: 4}},
        "data": {"path": str(data), "batch": 2, "shares": {"prmd": 0.28}},
        "optim": {"lr": 1e-3},
        "schedule": {"steps": 9, "warmup": 2},
        "run": {"save_every": 3, "validate_every": 4, "validation_clips": 4, "device": "cpu"},
    }
    return Recipe().updated(tree)
