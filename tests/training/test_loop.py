"""Runs on motion clips: interrupted and resumed, extended, shared by workers, or refused with a reason."""

import json
import logging
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import training_runs
from numpy.testing import assert_array_equal
from safetensors.torch import load_file
from training_runs import OwnBackbone, assert_same_run, contents, rows, train_and_die

from poseglass.clips.mirror import flip
from poseglass.clips.sample import Sample
from poseglass.data.clips import MotionClips
from poseglass.data.virtual.sampler import Sampler
from poseglass.errors import DataError, TrainingError, WeightsError
from poseglass.training import state as training_state
from poseglass.training.batches import batches
from poseglass.training.build import build
from poseglass.training.loop import train
from poseglass.training.motion_batches import STREAM
from poseglass.training.recipe import Recipe
from poseglass.training.seeds import mixed
from poseglass.training.state import TrainingState
from poseglass.waist.hourglass import Hourglass
from poseglass.weights import files as weights

data, recipe = training_runs.data, training_runs.recipe  # fixtures

torch.set_num_threads(1)


@pytest.fixture
def unbroken(recipe, tmp_path) -> Path:
    train(recipe, tmp_path / "unbroken")
    return tmp_path / "unbroken"


def test_a_run_writes_its_log_its_recipe_and_the_best_weights(recipe, unbroken):
    best = weights.load(unbroken / "best")
    assert isinstance(best, Hourglass)
    assert best.schedule == {1: 4}
    assert [row["step"] for row in rows(unbroken)] == ["4", "8", "9"]
    assert all(float(value) > 0 for row in rows(unbroken) for name, value in row.items() if name != "data_share")
    assert all(0 <= float(row["data_share"]) <= 1 for row in rows(unbroken))
    assert Recipe().updated(json.loads((unbroken / "recipe.json").read_text())) == recipe
    fresh = build(recipe).state_dict()
    assert any(not torch.equal(value, fresh[name]) for name, value in best.state_dict().items())


