"""Training can be killed at any moment and goes on as if nothing had been; what is wrong is said."""

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

from oracle import bodies
from poseglass import H36M_17, weights
from poseglass.data.augment import Sample, Sampler
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.errors import DataError, TrainingError, WeightsError
from poseglass.models import MixSTE
from poseglass.training import loop
from poseglass.training.initial import time_code
from poseglass.training.loop import build, optimisers, schedule, train
from poseglass.training.recipe import Recipe
from poseglass.waist import Hourglass

torch.set_num_threads(1)

# Dies by SIGKILL in the middle of writing the checkpoint of step 6.
KILLED = """
import json, os, signal, sys
import torch
from poseglass.training import loop
from poseglass.training.recipe import Recipe

torch.set_num_threads(1)
whole = loop.save_file

def half(tensors, path, metadata):
    whole(tensors, path, metadata)
    if json.loads(metadata["poseglass"])["step"] >= 6:
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

loop.save_file = half
loop.train(Recipe().updated(json.loads(sys.argv[1])), sys.argv[2])
"""


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
        "model": {"frames": 9, "dim": 16, "depth": 2, "heads": 2, "drop": 0.3, "keep": 4, "at": 1},
        "data": {"path": str(data), "batch": 2},
        "optim": {"steps": 9, "warmup": 2, "lr": 1e-3},
        "run": {"save_every": 3, "validate_every": 4, "validation_clips": 4},
    }
    return Recipe().updated(tree)


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


@pytest.fixture
def unbroken(recipe, tmp_path) -> Path:
    train(recipe, tmp_path / "unbroken")
    return tmp_path / "unbroken"


def test_a_run_leaves_what_it_promises(recipe, unbroken):
    best = weights.load(unbroken / "best")
    assert isinstance(best, Hourglass)
    assert best.schedule == {1: 4}
    assert [row["step"] for row in rows(unbroken)] == ["4", "8", "9"]
    assert all(float(value) > 0 for row in rows(unbroken) for value in row.values())
    assert Recipe().updated(json.loads((unbroken / "recipe.json").read_text())) == recipe
    fresh = build(recipe).state_dict()
    assert any(not torch.equal(value, fresh[name]) for name, value in best.state_dict().items())


