"""``poseglass train`` on the user's own motion; wrong recipes and data are refused."""

import json
from pathlib import Path

import pytest

from conftest import Run
from samples.commandline import HALPE, refused, succeeded, takes

TINY = """
[model]
name = "mixste"
frames = 9
sizes = { dim = 16, depth = 2, heads = 2 }
[waist]
keep = { 1 = 3 }
[data]
batch = 4
[schedule]
steps = 2
warmup = 1
[run]
device = "cpu"
save_every = 1
validate_every = 1
validation_clips = 2
"""


class TestTraining:
    def test_a_model_is_trained_evaluated_and_used_to_lift(self, poseglass: Run, workdir: Path) -> None:
        """From the user's motion capture to a motion lifted by the model trained on it."""
        (workdir / "tiny.toml").write_text(TINY)
        takes(workdir / "clips.npz")
        done = poseglass("train", "tiny.toml", "--data", "clips.npz", "-o", "run", "--set", "optim.lr=1e-3")
        assert done.code == 0, done.err
        assert "the best weights are in run/best" in done.err
        assert done.out == ""
        done = poseglass("evaluate", "run/best", "--data", "clips.npz", "--json", "out/errors.json")
        assert done.code == 0, done.err
        assert done.out.startswith("motion clips, split test"), "only the report goes to standard output"
        errors = json.loads((workdir / "out/errors.json").read_text())
        assert errors["clean"]["all"]["mpjpe"] > 0
        assert f"{errors['detected']['all']['p_mpjpe']:.1f}" in done.out
        succeeded(poseglass("lift", HALPE, "--model", "run/best", "-o", "a.json"))
        assert (
            poseglass("train", "tiny.toml", "--data", "clips.npz", "-o", "run", "--set", "model.sizes.dim=32").code == 1
        )

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["no.toml"], ["there is no recipe no.toml"]),
            (["."], ["cannot be read"]),
            (["clips.npz"], ["clips.npz"]),
            (["broken.toml"], ["broken.toml is not TOML"]),
            (["tiny.toml"], ["names no data", "data.path"]),
            (["tiny.toml", "--data", "no.npz"], ["there is no motion file no.npz", "poseglass data mocap"]),
            (["tiny.toml", "--data", "no.npz", "--set", "run.workers=2"], ["there is no motion file no.npz"]),
            (["tiny.toml", "--data", "."], ["expected a folder of recordings or a file of motion clips (.npz)"]),
            (["tiny.toml", "--data", "tiny.toml"], ["tiny.toml is not an npz of motion clips"]),
            (["tiny.toml", "--set", "optim.speed=9"], ["no setting optim.speed", "lr"]),
            (["tiny.toml", "--set", "speed"], ["section.name=value"]),
            (["tiny.toml", "--set", "optim.lr=fast"], ["optim.lr must be", "'fast'"]),
            (["tiny.toml", "--data", "clips.npz", "-o", "tiny.toml/run"], ["is a file, not a folder"]),
            (["tiny.toml", "--data", "clips.npz", "--init", "nothing"], ["no weights nothing"]),
            (["tiny.toml", "--data", "clips.npz", "--waist-only"], ["optim.trains=waist", "as init"]),
            (
                ["tiny.toml", "--data", "clips.npz", "--set", "data.keypoints=gt"],
                ["expected a folder of recordings, but clips.npz is a file"],
            ),
        ],
    )
    def test_wrong_recipes_and_data_are_refused(
        self, poseglass: Run, workdir: Path, arguments: list[str], words: list[str]
    ) -> None:
        (workdir / "tiny.toml").write_text(TINY)
        (workdir / "broken.toml").write_text("[model\n")
        takes(workdir / "clips.npz")
        refused(poseglass("train", "-o", "run", *arguments), *words)

    def test_options_that_contradict_settings_are_refused(self, poseglass: Run, workdir: Path) -> None:
        (workdir / "tiny.toml").write_text(TINY)
        for option, setting in ((["--data", "b.npz"], "data.path=a.npz"), (["--waist-only"], "optim.trains=all")):
            done = poseglass("train", "tiny.toml", "-o", "run", *option, "--set", setting)
            refused(done, option[0], "contradicts", f"--set {setting}", code=2)
        assert not (workdir / "run" / "checkpoint.safetensors").exists()
