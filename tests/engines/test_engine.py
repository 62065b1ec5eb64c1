"""Models run by onnxruntime and OpenVINO: the poses and kept frames are PyTorch's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from conftest import Run
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.cost.benchmark import bench
from poseglass.cost.measuring import Product
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.engines import engine, stored
from poseglass.engines.engine import Engine, chosen_engine, open_engine
from poseglass.engines.runtime import RUNTIMES
from poseglass.errors import ModelError
from poseglass.judging.evaluation import evaluate
from poseglass.lifting.answer import answer
from poseglass.lifting.lifter import Lifter
from poseglass.models import create_model
from poseglass.waist.hourglass import Hourglass, hourglass

FRAMES = 9
MODEL = hourglass(create_model("mixste-tiny", frames=FRAMES, inputs=3), keep=4, at=1).requires_grad_(False)
with torch.random.fork_rng():
    torch.manual_seed(0)
    for parameter in MODEL.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
torch.nn.init.zeros_(MODEL.backbone.time_embedding)  # so that equal frames tie
MODEL.eval()


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POSEGLASS_CACHE", str(folder))
        yield folder


@pytest.fixture(params=[*RUNTIMES])
def runner(request: pytest.FixtureRequest) -> Engine:
    for package in (RUNTIMES[request.param].package, "onnx", "onnxscript"):
        pytest.importorskip(package)
    opened = open_engine(request.param, MODEL)
    assert opened is not None
    return opened


class TestParity:
    @pytest.mark.parametrize("flip", [False, True])
    def test_poses_and_kept_frames_are_torchs(self, runner, flip) -> None:
        clips = np.random.default_rng(0).normal(size=(3, FRAMES, 17, 3)).astype(np.float32)
        poses, kept = answer(MODEL, clips, flip=flip)
        again, chosen = answer(MODEL, clips, flip=flip, engine=runner)
        assert_allclose(again, poses, atol=1e-5)
        assert_array_equal(chosen[1], kept[1])

    def test_of_equal_frames_the_earlier_is_kept(self, runner) -> None:
        assert runner.trace(np.ones((1, FRAMES, 17, 3), np.float32)).kept[1].tolist() == [[0, 1, 2, 3]]

    def test_lifted_motions_are_torchs(self, runner) -> None:
        points = np.random.default_rng(1).uniform(100, 300, (20, 17, 2))
        poses = PoseSequence(points, H36M_17, "pixels", fps=30, size=(640, 480))
        lifter = Lifter(MODEL, engine=runner.name)
        assert_allclose(lifter.lift(poses).points, Lifter(MODEL).lift(poses).points, atol=1e-5)
        assert lifter.report is not None
        assert lifter.report.engine == runner.name

    def test_errors_are_torchs(self, runner) -> None:
        points = np.random.default_rng(2).normal(0, 0.4, (12, 17, 3))
        clips = MotionClips((MotionClip("noise", points, "anna", split="test"),), fps=30)
        reports = [evaluate(MODEL, clips, engine=name) for name in ("torch", runner.name)]
        first, second = (report.group("clean").errors for report in reports)
        assert_allclose([*second.values()], [*first.values()], rtol=1e-4)

    def test_the_benchmark_names_the_engine(self, runner, monkeypatch) -> None:
        monkeypatch.setattr(Product, "aim", 0.001)
        result = bench(MODEL, engine=runner.name, rounds=1)
        assert result.record()["engine"] == runner.name
        assert f"by {runner.name}: batch 1" in str(result)


def test_openvino_computes_in_32_bit_floats() -> None:
    """Its default on processors with bfloat16 would move the poses."""
    pytest.importorskip("openvino")
    opened = open_engine("openvino", MODEL)
    assert isinstance(opened, Engine)
    compiled = opened._runtime(given=False)._compiled  # type: ignore[attr-defined]
    assert compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"


class TestFile:
    def test_it_is_written_once_for_the_same_weights(self, monkeypatch, tmp_path) -> None:
        monkeypatch.setenv("POSEGLASS_CACHE", str(tmp_path))
        written = []
        monkeypatch.setattr(stored, "write_network", lambda network, path: (written.append(path), path.touch()))
        other = hourglass(MODEL.backbone, keep=4, at=1, recover="nearest")
        first = stored.stored_network(MODEL, given=False)
        assert stored.stored_network(MODEL, given=False) == first
        assert written == [first]
        changed = _with_another_bias()
        for model, given in ((MODEL, True), (MODEL.with_keep(3), False), (other, False), (changed, False)):
            assert stored.stored_network(model, given=given) == written[-1]
        assert len({*written}) == 5

    def test_only_the_newest_are_kept(self, monkeypatch, tmp_path) -> None:
        monkeypatch.setenv("POSEGLASS_CACHE", str(tmp_path))
        monkeypatch.setattr(stored, "write_network", lambda network, path: path.touch())
        monkeypatch.setattr(stored, "FILES", 2)
        for keep in (2, 3, 4):
            newest = stored.stored_network(MODEL.with_keep(keep), given=False)
        assert len([*newest.parent.iterdir()]) == 2
        assert newest.is_file()


def _with_another_bias() -> Hourglass:
    twin = hourglass(create_model("mixste-tiny", frames=FRAMES, inputs=3), keep=4, at=1).eval()
    twin.load_state_dict(MODEL.state_dict())
    twin.backbone.head_project.bias.data[0] += 1
    return twin


class TestChoice:
    def test_torch_needs_no_engine(self) -> None:
        assert open_engine("torch", MODEL) is None

    def test_auto_is_openvino_where_it_is_installed_and_the_model_is_on_the_cpu(self, monkeypatch, caplog) -> None:
        cpu = torch.device("cpu")
        monkeypatch.setattr(engine, "find_spec", lambda name: object())
        assert chosen_engine("auto", cpu) == "openvino"
        with caplog.at_level("INFO", "poseglass"):
            assert chosen_engine("auto", torch.device("cuda")) == "torch"
            monkeypatch.setattr(engine, "find_spec", lambda name: None if name == "openvino" else object())
            assert chosen_engine("auto", cpu) == "torch"
        assert "it is on cuda" in caplog.messages[0]
        assert "OpenVINO needs openvino; run pip install 'poseglass[fast]'" in caplog.messages[1]

    def test_impossible_engines_are_refused(self) -> None:
        with pytest.raises(ModelError, match="no engine is called 'tensorrt'; choose one of torch, openvino"):
            open_engine("tensorrt", MODEL)
        with pytest.raises(ModelError, match="openvino runs models on the CPU, but this one is on meta"):
            open_engine("openvino", create_model("mixste-tiny").to("meta"))
        with pytest.raises(ModelError, match="openvino computes in float32, not in bfloat16"):
            bench(MODEL, engine="openvino", dtype="bfloat16")

    @pytest.mark.parametrize("command", [["bench"], ["lift", "x.csv"], ["evaluate", "balanced", "--data", "x.npz"]])
    def test_commands_refuse_unknown_engines(self, poseglass: Run, workdir, command) -> None:
        (workdir / "x.csv").touch()
        outcome = poseglass(*command, "--engine", "tensorrt")
        assert outcome.code != 0