def test_a_finished_run_has_nothing_to_do(recipe, unbroken):
    before = (unbroken / "checkpoint.safetensors").stat().st_mtime_ns
    assert train(recipe, unbroken) == unbroken / "best"
    assert (unbroken / "checkpoint.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("optimiser", ["muon", "adamw", "adam"])
def test_a_run_killed_while_writing_resumes_to_the_same_bits(recipe, tmp_path, optimiser):
    recipe = recipe.override(f"optim.name={optimiser}", f"optim.amsgrad={str(optimiser == 'adam').lower()}")
    train(recipe, tmp_path / "unbroken")
    train_and_die(recipe, tmp_path / "broken")
    left = load_file(tmp_path / "broken" / "checkpoint.safetensors")  # complete, of step 3
    assert left["optim.0.0.step" if optimiser != "muon" else "optim.1.0.step"] == 3
    train(recipe, tmp_path / "broken")
    assert_same_run(tmp_path / "unbroken", tmp_path / "broken")
    figures = [[{k: v for k, v in row.items() if k not in ("seconds", "data_share")} for row in rows(tmp_path / name)]
               for name in ("unbroken", "broken")]  # fmt: skip
    assert figures[0] == figures[1], "each step counts once in the table and in the mean losses"


def test_two_processes_in_one_folder_are_refused(recipe, unbroken):
    """The lock is released when the process that holds it ends."""
    hold = "import sys\nfrom poseglass.files.writing import folder_lock\n"
    hold += "with folder_lock(sys.argv[1]): print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(unbroken)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        before = contents(unbroken)
        with pytest.raises(
            TrainingError, match=r"another process is working in .*unbroken; wait for it, stop it, or choose"
        ):
            train(recipe.override("schedule.steps=11"), unbroken)
        assert all(torch.equal(value, before[name]) for name, value in contents(unbroken).items())
        other.kill()
    train(recipe.override("schedule.steps=11"), unbroken)
    assert rows(unbroken)[-1]["step"] == "11"


def test_two_workers_train_as_one_does_on_both_their_batches(recipe, data, tmp_path):
    """A run with two workers also resumes from its checkpoint."""
    recipe = recipe.override(
        "run.workers=2", "data.batch=4", "optim.bf16=false", "model.sizes.drop=0.0", "schedule.steps=4"
    )
    for steps in (2, 4):  # the second run resumes from step 2
        train(recipe.override(f"schedule.steps={steps}", "schedule.decay=0.0"), tmp_path / "two")

    alone = TrainingState(recipe.override("schedule.decay=0.0"), build(recipe))
    sampler = Sampler(MotionClips.load(data).split("train"), 9, shares=recipe.data.shares)
    for step in range(4):
        seeds = [mixed(recipe.run.seed, step, rank, STREAM) for rank in (0, 1)]
        halves = [sampler.sample(torch.Generator().manual_seed(seed), 2) for seed in seeds]
        both = (torch.cat(parts).numpy() for parts in zip(*halves, strict=True))
        alone.advance(Sample(*both))
    together = contents(tmp_path / "two")
    for name, value in alone.model.state_dict().items():
        torch.testing.assert_close(together[f"model.{name}"], value, atol=2e-5, rtol=1e-4)


def test_workers_that_fail_report_the_reason(recipe, tmp_path):
    recipe = recipe.override("run.workers=2", "optim.lr=1e30", "schedule.steps=50")
    with pytest.raises(TrainingError, match=r"^the loss is .* at step \d+; .*lower optim.lr"):
        train(recipe, tmp_path / "two")


def test_a_finished_run_can_be_extended(recipe, unbroken):
    train(recipe.override("schedule.steps=11"), unbroken)
    assert rows(unbroken)[-1]["step"] == "11"


def test_an_infinite_loss_ends_the_run_and_keeps_the_checkpoint(recipe, tmp_path, unbroken, monkeypatch):
    calls = 0
    loss = training_state.PoseLoss.forward

    def breaks(*args):
        nonlocal calls
        calls += 1
        return loss(*args) * (float("nan") if calls > 5 else 1)

    monkeypatch.setattr(training_state.PoseLoss, "forward", breaks)
    with pytest.raises(TrainingError, match=r"loss is nan.*at step 5.*optim.lr.*checkpoint, which is good"):
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


def test_different_motion_clips_are_refused(recipe, data, unbroken, tmp_path):
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


@pytest.mark.parametrize("change", ["licence", "credit"])
def test_the_same_motion_clips_under_other_terms_are_refused(recipe, data, unbroken, tmp_path, change):
    takes = MotionClips.load(data)
    if change == "credit":
        other = replace(takes, credit="nobody")
    else:
        other = replace(takes, clips=(replace(takes.clips[0], licence="none"), *takes.clips[1:]))
    assert other.fingerprint == takes.fingerprint
    other.save(tmp_path / "other.npz")
    before = contents(unbroken)
    with pytest.raises(
        TrainingError, match=rf"under other terms: {change}s? .*(nobody|none).* in \S*other\.npz; resume"
    ):
        train(recipe.override(f"data.path={tmp_path / 'other.npz'}", "schedule.steps=11"), unbroken)
    assert all(torch.equal(value, before[name]) for name, value in contents(unbroken).items())


def test_a_full_disk_is_reported_and_the_checkpoint_is_kept(recipe, unbroken):
    script = f"""
import json, resource, signal, sys
from poseglass.errors import TrainingError
from poseglass.training.loop import train
from poseglass.training.recipe import Recipe
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))  # less than a checkpoint, more than the weights
try:
    train(Recipe().updated(json.loads(sys.argv[1])), {str(unbroken)!r})
except TrainingError as problem:
    print(problem)
"""
    sizes = [(unbroken / name).stat().st_size for name in ("checkpoint.safetensors", "best/weights.safetensors")]
    assert sizes[0] > 60_000 > sizes[1]
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
def test_a_damaged_checkpoint_is_refused(recipe, unbroken, content):
    path = unbroken / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    with pytest.raises(TrainingError, match=r"not a checkpoint of a training run.*remove it"):
        train(recipe, unbroken)


def test_weights_in_place_of_a_checkpoint_are_refused(recipe, unbroken):
    (unbroken / "checkpoint.safetensors").write_bytes((unbroken / "best" / "weights.safetensors").read_bytes())
    with pytest.raises(TrainingError, match="not a checkpoint of a training run"):
        train(recipe, unbroken)


def test_missing_data_are_refused(recipe, tmp_path):
    with pytest.raises(DataError, match=r"data.path"):
        train(Recipe(), tmp_path)
    with pytest.raises(DataError, match="no motion file"):
        train(recipe.override("data.path=nowhere.npz"), tmp_path)


def test_training_starts_from_other_weights(recipe, tmp_path):
    recipe = recipe.override("schedule.steps=1", "optim.lr=0.0", "run.validate_every=1")
    other = build(recipe.override("run.seed=5"))
    train(recipe, tmp_path / "run", init=weights.save(other, tmp_path / "other"))
    trained = load_file(tmp_path / "run" / "checkpoint.safetensors")
    assert all(torch.equal(trained[f"model.{name}"], value) for name, value in other.state_dict().items())
    with pytest.raises(WeightsError, match="of another shape"):
        train(recipe.override("model.sizes.dim=8"), tmp_path / "unlike", init=tmp_path / "other")


@pytest.mark.parametrize("name", ["motionbert-tiny", "mhformer-tiny", "motionagformer-tiny"])
def test_other_backbones_train_and_resume(recipe, tmp_path, name):
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
    assert all(value == 4 for value in counted), "counts are not averaged"


def test_epochs_become_steps_and_each_clip_comes_with_its_mirror_image(recipe, data, tmp_path):
    recipe = recipe.override("schedule.steps=0", "schedule.epochs=1", "data.flip=both")
    source = batches(recipe)
    assert source.epoch == math.ceil(2 * 60 / 60 * 30 / (9 * 2)), "two takes of one second, at 30 frames per second"
    drawn = source.draw(3, 0)
    assert_array_equal(flip(drawn.pose2d[:1]), drawn.pose2d[1:])
    assert_array_equal(flip(drawn.pose3d[:1]), drawn.pose3d[1:])
    train(recipe, tmp_path / "run")
    assert rows(tmp_path / "run")[-1]["step"] == str(source.epoch)


def test_training_leaves_the_state_of_the_process_unchanged(recipe, tmp_path):
    torch.manual_seed(3)

    def process() -> list[object]:
        generators = torch.random.get_rng_state().tolist(), np.random.get_state()[1].tolist()  # noqa: NPY002
        flags = torch.are_deterministic_algorithms_enabled(), torch.is_grad_enabled()
        return [generators, flags, torch.get_num_threads(), torch.get_default_dtype()]

    before = process()
    train(recipe, tmp_path / "run")
    assert process() == before


@pytest.mark.parametrize("workers", [1, 2])
def test_each_validation_is_logged(recipe, tmp_path, caplog, workers):
    """Also when worker processes do the training."""
    caplog.set_level(logging.INFO, "poseglass")
    train(recipe.override(f"run.workers={workers}"), tmp_path / "run")
    lines = [record.getMessage() for record in caplog.records if record.name == "poseglass.training.reporting"]
    assert lines[0] == "training from step 0 to 9 on cpu"
    steps = [re.match(r"step (\d+) of 9: loss [\d.]+, P-MPJPE [\d.]+ mm, waited \d+% of the time for data", line)
             for line in lines[1:]]  # fmt: skip
    assert [step and step[1] for step in steps] == ["4", "8", "9"]


def test_a_share_for_unknown_subjects_gives_a_warning(recipe, caplog):
    batches(recipe.override("data.shares={prmd = 0.2, zoe = 0.1}"))
    assert caplog.messages == ["data.shares.zoe is ignored: no subject of a training take has this prefix"]


def test_the_folder_of_an_earlier_version_is_refused(recipe, unbroken):
    path = unbroken / "recipe.json"
    before = json.loads(path.read_text())
    before["data"] = {"rehab_share": 0.28} | {name: value for name, value in before["data"].items() if name != "shares"}
    path.write_text(json.dumps(before))
    with pytest.raises(TrainingError, match=r"a run of an earlier poseglass, whose recipe has data.rehab_share"):
        train(recipe.override("schedule.steps=11"), unbroken)


def test_a_run_whose_clips_another_version_drew_is_refused(recipe, unbroken):
    """The sampler of numpy recorded no version; the clips of its steps cannot be drawn again."""
    path = unbroken / "data.json"
    about = json.loads(path.read_text())
    assert about.pop("sampler") == 2
    path.write_text(json.dumps(about))
    before = contents(unbroken)
    with pytest.raises(TrainingError, match="whose clips another version of poseglass drew"):
        train(recipe.override("schedule.steps=11"), unbroken)
    assert all(torch.equal(value, before[name]) for name, value in contents(unbroken).items())


@pytest.mark.parametrize(("workers", "runs"), [(1, (2, 4)), (2, (4,))])
def test_a_custom_backbone_is_trained_resumed_and_loaded(recipe, tmp_path, workers, runs):
    """Workers resume as one process does; see the test of two workers."""
    recipe = recipe.override("model.sizes={dim = 8}", "optim.lr=0.01", "run.save_every=1")
    for steps in runs:
        run = recipe.override(f"schedule.steps={steps}", f"run.workers={workers}")
        best = train(run, tmp_path / "run", backbone=OwnBackbone)
    trained = weights.load(best, backbone=OwnBackbone)
    assert isinstance(trained.backbone, OwnBackbone)
    assert (trained.schedule, trained.backbone.dim, trained.card.coordinates) == ({1: 4}, 8, "person")
    assert rows(tmp_path / "run")[-1]["step"] == "4"
    with pytest.raises(TrainingError, match=r"a run with another model.name"):
        train(recipe.override("schedule.steps=5", "model.sizes={}"), tmp_path / "run")
    again = train(recipe.override("schedule.steps=1"), tmp_path / "next", init=best, backbone=OwnBackbone)
    assert weights.load(again, backbone=OwnBackbone).frames == 9
