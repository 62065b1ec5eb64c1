"""``--keep`` of ``lift``, ``evaluate`` and ``bench``: the same weights with another number of kept frames."""

from pathlib import Path

import pytest
import typer

from conftest import Run
from poseglass import PoseSequence, create_model, evaluate, hourglass, load, save
from poseglass.commands.keep import parse_keep
from poseglass.data.clips import MotionClips
from samples.commandline import refused, someone, succeeded, takes


@pytest.mark.parametrize(
    ("text", "keep"),
    [("27", 27), ("1", 1), ("1.0", 1.0), ("0.2", 0.2), ("2:121,5:61", {2: 121, 5: 61}), ("1:0.5", {1: 0.5})],
)
def test_a_number_is_a_count_and_a_fraction_a_share(text: str, keep: object) -> None:
    parsed = parse_keep(text)
    assert parsed == keep
    assert type(parsed) is type(keep)


@pytest.mark.parametrize("text", ["", "many", "1:", "1:2:3", "27,9", ":3"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"write it as 81, as 0.33 or as 2:121,5:61 \(layer:frames\)"):
        parse_keep(text)


class TestLifting:
    def test_fewer_frames_are_kept(self, poseglass: Run, workdir: Path) -> None:
        someone(81).save(workdir / "walk2d.npz")
        done = poseglass("lift", "walk2d.npz", "--keep", "0.2", "-o", "few.npz")
        assert done.code == 0, done.err
        assert "was trained to keep" not in done.err  # an elastic waist
        assert "16 of 81 frames kept" in done.err
        few = PoseSequence.load("few.npz")
        assert few.kept is not None
        assert few.kept.sum() == 16

    def test_the_trained_number_changes_nothing(self, poseglass: Run, workdir: Path) -> None:
        someone(81).save(workdir / "walk2d.npz")
        done = poseglass("lift", "walk2d.npz", "--keep", "27", "-o", "same.npz")
        succeeded(done)
        succeeded(poseglass("lift", "walk2d.npz", "-o", "default.npz"))
        same, default = PoseSequence.load("same.npz"), PoseSequence.load("default.npz")
        assert (same.points == default.points).all()

    @pytest.mark.parametrize(
        ("keep", "words", "code"),
        [
            ("some", ["--keep", "'some'"], 2),
            ("0", ["layer 1 can keep 1 to 81 frames, not 0"], 1),
            ("82", ["not 82"], 1),
            ("1.5", ["above 0 and at most 1, not 1.5"], 1),
            ("2:9", ["before layers [1]"], 1),
        ],
    )
    def test_wrong_values_are_refused(
        self, poseglass: Run, workdir: Path, keep: str, words: list[str], code: int
    ) -> None:
        someone(9).save(workdir / "walk2d.npz")
        refused(poseglass("lift", "walk2d.npz", "--keep", keep), *words, code=code)


def test_evaluation_is_that_of_the_model_with_another_keep(poseglass: Run, workdir: Path) -> None:
    clips = takes(workdir / "clips.npz")
    done = poseglass("evaluate", "fast", "--data", clips, "--keep", "1:5", "--json", "few.json")
    assert done.code == 0, done.err
    assert "fast was trained to keep 9 of 27 frames; how accurate it is with 5 from layer 1 on is" in done.err
    assert done.out == f"{evaluate(load('fast', keep=5), MotionClips.load(clips))}\n"


class TestBenching:
    @pytest.fixture(autouse=True)
    def hasty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from poseglass.cost.measuring import Product

        monkeypatch.setattr(Product, "aim", 0.001)

    def test_the_waist_of_the_weights_keeps_another_number(self, poseglass: Run, workdir: Path) -> None:
        own = hourglass(create_model("mixste-tiny", frames=9), keep=5, at=2, prune="uniform", recover="nearest")
        save(own, workdir / "own")
        done = poseglass("bench", "own", "--keep", "3", "--rounds", 1, "--threads", 1)
        succeeded(done)
        assert "3 frames at 2, Uniform, Nearest" in done.out

    def test_a_model_without_a_waist_needs_a_layer(self, poseglass: Run, workdir: Path) -> None:
        save(create_model("mixste-tiny", frames=9), workdir / "plain")
        for model in ("plain", "mixste-tiny"):
            refused(poseglass("bench", model, "--keep", "0.5"), "--keep", "has no waist", "--at LAYER", code=2)

    def test_settings_of_a_new_waist_need_a_layer(self, poseglass: Run, workdir: Path) -> None:
        refused(poseglass("bench", "balanced", "--keep", 9, "--prune", "uniform"), "--prune", "--at LAYER", code=2)
