"""Runs on recordings: killed, resumed, shared, started from other weights; and the records in their folder."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from test_recorded_batches import written
from training_runs import assert_same_run, contents, rows, train_and_die

from poseglass.clips.sample import Sample
from poseglass.data.recordings.store import Recordings
from poseglass.errors import ModelError, PoseglassError, RecipeError, TrainingError
from poseglass.files.writing import folder_lock
from poseglass.models import Card, devices
from poseglass.training import loop, provenance
from poseglass.training.batches import batches
from poseglass.training.build import build
from poseglass.training.loop import train
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
from poseglass.training.transfer import transferred
from poseglass.waist.hourglass import Hourglass
from poseglass.weights import files as weights

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("data") / "store", subjects=("S1", "S5", "S9"))


@pytest.fixture
def recipe(store) -> Recipe:
    tree = {
        "model": {"name": "mixste", "frames": 9, "inputs": 2, "sizes": {"dim": 16, "depth": 2, "heads": 2, "drop": 0}},
        "waist": {"keep": {1: 4}},
        "data": {"path": str(store), "keypoints": "cpn", "stride": 9, "batch": 4, "flip": "random"},
        "optim": {"lr": 1e-4},
        "schedule": {"steps": 9, "warmup": 2, "decay": 0.0},
        "run": {"save_every": 3, "validate_every": 4, "validation_clips": 4, "device": "cpu"},
    }
    return Recipe().updated(tree)


def losses(folder: Path) -> list[float]:
    return [float(row["loss"]) for row in rows(folder)]


def test_a_killed_run_on_recordings_resumes_to_the_same_bits(recipe, tmp_path):
    """With dropout, and with epochs of 14 clips that do not end at checkpoints."""
    recipe = recipe.override("model.sizes.drop=0.3")
    train(recipe, tmp_path / "unbroken")
    train_and_die(recipe, tmp_path / "broken")
    train(recipe, tmp_path / "broken")
    assert_same_run(tmp_path / "unbroken", tmp_path / "broken")


def test_a_killed_worker_ends_the_run_and_one_process_can_resume_it(recipe, tmp_path):
    """The result is that of one process alone, up to rounding."""
    recipe = recipe.override("run.save_every=1", "run.validate_every=1")
    killed = []

    def kill():
        while not (tmp_path / "two" / "checkpoint.safetensors").exists():
            time.sleep(0.01)
        killed.append(multiprocessing.active_children()[-1])
        os.kill(killed[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(TrainingError, match=r"one of 2 workers ended, which stopped all: .*start again to resume"):
        train(recipe.override("run.workers=2", "schedule.steps=100000"), tmp_path / "two")
    killer.join()
    with safe_open(tmp_path / "two" / "checkpoint.safetensors", "pt") as file:
        step = json.loads(file.metadata()["poseglass"])["step"]
    assert 1 <= step < 100000
    train(recipe.override(f"schedule.steps={step + 2}"), tmp_path / "two")
    train(recipe.override(f"schedule.steps={step + 2}"), tmp_path / "one")
    assert [row["step"] for row in rows(tmp_path / "two")] == [str(n + 1) for n in range(step + 2)]
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-3)
    starts = json.loads((tmp_path / "two" / "environment.json").read_text())["starts"]
    assert [(start["step"], start["workers"]) for start in starts] == [(0, 2), (step, 1)]


def test_workers_end_with_their_parent(recipe, tmp_path):
    """Also in the background of a script, where processes ignore interrupts."""
    recipe = recipe.override("run.workers=2", "run.save_every=1", "schedule.steps=100000")
    script = (
        "import json, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from poseglass.training.loop import train; from poseglass.training.recipe import Recipe\n"
        "if __name__ == '__main__': train(Recipe().updated(json.loads(sys.argv[1])), sys.argv[2])\n"
    )
    (tmp_path / "script.py").write_text(script)
    folder = tmp_path / "run"
    arguments = [sys.executable, str(tmp_path / "script.py"), json.dumps(recipe.to_dict()), str(folder)]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as parent:
        while not (folder / "checkpoint.safetensors").exists():
            assert parent.poll() is None
            time.sleep(0.05)
        parent.kill()
    until = time.monotonic() + 20
    while True:  # the worker that writes has the folder's lock
        try:
            with folder_lock(folder):
                break
        except PoseglassError:
            assert time.monotonic() < until, "a worker outlives its parent"
            time.sleep(0.05)


def test_wrong_input_gives_the_same_error_with_any_number_of_workers(recipe, tmp_path):
    """The message advises starting again only after other errors."""
    weights.save(build(recipe.override("model.sizes.dim=32")), tmp_path / "other")
    for workers in (1, 2):
        with pytest.raises(TrainingError, match="other was trained on person coordinates") as error:
            train(recipe.override(f"run.workers={workers}"), tmp_path / "run", init=tmp_path / "other")
        assert "start again" not in str(error.value)


def test_torchrun_trains_as_one_process_does(recipe, store, tmp_path):
    """The losses are those of the whole batch, and only one process writes and logs."""
    recipe = recipe.override("schedule.steps=4", "run.validate_every=1", "data.flip=both")
    train(recipe, tmp_path / "one")
    text = "\n".join(
        f"[{section}]\n" + "\n".join(f"{key} = {_toml(value)}" for key, value in values.items())
        for section, values in recipe.to_dict().items()
    )
    (tmp_path / "recipe.toml").write_text(text)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "poseglass"]
    command = [sys.executable, *launcher, "train", str(tmp_path / "recipe.toml"), "--out", str(tmp_path / "two")]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("the best weights are in") == 1
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=2e-4)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    for name in (name for name in one if name.startswith("model.")):
        torch.testing.assert_close(two[name], one[name], atol=2e-5, rtol=1e-4)
    assert json.loads((tmp_path / "two" / "environment.json").read_text())["starts"][0]["workers"] == 2


def test_machines_with_different_folders_are_refused(recipe, tmp_path):
    """Otherwise each would resume from its own weights. The processes are started directly, without torchrun."""
    train(recipe, tmp_path / "first")
    code = (
        "import json, sys; from poseglass.training.loop import train; from poseglass.training.recipe import Recipe\n"
        "train(Recipe().updated(json.loads(sys.argv[1])), sys.argv[2])"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = json.dumps(recipe.override("schedule.steps=20").to_dict())
    about = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    pair = [
        subprocess.Popen(
            [sys.executable, "-c", code, settings, str(tmp_path / folder)],
            stderr=subprocess.PIPE, text=True, env=os.environ | about | {"RANK": str(rank)},
        )
        for rank, folder in enumerate(("first", "second"))
    ]  # fmt: skip
    fingerprint = Recordings.open(recipe.data.path).fingerprint
    for worker in pair:
        _, output = worker.communicate(timeout=120)
        # Rarely, gloo aborts a worker that is ending because another has ended; its error is printed by then.
        assert worker.returncode in (1, -signal.SIGABRT)
        assert (
            f"they start at step 9 with data {fingerprint}, step 0 with data {fingerprint}; give all of them the same"
            in output
        )
    assert not (tmp_path / "second").exists()


def _toml(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + "}"
    return json.dumps(value)


def test_wrong_variables_of_a_launcher_are_refused(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(RecipeError, match=r"data.batch must be a multiple of run.workers"):
        train(recipe, tmp_path / "run")
    for size in ("0", "two"):
        monkeypatch.setenv("WORLD_SIZE", size)
        with pytest.raises(TrainingError, match=rf"RANK must be a number below its WORLD_SIZE, got '0' and '{size}'"):
            train(recipe, tmp_path / "run")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(TrainingError, match=r"worker 0 of 2 could not connect to the others.*MASTER_ADDR"):
        train(recipe, tmp_path / "run")


class TestProvenance:
    def test_data_and_environment_are_recorded_in_the_folder(self, recipe, store, tmp_path):
        best = train(recipe, tmp_path / "run")
        assert json.loads((tmp_path / "run" / "data.json").read_text()) == batches(recipe).about() | {"init": None}
        (start,) = json.loads((tmp_path / "run" / "environment.json").read_text())["starts"]
        assert start["torch"] == torch.__version__
        assert (start["step"], start["threads"], start["workers"]) == (0, 1, 1)
        card = Card(coordinates="screen", keypoints=recipe.data.keypoints, answers="all", skeleton="h36m17")
        assert weights.load(best).card == card
        assert all(0 < float(row["validation_mpjpe"]) < 5000 for row in rows(tmp_path / "run"))

    def test_different_data_are_refused(self, recipe, tmp_path):
        train(recipe, tmp_path / "run")
        before = contents(tmp_path / "run")
        other = written(tmp_path / "other", subjects=("S1", "S9"))
        words = "other data: recordings of fingerprint {} and .*other holds recordings of {}; resume with".format(
            *(Recordings.open(path).fingerprint + end for path, end in ((recipe.data.path, ","), (other, "")))
        )
        longer = recipe.override("schedule.steps=11")
        with pytest.raises(TrainingError, match=words):
            train(longer.override(f"data.path={other}"), tmp_path / "run")
        after = contents(tmp_path / "run")
        assert all(torch.equal(value, after[name]) for name, value in before.items())
        moved = Path(recipe.data.path).parent / "moved"
        moved.symlink_to(recipe.data.path)
        train(longer.override(f"data.path={moved}"), tmp_path / "run")  # the same data in another place

    def test_a_run_resumes_in_a_changed_environment_and_records_it(self, recipe, tmp_path, monkeypatch):
        train(recipe, tmp_path / "run")
        train(recipe.override("schedule.steps=10"), tmp_path / "run")
        monkeypatch.setattr(provenance.platform, "python_version", lambda: "9.9")
        train(recipe.override("schedule.steps=11"), tmp_path / "run")
        starts = json.loads((tmp_path / "run" / "environment.json").read_text())["starts"]
        assert [(start["step"], start["python"] == "9.9") for start in starts] == [(0, False), (10, True)]

    def test_a_run_resumes_on_another_device_with_a_warning(self, recipe, tmp_path, monkeypatch, caplog):
        train(recipe.override("run.device=cpu"), tmp_path / "run")
        assert not caplog.records
        monkeypatch.setattr(devices, "full_name", lambda where: "cuda:0 (a GPU)")
        train(recipe.override("schedule.steps=10"), tmp_path / "run", device="auto")
        assert "was on cpu and resumes on cuda:0 (a GPU): rounding will differ" in caplog.text
        starts = json.loads((tmp_path / "run" / "environment.json").read_text())["starts"]
        assert [start["device"] for start in starts] == ["cpu", "cuda:0 (a GPU)"]
        assert json.loads((tmp_path / "run" / "recipe.json").read_text())["run"]["device"] == "auto"

    def test_a_run_of_a_version_without_devices_resumes(self, recipe, tmp_path, caplog):
        train(recipe, tmp_path / "run")
        for name in ("recipe.json", "environment.json"):
            path = tmp_path / "run" / name
            tree = json.loads(path.read_text())
            for settings in (tree["run"],) if name == "recipe.json" else tree["starts"]:
                settings.pop("device")
                settings.pop("compile", None)
            path.write_text(json.dumps(tree))
        train(recipe.override("schedule.steps=10"), tmp_path / "run")
        assert not caplog.records
        with pytest.raises(TrainingError, match=r"holds a run with another run.compile"):
            train(recipe.override("schedule.steps=11", "run.compile=true"), tmp_path / "run")

    def test_a_missing_device_is_refused_at_once(self, recipe, tmp_path):
        with pytest.raises(ModelError, match=r"this machine has no device cuda:99 .*; choose auto or one of cpu"):
            train(recipe, tmp_path / "run", device="cuda:99")
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("name", ["data.json", "recipe.json", "environment.json"])
    @pytest.mark.parametrize("content", ["{", "[]"])
    def test_damaged_records_are_refused(self, recipe, tmp_path, name, content):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / name).write_text(content)
        with pytest.raises(TrainingError, match=rf"{name} cannot be read"):
            train(recipe, tmp_path / "run")


class TestInitialWeights:
    @pytest.fixture
    def screen(self, recipe, tmp_path) -> Path:
        """A backbone without a waist, trained on screen coordinates."""
        model = build(recipe.override("waist.keep={}", "run.seed=5"))
        return weights.save(model.with_card(Card(coordinates="screen")), tmp_path / "backbone")

    @pytest.mark.parametrize("optimiser", ["adamw", "muon"])
    def test_the_waist_alone_is_trained(self, recipe, screen, tmp_path, optimiser):
        """The backbone stays the same to the bit despite dropout and weight decay; all of the waist learns."""
        settings = ("optim.trains=waist", f"optim.name={optimiser}", "model.sizes.drop=0.3", "optim.lr=0.01")
        recipe = recipe.override(*settings, "model.init=sinusoidal")
        fresh = build(recipe).state_dict()
        train(recipe.override("schedule.steps=5"), tmp_path / "run", init=screen)
        train(recipe, tmp_path / "run")  # resumes, without init
        assert json.loads((tmp_path / "run" / "data.json").read_text())["init"] == str(screen)
        trained = weights.load(tmp_path / "run" / "best")
        assert isinstance(trained, Hourglass)
        before = load_file(screen / "weights.safetensors")
        assert all(torch.equal(value, before[name]) for name, value in trained.backbone.state_dict().items())
        own = {id(parameter) for parameter in trained.own_parameters()}
        for name, parameter in trained.named_parameters():
            if id(parameter) in own:
                assert not torch.equal(parameter, fresh[name]), name
        with pytest.raises(TrainingError, match=r"another optim.trains"):
            train(recipe.override("optim.trains=all"), tmp_path / "run")

    def test_dropout_does_not_disturb_a_frozen_backbone(self, recipe):
        run = TrainingState(recipe.override("optim.trains=waist", "model.sizes.drop=0.5"), build(recipe))
        assert not any(module.training for module in run.model.backbone.modules())
        assert all(module.training for module in run.model.recoverer.modules())
        count = sum(len(group["params"]) for optimiser in run.optimisers for group in optimiser.param_groups)
        assert count == len([*run.model.own_parameters()])

    def test_a_waist_of_interpolation_has_no_matrices_for_muon(self, recipe, screen, tmp_path):
        settings = ("optim.trains=waist", "optim.name=muon", "waist.recover=interpolate", "optim.lr=0.01")
        best = train(recipe.override(*settings), tmp_path / "run", init=screen)
        assert weights.load(best).kept_embedding["1"].any()

    def test_training_the_waist_alone_needs_weights(self, recipe, tmp_path):
        with pytest.raises(TrainingError, match=r"optim.trains=waist .*as init"):
            train(recipe.override("optim.trains=waist"), tmp_path / "run")
        for waist in ("waist.keep={}", "waist.kind=funnel"):
            with pytest.raises(RecipeError, match=r"optim.trains=waist needs a waist with weights"):
                recipe.override("optim.trains=waist", waist)

    def test_a_plain_backbone_gets_a_new_waist(self, recipe, screen, tmp_path):
        recipe = recipe.override("schedule.steps=1", "optim.lr=0.0", "optim.ema=0.0")
        trained = load_file(train(recipe, tmp_path / "run", init=screen) / "weights.safetensors")
        fresh, before = build(recipe).state_dict(), load_file(screen / "weights.safetensors")
        for name, value in trained.items():
            inner = name.removeprefix("backbone.")
            assert torch.equal(value, before[inner] if name != inner else fresh[name]), name

    def test_weights_for_other_joints_are_refused(self, recipe, screen, tmp_path):
        model = weights.load(screen)
        model = model.with_card(replace(model.card, skeleton="mpi_inf_3dhp17"))
        other = weights.save(model, tmp_path / "other")
        words = r"trained on the joints of mpi_inf_3dhp17, but the data have the joints of h36m17"
        with pytest.raises(TrainingError, match=words):
            train(recipe, tmp_path / "run", init=other)
        assert not (tmp_path / "run").exists()

    def test_weights_for_other_coordinates_are_refused(self, recipe, tmp_path):
        person = weights.save(build(recipe), tmp_path / "person")
        with pytest.raises(TrainingError, match=r"trained on person coordinates, but the data have screen coordinates"):
            train(recipe, tmp_path / "run", init=person)
        assert not (tmp_path / "run").exists()


def test_validation_ignores_frames_that_do_not_count(recipe):
    run = TrainingState(recipe, build(recipe))
    judges = batches(recipe).validation()
    sample = judges["validation"]
    assert 0 < sample.counts.mean() < 1
    errors = run.validate(judges)
    with torch.inference_mode():
        predicted = run.averaged()(torch.from_numpy(sample.pose2d)).numpy()
    predicted = predicted - predicted[:, :, :1]
    distances = np.linalg.norm(predicted - sample.pose3d, axis=-1).mean(-1)
    assert errors["validation_mpjpe"] == pytest.approx(1000 * distances[sample.counts].mean(), rel=1e-5)
    spoiled = np.where(sample.counts[..., None, None], sample.pose3d, 99).astype(np.float32)
    assert run.validate({"validation": Sample(sample.pose2d, spoiled, sample.counts)}) == errors


class _Slow:
    """A source that draws slowly."""

    epoch, coordinates, keypoints = 1, "screen", "cpn"

    def __init__(self, seconds):
        self.seconds, self.drawn = seconds, []

    def draw(self, step, rank):
        time.sleep(self.seconds)
        self.drawn.append(step)
        return Sample(np.zeros((2, 9, 17, 2), np.float32), np.ones((2, 9, 17, 3), np.float32))

    def draw_on(self, where, step, rank):
        return transferred(self.draw(step, rank), where)

    def validation(self):
        return {"validation": self.draw(-1, 0)}

    def about(self):
        return {"kind": "nothing", "fingerprint": "0"}


def test_waiting_for_data_is_measured(recipe, tmp_path, monkeypatch):
    recipe = recipe.override("schedule.steps=4", "run.validate_every=4")
    slow = _Slow(0.3)
    monkeypatch.setattr(loop, "batches", lambda recipe: slow)
    train(recipe, tmp_path / "slow")
    assert slow.drawn == [-1, 0, 1, 2, 3], "in order, and none unused"
    assert float(rows(tmp_path / "slow")[0]["data_share"]) > 0.3
