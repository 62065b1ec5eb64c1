"""Motion clips and a small recipe for them."""

from pathlib import Path

import numpy as np
import pytest

from oracle import bodies
from poseglass import H36M_17
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.training.recipe import Recipe


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clips.npz"
    takes = [
        MotionClip(name, bodies.motion(60, H36M_17.joints, seed).astype(np.float32), name, split)
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
        "run": {"save_every": 3, "validate_every": 4, "validation_clips": 4},
    }
    return Recipe().updated(tree)