def test_a_finished_run_is_not_run_again(recipe, unbroken):
    before = (unbroken / "checkpoint.safetensors").stat().st_mtime_ns
    assert train(recipe, unbroken) == unbroken / "best"
    assert (unbroken / "checkpoint.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("optimiser", ["muon", "adamw"])
def test_killed_while_it_writes_it_goes_on_to_the_same_bits(recipe, tmp_path, optimiser):
    recipe = recipe.override(f"optim.name={optimiser}")
    train(recipe, tmp_path / "unbroken")
    run = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(recipe.to_dict()), str(tmp_path / "broken")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    left = load_file(tmp_path / "broken" / "checkpoint.safetensors")  # that of step 3, whole
    assert left["optim.0.0.step" if optimiser == "adamw" else "optim.1.0.step"] == 3
    train(recipe, tmp_path / "broken")
    assert_same_run(tmp_path / "unbroken", tmp_path / "broken")
    errors = [[{k: v for k, v in row.items() if k.endswith("mpjpe") or k == "step"} for row in rows(tmp_path / name)]
              for name in ("unbroken", "broken")]  # fmt: skip
    assert errors[0] == errors[1], "no step is missing from the table, none is there twice"


def test_two_workers_train_as_one_on_both_their_batches(recipe, data, tmp_path):
    """And a run of two goes on where it was."""
    recipe = recipe.override("run.workers=2", "data.batch=4", "optim.bf16=false", "model.drop=0.0", "optim.steps=4")
    for steps in (2, 4):  # the checkpoint of step 2 is then gone on from
        train(recipe.override(f"optim.steps={steps}", "optim.decay=0.0"), tmp_path / "two")

    alone = loop.Run(recipe.override("optim.decay=0.0"), build(recipe))
    sampler = Sampler(MotionClips.load(data).split("train"), 9)
    for step in range(4):
        halves = [sampler.sample(np.random.default_rng([recipe.run.seed, step, rank]), 2) for rank in (0, 1)]
        both = (np.concatenate([getattr(half, name) for half in halves]) for name in ("pose2d", "pose3d"))
        alone.advance(Sample(*both))
    together = contents(tmp_path / "two")
    for name, value in alone.model.state_dict().items():
        torch.testing.assert_close(together[f"model.{name}"], value, atol=2e-5, rtol=1e-4)


def test_a_worker_that_dies_ends_the_run(recipe, tmp_path):
    recipe = recipe.override("run.workers=2", "optim.lr=1e30", "optim.steps=50")
    with pytest.raises(TrainingError, match="one of 2 workers"):
        train(recipe, tmp_path / "two")


def test_a_run_made_longer_goes_on(recipe, unbroken):
    train(recipe.override("optim.steps=11"), unbroken)
    assert rows(unbroken)[-1]["step"] == "11"


def test_a_loss_that_is_no_number_ends_it_and_the_checkpoint_stays_good(recipe, tmp_path, unbroken, monkeypatch):
    calls = 0
    loss = loop.PoseLoss.forward

    def breaks(*args):
        nonlocal calls
        calls += 1
        return loss(*args) * (float("nan") if calls > 5 else 1)

    monkeypatch.setattr(loop.PoseLoss, "forward", breaks)
    with pytest.raises(TrainingError, match=r"loss is nan.*at step 5.*checkpoint is good.*optim.lr"):
        train(recipe, tmp_path / "broken")
    monkeypatch.undo()
    train(recipe, tmp_path / "broken")
    assert_same_run(unbroken, tmp_path / "broken")


def test_the_folder_of_another_recipe_is_refused(recipe, unbroken):
    before = contents(unbroken)
    with pytest.raises(TrainingError, match=r"another model.dim, optim.lr; choose another folder"):
        train(recipe.override("model.dim=8", "optim.lr=0.5"), unbroken)
    after = contents(unbroken)
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize("content", [b"", b"hello", None])
def test_a_broken_checkpoint_is_refused(recipe, unbroken, content):
    path = unbroken / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    with pytest.raises(TrainingError, match=r"not a checkpoint of a training run.*remove it"):
        train(recipe, unbroken)


def test_weights_are_no_checkpoint(recipe, unbroken):
    (unbroken / "checkpoint.safetensors").write_bytes((unbroken / "best" / "weights.safetensors").read_bytes())
    with pytest.raises(TrainingError, match="not a checkpoint of a training run"):
        train(recipe, unbroken)


def test_missing_data(recipe, tmp_path):
    with pytest.raises(DataError, match=r"data.path"):
        train(Recipe(), tmp_path)
    with pytest.raises(DataError, match="no motion file"):
        train(recipe.override("data.path=nowhere.npz"), tmp_path)


def test_training_begins_from_other_weights(recipe, tmp_path):
    recipe = recipe.override("optim.steps=1", "optim.lr=0.0", "run.validate_every=1")
    other = build(recipe.override("run.seed=5"))
    train(recipe, tmp_path / "run", init=weights.save(other, tmp_path / "other"))
    trained = load_file(tmp_path / "run" / "checkpoint.safetensors")
    assert all(torch.equal(trained[f"model.{name}"], value) for name, value in other.state_dict().items())
    with pytest.raises(WeightsError, match="of another shape"):
        train(recipe.override("model.dim=8"), tmp_path / "unlike", init=tmp_path / "other")


class TestBuild:
    def test_the_same_seed_gives_the_same_network(self, recipe):
        first, second = build(recipe), build(recipe)
        assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
        other = build(recipe.override("run.seed=2"))
        assert not torch.equal(first.state_dict()["backbone.project.weight"], other.backbone.project.weight)

    def test_with_and_without_a_waist(self, recipe):
        assert isinstance(build(recipe.override("model.keep=0")), MixSTE)
        model = build(recipe.override("model.prune=uniform", "model.recover=interpolate"))
        assert type(model.pruner).__name__ == "Uniform"
        assert type(model.recoverer).__name__ == "Interpolate"

    def test_published_and_sinusoidal_starts(self, recipe):
        published = build(recipe.override("model.init=published"))
        assert not published.backbone.time_embedding.any()
        assert not published.recoverer.queries.any()
        ours = build(recipe)
        assert torch.equal(ours.backbone.time_embedding, time_code(9, 16))
        assert torch.equal(ours.recoverer.queries, time_code(9, 16))
        assert torch.equal(ours.recoverer.attention.key.weight, ours.recoverer.attention.query.weight)

    def test_the_time_code_tells_frames_apart(self):
        code = time_code(81, 32)[0]
        distance = torch.cdist(code, code)
        assert (distance + 9 * torch.eye(81)).min() > 0.1
        assert code.abs().max() <= 1


class TestOptimisers:
    @pytest.mark.parametrize("name", ["adamw", "muon"])
    def test_every_parameter_is_in_one_group(self, recipe, name):
        recipe = recipe.override(f"optim.name={name}")
        model = build(recipe)
        held = [p for o in optimisers(model, recipe.optim) for group in o.param_groups for p in group["params"]]
        assert sorted(map(id, held)) == sorted(map(id, model.parameters()))
        for optimiser in optimisers(model, recipe.optim):
            for group in optimiser.param_groups:
                for p in group["params"]:
                    assert (group["weight_decay"] == 0) == (p.ndim != 2)

    def test_the_rate_warms_up_stays_and_falls_to_nothing(self, recipe):
        optim = recipe.override("optim.steps=100", "optim.warmup=10", "optim.decay=0.2").optim
        rates = [schedule(step, optim) for step in range(100)]
        assert rates[:10] == pytest.approx([0.1 * i for i in range(1, 11)])
        assert rates[10:80] == [1.0] * 70
        assert rates[80:] == pytest.approx([(100 - step) / 20 for step in range(80, 100)])
        assert all(rate > 0 for rate in rates)
