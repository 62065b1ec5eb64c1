"""Training can be killed at any moment and goes on as if nothing had been; what is wrong is said."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors.torch import load_file

from oracle import bodies
from poseglass import H36M_17
from poseglass.clips.mirror import flip
from poseglass.clips.sample import Sample
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual.sampler import Sampler
from poseglass.errors import DataError, TrainingError, WeightsError
from poseglass.models import MixSTE
from poseglass.training import state as training_state
from poseglass.training.batches import batches
from poseglass.training.build import build
from poseglass.training.initial import time_code
from poseglass.training.loop import train
from poseglass.training.optimisers import optimisers, rate
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
from poseglass.training.validation import predictions_and_targets
from poseglass.waist.hourglass import Hourglass
from poseglass.weights import files as weights

torch.set_num_threads(1)

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
    assert all(float(value) > 0 for row in rows(unbroken) for name, value in row.items() if name != "data_share")
    assert all(0 <= float(row["data_share"]) <= 1 for row in rows(unbroken))
    assert Recipe().updated(json.loads((unbroken / "recipe.json").read_text())) == recipe
    fresh = build(recipe).state_dict()
    assert any(not torch.equal(value, fresh[name]) for name, value in best.state_dict().items())


def test_a_finished_run_is_not_run_again(recipe, unbroken):
    before = (unbroken / "checkpoint.safetensors").stat().st_mtime_ns
    assert train(recipe, unbroken) == unbroken / "best"
    assert (unbroken / "checkpoint.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("optimiser", ["muon", "adamw", "adam"])
def test_killed_while_it_writes_it_goes_on_to_the_same_bits(recipe, tmp_path, optimiser):
    recipe = recipe.override(f"optim.name={optimiser}", f"optim.amsgrad={str(optimiser == 'adam').lower()}")
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
    assert left["optim.0.0.step" if optimiser != "muon" else "optim.1.0.step"] == 3
    train(recipe, tmp_path / "broken")
    assert_same_run(tmp_path / "unbroken", tmp_path / "broken")
    figures = [[{k: v for k, v in row.items() if k not in ("seconds", "data_share")} for row in rows(tmp_path / name)]
               for name in ("unbroken", "broken")]  # fmt: skip
    assert figures[0] == figures[1], "no step is missing from the table or from a mean loss, none is there twice"


def test_two_runs_at_once_in_one_folder_are_refused(recipe, unbroken):
    """As where the first one was thought to be dead; and the lock goes with the process that has it."""
    hold = "import sys\nfrom poseglass.files.writing import alone\n"
    hold += "with alone(sys.argv[1]): print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(unbroken)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        before = contents(unbroken)
        with pytest.raises(
            TrainingError, match=r"another process works in .*unbroken; wait for it, stop it, or choose"
        ):
            train(recipe.override("schedule.steps=11"), unbroken)
        assert all(torch.equal(value, before[name]) for name, value in contents(unbroken).items())
        other.kill()
    train(recipe.override("schedule.steps=11"), unbroken)
    assert rows(unbroken)[-1]["step"] == "11"


def test_two_workers_train_as_one_on_both_their_batches(recipe, data, tmp_path):
    """And a run of two goes on where it was."""
    recipe = recipe.override(
        "run.workers=2", "data.batch=4", "optim.bf16=false", "model.sizes.drop=0.0", "schedule.steps=4"
    )
    for steps in (2, 4):  # the checkpoint of step 2 is then gone on from
        train(recipe.override(f"schedule.steps={steps}", "schedule.decay=0.0"), tmp_path / "two")

    alone = TrainingState(recipe.override("schedule.decay=0.0"), build(recipe))
    sampler = Sampler(MotionClips.load(data).split("train"), 9, shares=recipe.data.shares)
    for step in range(4):
        halves = [sampler.sample(np.random.default_rng([recipe.run.seed, step, rank]), 2) for rank in (0, 1)]
        both = (np.concatenate([getattr(half, name) for half in halves]) for name in ("pose2d", "pose3d"))
        alone.advance(Sample(*both))
    together = contents(tmp_path / "two")
    for name, value in alone.model.state_dict().items():
        torch.testing.assert_close(together[f"model.{name}"], value, atol=2e-5, rtol=1e-4)


def test_workers_that_cannot_go_on_say_why(recipe, tmp_path):
    recipe = recipe.override("run.workers=2", "optim.lr=1e30", "schedule.steps=50")
    with pytest.raises(TrainingError, match=r"^the loss is .* at step \d+; .*lower optim.lr"):
        train(recipe, tmp_path / "two")


def test_a_run_made_longer_goes_on(recipe, unbroken):
    train(recipe.override("schedule.steps=11"), unbroken)
    assert rows(unbroken)[-1]["step"] == "11"


def test_a_loss_that_is_no_number_ends_it_and_the_checkpoint_stays_good(recipe, tmp_path, unbroken, monkeypatch):
    calls = 0
    loss = training_state.PoseLoss.forward

    def breaks(*args):
        nonlocal calls
        calls += 1
        return loss(*args) * (float("nan") if calls > 5 else 1)

    monkeypatch.setattr(training_state.PoseLoss, "forward", breaks)
    with pytest.raises(TrainingError, match=r"loss is nan.*at step 5.*checkpoint is good.*optim.lr"):
        train(recipe, tmp_path / "broken")
    monkeypatch.undo()
    train(recipe, tmp_path / "broken")
    assert_same_run(unbroken, tmp_path / "broken")


def test_the_folder_of_another_recipe_is_refused(recipe, unbroken):
    before = contents(unbroken)
    with pytest.raises(TrainingError, match=r"another model.sizes, optim.lr; choose another folder"):
        train(recipe.override("model.sizes.dim=8", "optim.lr=0.5"), unbroken)
    after = contents(unbroken)
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_other_motion_clips_are_refused(recipe, data, unbroken, tmp_path):
    takes = MotionClips.load(data)
    assert json.loads((unbroken / "data.json").read_text())["fingerprint"] == takes.fingerprint
    MotionClips(takes.clips, takes.fps).save(tmp_path / "copy.npz")
    train(recipe.override(f"data.path={tmp_path / 'copy.npz'}", "schedule.steps=10"), unbroken)
    first, *rest = takes.clips
    other = MotionClips((replace(first, points=first.points * np.float32(1.01)), *rest), takes.fps)
    other.save(tmp_path / "other.npz")
    before = contents(unbroken)
    words = (
        rf"other data: motion clips of fingerprint {takes.fingerprint}, and .*other.npz holds .* {other.fingerprint}"
    )
    with pytest.raises(TrainingError, match=words):
        train(recipe.override(f"data.path={tmp_path / 'other.npz'}", "schedule.steps=11"), unbroken)
    assert all(torch.equal(value, before[name]) for name, value in contents(unbroken).items())


def test_a_full_disk_is_said_and_the_checkpoint_stays_good(recipe, unbroken):
    script = f"""
