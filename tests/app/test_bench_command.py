"""``poseglass bench``."""

import json
from pathlib import Path

import pytest

from conftest import Run
from samples.commandline import refused, succeeded


@pytest.mark.usefixtures("small_product")
class TestBenching:
    def test_a_model_with_a_waist_is_compared_with_its_backbone(self, poseglass: Run, workdir: Path) -> None:
        options = ["--frames", 9, "--keep", 3, "--at", 1, "--rounds", 1, "--threads", 1, "--markdown"]
        done = poseglass("bench", "mixste-tiny", *options, "--json", "out/bench.json")
        succeeded(done)
        assert "| latency, median |" in done.out
        assert "3 frames at 1, DensityPeaks, RecoveringAttention" in done.out
        (record,) = json.loads((workdir / "out/bench.json").read_text())
        assert record["name"] == "mixste-tiny"
        assert 0 < record["flops_saved"]["paper"] < 1
        assert record["model"]["frames"] == record["against"]["frames"] == 9

    def test_several_models_and_waists_are_measured_in_turn(self, poseglass: Run, workdir: Path) -> None:
        from poseglass import create_model, hourglass, save

        save(hourglass(create_model("mixste-tiny", frames=9), keep=5, at=1), workdir / "own")
        quick = ["--rounds", 1, "--threads", 1]
        done = poseglass("bench", "mixste-tiny", "own", *quick)
        succeeded(done)
        assert done.out.count("peak memory  ") == 2
        assert "5 frames at 1" in done.out
        assert done.out.count("Measured in turns") == 1, "only the model with a waist has a backbone to compare with"
        pyramid = ["--keep", "1:5,2:3", "--prune", "uniform", "--recover", "interpolate"]
        assert "5 frames at 1, 3 frames at 2, Uniform, Interpolate" in poseglass("bench", "own", *pyramid, *quick).out
        done = poseglass("bench", "own", "--keep", "0.33", "--at", 2, "--recover", "none", *quick)
        assert "3 frames at 2, DensityPeaks, kept frames only" in done.out
        done = poseglass("bench", "motionagformer-tiny", "--frames", 9, "--keep", 3, "--at", 1, *quick)
        assert "MotionAGFormer, 3 frames at 1" in done.out, "its backbone is built again without the waist"
        assert "Measured in turns" in done.out

    def test_the_count_table_of_the_papers_is_printed(self, poseglass: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        from poseglass.cost import counts, papers

        models = papers.TABLES["h36m"].models[1:2]
        monkeypatch.setattr(counts, "count_table", lambda whole=counts.count_table: whole(models))
        done = poseglass("bench", "--paper")
        succeeded(done)
        assert "| TPC w. MHFormer (117 at 1) | 31.52 | 31.52 | 8.22 | 8.22 | 9.16 | 9.16 |" in done.out

    @pytest.mark.parametrize(
        ("arguments", "words", "code"),
        [
            (["nothing"], ["there is no model nothing", "mixste", "balanced"], 1),
            (["balanced", "--frames", 9], ["--frames is for named sizes only"], 1),
            (["mixste-tiny", "--keep", 9, "--at", 3], ["before its layers 1 to 2, not 3"], 1),
            (["mixste-tiny", "--keep", 9, "--at", 1, "--prune", "x"], ["no pruner is called 'x'"], 1),
            (["mixste-tiny", "--keep", 9, "--at", 1, "--recover", "x"], ["no recoverer is called 'x'"], 1),
            (["mixste-tiny", "--rounds", 0], ["rounds must be 1 or more"], 1),
            (["mixste-tiny", "--json", "own.json/x.json"], ["cannot write own.json/x.json"], 1),
            (["mixste-tiny", "--keep", 9], ["--keep", "--at LAYER"], 2),
            (["mixste-tiny", "--keep", "2:9", "--at", 1], ["--keep", "pyramid"], 2),
            (["mixste-tiny", "--keep", "many", "--at", 1], ["--keep", "'many'"], 2),
            (["mixste-tiny", "--at", 1], ["--at", "--keep"], 2),
            (["mixste-tiny", "--prune", "uniform"], ["--prune", "needs --keep"], 2),
            (["balanced", "--recover", "nearest"], ["--recover", "needs --keep"], 2),
            (["mixste-tiny", "--dtype", "int8"], ["--dtype", "'int8'"], 2),
            (["mixste-tiny", "--device", "cuda:99"], ["--device", "no device cuda:99", "auto or one of cpu"], 2),
            (["mixste-tiny", "--device", "cpu", "--graphs"], ["--graphs", "CUDA, not cpu"], 2),
            (["mixste", "--paper"], ["--paper", "leave out models"], 2),
            (["--paper", "--prune", "uniform"], ["--paper", "leave out", "--prune"], 2),
            (["--paper", "--frames", 81], ["--paper", "leave out", "--frames"], 2),
            (["--paper", "--device", "cpu"], ["--paper", "leave out", "--device"], 2),
            (["--paper", "--dtype", "bfloat16", "--rounds", 3], ["--paper", "leave out", "--dtype, --rounds"], 2),
        ],
    )
    def test_wrong_arguments_are_refused(
        self, poseglass: Run, workdir: Path, arguments: list[object], words: list[str], code: int
    ) -> None:
        (workdir / "own.json").write_text("{}")
        refused(poseglass("bench", *arguments), *words, code=code)
