"""Networks that take pixels: their input and their poses are those of lifting."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from poseglass.clips.view import person_view
from poseglass.engines.from_pixels import view_from_pixels
from poseglass.engines.onnx_file import export
from poseglass.engines.runtime import RUNTIMES
from poseglass.errors import ModelError
from poseglass.lifting.answer import answer
from poseglass.lifting.model_input import model_input
from poseglass.models import create_model
from poseglass.waist.hourglass import hourglass

FRAMES = 9
SIZE = (1280, 720)


def keypoints(clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Clips (b f 17 2) with gaps (b f 17): in the second, the pelvis is never seen; in the third, nobody is."""
    noise = np.random.default_rng(0)
    points = noise.uniform(200, 600, (clips, 1, 17, 2)) + noise.normal(0, 9, (clips, FRAMES, 17, 2)).cumsum(1)
    points[:, 4:6] = points[:, 4:6, [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]]  # exchanged sides
    scores = noise.uniform(0.1, 1, (clips, FRAMES, 17)) * (noise.random((clips, FRAMES, 17)) > 0.2)
    scores[1, :, 0], scores[2] = 0, 0
    points[scores == 0] = np.nan
    return points.astype(np.float32), scores.astype(np.float32)


@pytest.mark.parametrize("focal", [None, 900])
def test_the_view_is_that_of_lifting(focal) -> None:
    points, scores = keypoints(4)
    pose2d, rotation = person_view(points.astype(float), scores.astype(float), size=SIZE, focal=focal)
    camera = torch.tensor([*SIZE, focal or 0], dtype=torch.float32)
    again, turn = view_from_pixels(torch.from_numpy(points), torch.from_numpy(scores), camera)
    assert_allclose(again, pose2d, atol=1e-6)
    assert_allclose(turn, rotation, atol=1e-6)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory):
    """A small hourglass of random weights, and its file."""
    pytest.importorskip("onnxscript")
    model = hourglass(create_model("mixste-tiny", frames=FRAMES, inputs=3), keep=4, at=1).requires_grad_(False).eval()
    noise = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.normal_(std=0.1, generator=noise)
    path: Path = tmp_path_factory.mktemp("pixels") / "pixels.onnx"
    export(model, path, pixels=True)
    return model, path


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_poses_are_those_of_lifting(exported, name) -> None:
    pytest.importorskip(RUNTIMES[name].package)
    model, path = exported
    program = RUNTIMES[name](path, threads=1)
    moving = keypoints(4)
    still = np.repeat(np.nan_to_num(moving[0][:1, :1], nan=400), FRAMES, 1), np.ones((1, FRAMES, 17), np.float32)
    for points, scores in (moving, still):
        for focal in (None, 900):
            clip = model_input(model, points.astype(float), scores.astype(float), size=SIZE, focal=focal)
            poses, kept = answer(model, clip.pose2d)
            camera = np.array([*SIZE, focal or 0], np.float32)
            again, chosen = program.run({"points": points, "scores": scores, "camera": camera})
            assert_allclose(again, clip.to_camera(poses), atol=1e-5)
            assert_array_equal(chosen, kept[1])


def test_models_of_screen_coordinates_are_refused(tmp_path) -> None:
    model = create_model("mixste-tiny")
    with pytest.raises(ModelError, match="pixels need a model of person coordinates"):
        export(model.with_card(replace(model.card, coordinates="screen")), tmp_path / "x.onnx", pixels=True)
    assert not [*tmp_path.iterdir()]