import json, resource, signal, sys
from poseglass.errors import TrainingError
from poseglass.training.loop import train
from poseglass.training.recipe import Recipe
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # less than a checkpoint, more than the weights
try:
    train(Recipe().updated(json.loads(sys.argv[1])), {str(unbroken)!r})
except TrainingError as problem:
    print(problem)
"""
    sizes = [(unbroken / name).stat().st_size for name in ("checkpoint.safetensors", "best/weights.safetensors")]
    assert sizes[0] > 50_000 > sizes[1]
    longer = recipe.override("schedule.steps=12", "run.validate_every=100")
    before = (unbroken / "checkpoint.safetensors").read_bytes()
    arguments = [sys.executable, "-c", script, json.dumps(longer.to_dict())]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert "checkpoint.safetensors: File too large; free some space, or choose another place" in done.stdout, (
        done.stderr
    )
    assert not [*unbroken.glob(".*.safetensors")]
    assert (unbroken / "checkpoint.safetensors").read_bytes() == before
    train(longer, unbroken)
    assert rows(unbroken)[-1]["step"] == "12"


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


def test_validation_errors_are_root_relative(recipe):
    """A prediction that is off by the same vector at every joint has no error."""
    recipe = recipe.override("optim.ema=0")
    sample = batches(recipe).validation()["clean"]
    run = TrainingState(recipe, build(recipe))
    errors = run.validate({"clean": sample})
    with torch.no_grad():
        run.mean["backbone.head_project.bias"] += torch.tensor([0.1, -0.2, 0.3])
    assert run.validate({"clean": sample}) == pytest.approx(errors, rel=1e-4)


def test_missing_data(recipe, tmp_path):
    with pytest.raises(DataError, match=r"data.path"):
        train(Recipe(), tmp_path)
    with pytest.raises(DataError, match="no motion file"):
        train(recipe.override("data.path=nowhere.npz"), tmp_path)


def test_training_begins_from_other_weights(recipe, tmp_path):
    recipe = recipe.override("schedule.steps=1", "optim.lr=0.0", "run.validate_every=1")
    other = build(recipe.override("run.seed=5"))
    train(recipe, tmp_path / "run", init=weights.save(other, tmp_path / "other"))
    trained = load_file(tmp_path / "run" / "checkpoint.safetensors")
    assert all(torch.equal(trained[f"model.{name}"], value) for name, value in other.state_dict().items())
    with pytest.raises(WeightsError, match="of another shape"):
        train(recipe.override("model.sizes.dim=8"), tmp_path / "unlike", init=tmp_path / "other")


class TestBuild:
    def test_the_same_seed_gives_the_same_network(self, recipe):
        first, second = build(recipe), build(recipe)
        assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
        other = build(recipe.override("run.seed=2"))
        assert not torch.equal(first.state_dict()["backbone.project.weight"], other.backbone.project.weight)

    def test_with_and_without_a_waist(self, recipe):
        assert isinstance(build(recipe.override("waist.keep={}")), MixSTE)
        model = build(recipe.override("waist.prune=uniform", "waist.recover=interpolate"))
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
    @pytest.mark.parametrize("name", ["adamw", "adam", "muon"])
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
        schedule = recipe.override("schedule.steps=100", "schedule.warmup=10", "schedule.decay=0.2").schedule
        rates = [rate(step, schedule, steps=100, epoch=7) for step in range(100)]
        assert rates[:10] == pytest.approx([0.1 * i for i in range(1, 11)])
        assert rates[10:80] == [1.0] * 70
        assert rates[80:] == pytest.approx([(100 - step) / 20 for step in range(80, 100)])
        assert all(rate > 0 for rate in rates)

    def test_the_published_rates_fall_by_the_epoch(self, recipe):
        schedule = Recipe().override(
            "schedule.epochs=12", "schedule.warmup=0", "schedule.decay=0.0", "schedule.factor=0.95",
            "schedule.every=5", "schedule.every_factor=0.5",
        ).schedule  # fmt: skip
        share = 1.0
        for epoch in range(1, 13):
            rates = [rate(step, schedule, steps=36, epoch=3) for step in range(3 * epoch - 3, 3 * epoch)]
            assert rates == pytest.approx([share] * 3)
            share *= 0.5 if epoch % 5 == 0 else 0.95

    def test_weight_decay_on_all(self, recipe):
        optim = recipe.override("optim.decays=all", "optim.weight_decay=0.3").optim
        assert {group["weight_decay"] for o in optimisers(build(recipe), optim) for group in o.param_groups} == {0.3}

    def test_adam_with_amsgrad_is_torch_s(self, recipe):
        (optimiser,) = optimisers(build(recipe), recipe.override("optim.name=adam", "optim.amsgrad=true").optim)
        assert type(optimiser) is torch.optim.Adam
        assert optimiser.defaults["amsgrad"]


class TestAnswered:
    def test_a_funnel_s_frames_have_their_own_truth(self):
        recipe = Recipe().override("model.name=mixste-tiny", "model.frames=9", "waist.keep={1 = 4}")
        model = build(recipe.override("waist.kind=funnel")).eval()
        pose2d = torch.randn(3, 9, 17, 3, generator=torch.Generator().manual_seed(0))
        truth = torch.arange(9.0)[None, :, None, None].expand(3, 9, 17, 3)  # the number of the frame
        kept = model.trace(pose2d).kept[1]
        predicted, target = predictions_and_targets(model, pose2d, truth, centre=False)
        assert torch.equal(target[..., 0, 0], kept.float())
        assert torch.equal(predicted, model(pose2d))
        centre, middle = predictions_and_targets(model, pose2d, truth, centre=True)
        assert (middle == 4).all()
        assert centre.shape == (3, 1, 17, 3)
        for clip in range(3):
            assert torch.equal(centre[clip, 0], predicted[clip, kept[clip].tolist().index(4)])

    def test_all_frames_or_the_centre(self):
        model = build(Recipe().override("model.name=mixste-tiny", "model.frames=9")).eval()
        pose2d, truth = torch.randn(2, 9, 17, 3), torch.randn(2, 9, 17, 3)
        predicted, target = predictions_and_targets(model, pose2d, truth, centre=False)
        assert torch.equal(target, truth)
        centre, middle = predictions_and_targets(model, pose2d, truth, centre=True)
        assert torch.equal(centre, predicted[:, 4:5])
        assert torch.equal(middle, truth[:, 4:5])


@pytest.mark.parametrize("name", ["motionbert-tiny", "mhformer-tiny", "motionagformer-tiny"])
def test_other_backbones_train_and_go_on(recipe, tmp_path, name):
    settings = (
        f"model.name={name}",
        "model.sizes={}",
        "run.save_every=2",
        "run.validate_every=2",
        "schedule.decay=0.0",
    )
    centre = ("waist.kind=funnel", "loss.frames=centre", "loss.smoothness=0", "loss.velocity=0")
    recipe = recipe.override(*settings, *(centre if name == "mhformer-tiny" else ()))
    train(recipe.override("schedule.steps=4"), tmp_path / "unbroken")
    for steps in (2, 4):
        train(recipe.override(f"schedule.steps={steps}"), tmp_path / "broken")
    assert_same_run(tmp_path / "unbroken", tmp_path / "broken")
    trained = weights.load(tmp_path / "unbroken" / "best")
    assert trained.frames == 9
    if name != "mhformer-tiny":
        assert trained.schedule == {1: 4}
    tensors = contents(tmp_path / "unbroken")
    assert all(torch.isfinite(value).all() for value in tensors.values())
    counted = [value for key, value in tensors.items() if key.startswith("mean.") and "num_batches" in key]
    assert all(value == 4 for value in counted), "a count is no mean"


def test_epochs_are_counted_and_clips_come_with_their_mirror_image(recipe, data, tmp_path):
    recipe = recipe.override("schedule.steps=0", "schedule.epochs=1", "data.flip=both")
    source = batches(recipe)
    assert source.epoch == math.ceil(2 * 60 / 60 * 30 / (9 * 2)), "two takes of a second at 30 frames a second"
    drawn = source.draw(3, 0)
    assert_array_equal(flip(drawn.pose2d[:1]), drawn.pose2d[1:])
    assert_array_equal(flip(drawn.pose3d[:1]), drawn.pose3d[1:])
    train(recipe, tmp_path / "run")
    assert rows(tmp_path / "run")[-1]["step"] == str(source.epoch)
