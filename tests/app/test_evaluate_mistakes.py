"""``poseglass evaluate`` refuses wrong files and options."""

from pathlib import Path

import numpy as np
import pytest

from conftest import Run
from samples.commandline import refused, takes


class TestEvaluating:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("no.npz", ["there is no motion file no.npz"]),
            (".", ["expected a folder of recordings or a file of motion clips (.npz)", "only other.npz, text.npz"]),
            ("text.npz", ["text.npz is not an npz of motion clips"]),
            ("other.npz", ["index.csv"]),
            ("walk.npz", ["walk.npz"]),
        ],
    )
    def test_files_that_are_not_motion_clips_are_refused(
        self, poseglass: Run, workdir: Path, name: str, words: list[str]
    ) -> None:
        (workdir / "text.npz").write_text("no clips")
        np.savez(workdir / "other.npz", a=np.zeros(3))
        np.savez(workdir / "walk.npz", about=np.array("{}"))
        refused(poseglass("evaluate", "balanced", "--data", name), *words)

    def test_unknown_splits_missing_weights_and_unwritable_outputs_are_refused(
        self, poseglass: Run, workdir: Path
    ) -> None:
        takes(workdir / "clips.npz")
        refused(
            poseglass("evaluate", "balanced", "--data", "clips.npz", "--split", "exam"), "'exam'", "test, train, val"
        )
        refused(poseglass("evaluate", "nothing", "--data", "clips.npz"), "no weights nothing")
        refused(
            poseglass("evaluate", "balanced", "--data", "no.npz", "--json", "clips.npz/x.json"),
            "cannot write clips.npz/x.json",
        )
        evaluate = "poseglass evaluate balanced --data clips.npz"
        refused(poseglass("evaluate", "clips.npz"), "is a file of motion clips", evaluate, code=2)
        refused(poseglass("evaluate", "balanced"), "--data", "give a folder of recordings", code=2)
        refused(poseglass("evaluate", "balanced", "--data", "clips.npz", "--keypoints", "gt"), "--keypoints", code=2)
