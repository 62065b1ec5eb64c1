"""Models as ONNX files, run by onnxruntime."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import Run
from poseglass.engines.onnx_file import export
from poseglass.errors import ModelError
from poseglass.models import create_model
from poseglass.waist.hourglass import Hourglass, funnel, hourglass

onnxruntime = pytest.importorskip("onnxruntime")
FRAMES = 9


@pytest.fixture(scope="module")
def elastic() -> Hourglass:
    """A small hourglass with random weights, trained, it says, for 3 to 9 of its 9 frames."""
    torch.manual_seed(0)
    model = hourglass(create_model("mixste-tiny", frames=FRAMES, inputs=3), keep=4, at=1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.nn.init.zeros_(model.backbone.time_embedding)  # so that equal frames tie
    return model.with_card(replace(model.card, keeps=(1 / 3, 1.0)))


@pytest.fixture(scope="module")
def path(elastic: Hourglass, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file: Path = tmp_path_factory.mktemp("onnx") / "elastic.onnx"
    export(elastic, file)
    return file


class TestElastic:
    def test_poses_and_kept_frames_are_the_models_for_any_number_of_clips_and_frames(self, elastic, path) -> None:
        session = onnxruntime.InferenceSession(path)
        assert [value.name for value in session.get_inputs()] == ["pose2d", "keep"]
        assert [value.name for value in session.get_outputs()] == ["pose3d", "kept_1"]
        for clips, keep in ((1, 3), (2, 4), (5, 8)):
            pose2d = torch.randn(clips, FRAMES, 17, 3)
            with torch.inference_mode():
                trace = elastic.with_keep(keep).eval().trace(pose2d)
            poses, kept = session.run(None, {"pose2d": pose2d.numpy(), "keep": np.array([keep])})
            np.testing.assert_allclose(poses, trace.pose3d.numpy(), atol=1e-5)
            np.testing.assert_array_equal(kept, trace.kept[1].numpy())

    def test_the_earlier_of_equal_frames_is_kept(self, path) -> None:
        session = onnxruntime.InferenceSession(path)
        still = np.zeros((1, FRAMES, 17, 3), np.float32)
        assert session.run(["kept_1"], {"pose2d": still, "keep": np.array([3])})[0].tolist() == [[0, 1, 2]]

    def test_the_metadata_say_how_to_use_the_file(self, elastic, path) -> None:
        about = json.loads(onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map["poseglass"])
        assert about["card"] == {**vars(elastic.card), "keeps": [1 / 3, 1.0]}
        assert (about["frames"], about["coordinates"], about["keep"]) == (FRAMES, ["x", "y", "score"], [3, 8])
        assert about["joints"][:2] == ["pelvis", "right_hip"]

    def test_the_model_is_as_before(self, elastic, path) -> None:
        assert elastic.training
        assert elastic.schedule == {1: 4}


class TestMistakes:
    def test_other_suffixes_are_refused(self, elastic, tmp_path) -> None:
        with pytest.raises(ModelError, match=r"ends in \.onnx, got .*x\.pt"):
            export(elastic, tmp_path / "x.pt")

    def test_keep_needs_an_hourglass(self, elastic, tmp_path) -> None:
        for model in (elastic.backbone, funnel(elastic.backbone, keep=3, at=1)):
            with pytest.raises(ModelError, match="keep needs a model with an hourglass"):
                export(model, tmp_path / "x.onnx", keep=3)
        assert not [*tmp_path.iterdir()]

    def test_the_command_refuses_what_cannot_be_written(self, poseglass: Run, workdir) -> None:
        assert poseglass("export", "balanced", "missing.txt").code == 1
        assert not [*workdir.iterdir()]
