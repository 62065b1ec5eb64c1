"""Products in bfloat16: what is cast and what is not, how near the answers stay, and that a copy is made."""

import numpy as np
import pytest
import torch

import poseglass as pg
from poseglass.body.geometry import Camera
from poseglass.data.synthetic.people import STYLES, move, stand_camera
from poseglass.errors import ModelError
from poseglass.lifting.predictor import predict

TINY = ("mixste-tiny", "motionbert-tiny", "motionagformer-tiny", "mhformer-tiny")


def answers(model, *models):
    backbone = getattr(model, "backbone", model)
    clip = torch.randn(2, model.frames, 17, backbone.inputs, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return [each(clip) for each in (model, *models)]


@pytest.mark.parametrize("name", TINY)
def test_layers_multiply_in_bfloat16_and_the_answer_is_near(name):
    torch.manual_seed(0)
    model = pg.hourglass(name, keep=9, at=1, prune="uniform").eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    fast = pg.to_bfloat16(model, exact=0)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items()), "the model stays"
    exact, found = answers(model, fast)
    assert found.dtype == torch.float32
    distance = (found - exact).norm() / exact.norm()
    assert 0 < distance < 2e-2
    cast = {name for name, value in fast.named_parameters() if value.dtype == torch.bfloat16}
    assert cast
    outside = ("recoverer", "embedding", "head", "norm", "project", "represent", "encoders")
    assert not [key for key in cast if any(word in key.split(".")[-2] for word in outside) or "encoders" in key]


@pytest.mark.parametrize("name", TINY)
def test_so_many_first_layers_stay_exact(name):
    torch.manual_seed(0)
    model = pg.create_model(name).eval()
    exact, all_of_them = answers(model, pg.to_bfloat16(model, exact=model.depth))
    assert torch.equal(exact, all_of_them)
    counts = [
        sum(value.dtype == torch.bfloat16 for value in pg.to_bfloat16(model, exact=layers).parameters())
        for layers in range(model.depth + 1)
    ]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == model.depth + 1, "each layer counts"
    for wrong in (-1, model.depth + 1):
        with pytest.raises(ModelError, match=f"from 0 to {model.depth}, not {wrong}"):
            pg.to_bfloat16(model, exact=wrong)


def test_it_may_be_made_where_nothing_is_learned():
    with torch.inference_mode():
        made_there = pg.to_bfloat16(pg.create_model("mixste-tiny"))
        fast = pg.to_bfloat16(pg.load("balanced"))
    assert not next(fast.parameters()).is_inference()
    answers(made_there)


def test_a_funnel_and_weights_on_disk(tmp_path):
    torch.manual_seed(0)
    model = pg.funnel("mixste-tiny", keep=9, at=1).eval()
    fast = pg.to_bfloat16(model)
    exact, found = answers(model, fast)
    assert found.shape == exact.shape
    pg.save(pg.to_bfloat16(pg.create_model("mixste-tiny")), tmp_path / "fast")
    assert all(value.dtype == torch.float32 for value in pg.load(tmp_path / "fast").parameters())


class Outsider(pg.PoseTransformer):
    """A backbone of torch's own layers."""

    dim, frames, depth, inputs, joints = 8, 9, 2, 2, 17

    def __init__(self):
        super().__init__()
        self.project, self.out = torch.nn.Linear(2, 8), torch.nn.Linear(8, 3)
        self.mixing = torch.nn.ModuleList(torch.nn.Linear(9, 9) for _ in range(2))

    def embed(self, pose2d):
        return self.project(pose2d)

    def layer(self, index, tokens, received=None):
        return tokens + self.mixing[index](tokens.transpose(1, 3)).transpose(1, 3)

    def head(self, tokens):
        return self.out(tokens)


def test_a_backbone_of_other_layers_is_cast_whole_and_can_be_measured():
    fast = pg.to_bfloat16(Outsider())
    assert {value.dtype for value in fast.parameters()} == {torch.bfloat16}
    assert fast(torch.zeros(1, 9, 17, 2).bfloat16()).dtype == torch.bfloat16
    assert pg.bench(Outsider(), threads=1, rounds=1, dtype="bfloat16").model.latency > 0


def test_the_shipped_weights_hardly_move():
    """A walk and a seat of made-up people; docs/hourglass.md has real ones."""
    model = pg.load("balanced")
    fast = pg.to_bfloat16(model)
    for style, yaw in (("Walking", 0.4), ("Sitting", 2.0)):
        body = move(np.random.default_rng(0), STYLES[style], 90, fps=30)
        rotation, position = stand_camera(yaw)
        camera = Camera(rotation=rotation, position=position, focal=np.full(2, 1500.0), centre=np.array([960.0, 540.0]))
        pixels = camera.project(camera.to_camera(body.reshape(-1, 3))).reshape(-1, 17, 2)
        before, after = (predict(each, pixels, np.ones((90, 17)), size=(1920, 1080)).pose3d for each in (model, fast))
        moved = np.linalg.norm(after - before, axis=-1)
        assert 0 < moved.mean() < 0.5e-3
