"""Runs that are killed and compared: shared by the tests of runs on motion clips and on recordings."""

import csv
from pathlib import Path

import torch
from safetensors.torch import load_file

# Dies by SIGKILL in the middle of writing the checkpoint of step 6.
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
