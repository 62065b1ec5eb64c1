"""``poseglass train`` on the user's own motion, and what is wrong with recipes and data."""

import json
from pathlib import Path

import pytest

from conftest import Run
from samples.commandline import HALPE, refused, takes, well

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
save_every = 1
validate_every = 1
validation_clips = 2
"""


class TestTraining:
    def test_train_evaluate_lift(self, poseglass: Run, here: Path) -> None:
        """A network of the user's own, from motion capture to a lifted motion."""
        (here / "tiny.toml").write_text(TINY)
        takes(here / "clips.npz")
        done = poseglass("train", "tiny.toml", "--data", "clips.npz", "-o", "run", "--set", "optim.lr=1e-3")
        assert done.code == 0, done.err
        assert "the best weights are in run/best" in done.err
        assert done.out == ""
        done = poseglass("evaluate", "run/best", "--data", "clips.npz", "--json", "out/errors.json")
        assert done.code == 0, done.err
        assert done.out.startswith("motion clips, split test"), "the report, and nothing else, can be piped"
        errors = json.loads((here / "out/errors.json").read_text())
        assert errors["clean"]["all"]["mpjpe"] > 0
        assert f"{errors['detected']['all']['p_mpjpe']:.1f}" in done.out
        well(poseglass("lift", HALPE, "--model", "run/best", "-o", "a.json"))
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
            (["tiny.toml", "--data", "tiny.toml"], ["tiny.toml is not an npz of motion clips"]),
            (["tiny.toml", "--set", "optim.speed=9"], ["no setting optim.speed", "lr"]),
            (["tiny.toml", "--set", "speed"], ["section.name=value"]),
            (["tiny.toml", "--set", "optim.lr=fast"], ["optim.lr must be", "'fast'"]),
            (["tiny.toml", "--data", "clips.npz", "-o", "tiny.toml/run"], ["is a file, not a folder"]),
            (["tiny.toml", "--data", "clips.npz", "--init", "nothing"], ["no weights nothing"]),
            (["tiny.toml", "--data", "clips.npz", "--waist-only"], ["optim.trains=waist", "by init"]),
            (["tiny.toml", "--data", "clips.npz", "--set", "data.keypoints=gt"], ["no folder of recordings clips.npz"]),
        ],
    )
    def test_wrong_recipes_and_data(self, poseglass: Run, here: Path, arguments: list[str], words: list[str]) -> None:
        (here / "tiny.toml").write_text(TINY)
        (here / "broken.toml").write_text("[model\n")
        takes(here / "clips.npz")
        refused(poseglass("train", "-o", "run", *arguments), *words)
        assert not (here / "run" / "checkpoint.safetensors").exists()
