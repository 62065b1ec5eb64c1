"""Layers in bfloat16: cast weights, differences of poses, and a copy that is an ordinary model."""

import copy
import pickle

import numpy as np
import pytest
import torch

import poseglass as pg
from poseglass.body.geometry import Camera
from poseglass.data.synthetic.people import STYLES, move, stand_camera
from poseglass.errors import ModelError
from poseglass.lifting.predictor import predict
from poseglass.models.layers import Linear, Mlp

LINEARS = ("qkv", "query", "key", "value", "proj", "fc1", "fc2")
TINY = ("mixste-tiny", "motionbert-tiny", "motionagformer-tiny", "mhformer-tiny")


def poses(model, *models):
    backbone = getattr(model, "backbone", model)
    clip = torch.randn(2, model.frames, 17, backbone.inputs, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return [each(clip) for each in (model, *models)]


@pytest.mark.parametrize("name", TINY)
def test_layers_multiply_in_bfloat16_and_poses_stay_close(name):
    torch.manual_seed(0)
    model = pg.hourglass(name, keep=9, at=1, prune="uniform").eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    fast = pg.to_bfloat16(model, exact=0)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items()), (
        "the original model is unchanged"
    )
    exact, rounded = poses(model, fast)
    assert rounded.dtype == torch.float32
    distance = (rounded - exact).norm() / exact.norm()
    assert 0 < distance < 2e-2
    cast = {name for name, value in fast.named_parameters() if value.dtype == torch.bfloat16}
    assert cast
    outside = ("embedding", "head", "norm", "project", "represent")
    assert not [key for key in cast if any(word in key.split(".")[-2] for word in outside)]
    for network in ("recoverer.", "encoders."):  # whole, biases included
        linears = {key for key in before if network in key and key.split(".")[-2] in LINEARS}
        assert linears <= cast


def test_encoders_and_recoverer_stay_exact_with_the_first_layer():
    model = pg.hourglass("mhformer-tiny", keep=9, at=1)
    for exact, dtype in ((0, torch.bfloat16), (1, torch.float32)):
        fast = pg.to_bfloat16(model, exact=exact)
        for network in (fast.backbone.encoders, fast.recoverer):
            assert {part.weight.dtype for part in network.modules() if isinstance(part, Linear)} == {dtype}


@pytest.mark.parametrize("name", TINY)
def test_the_first_layers_stay_exact(name):
    torch.manual_seed(0)
    model = pg.create_model(name).eval()
    before, after = poses(model, pg.to_bfloat16(model, exact=model.depth))
    assert torch.equal(before, after)
    for exact in range(model.depth + 1):
        backbone = pg.to_bfloat16(model, exact=exact)
        for index in range(model.depth):
            dtypes = {
                part.weight.dtype
                for module in backbone.parts(index)
                for part in module.modules()
                if isinstance(part, Linear)
            }
            assert dtypes == {torch.float32 if index < exact else torch.bfloat16}, (exact, index)
    for wrong in (-1, model.depth + 1):
        with pytest.raises(ModelError, match=f"from 0 to {model.depth}, not {wrong}"):
            pg.to_bfloat16(model, exact=wrong)


@pytest.mark.parametrize("name", TINY)
def test_the_parts_of_a_layer_hold_exactly_its_parameters(name):
    """A gradient through one layer reaches exactly the parameters of its parts."""
    model = pg.create_model(name).eval()
    owners = [{id(p) for part in model.parts(index) for p in part.parameters()} for index in range(model.depth)]
    assert sum(map(len, owners)) == len(set().union(*owners)), "layers share no parameters"
    for index in range(model.depth):
        tokens = torch.randn(2, model.frames, 3 if name.startswith("mhformer") else 17, model.dim)
        for parameter in model.parameters():
            parameter.requires_grad_(id(parameter) in owners[index])
        model.zero_grad(set_to_none=True)
        model.layer(index, tokens).square().sum().backward()
        reached = {id(p) for p in model.parameters() if p.grad is not None}
        assert reached == owners[index]
    # Other parameters of layers are shared by all layers or belong to the last: norms, and MixSTE's embedding.
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    model.zero_grad(set_to_none=True)
    model.layer(0, torch.randn(2, model.frames, 3 if name.startswith("mhformer") else 17, model.dim)).sum().backward()
    others = {key for key, p in model.named_parameters() if p.grad is not None and id(p) not in owners[0]}
    assert all("norm" in key or key == "time_embedding" for key in others)


class TestItIsAnOrdinaryModel:
    """There is one copy of the weights, so nothing can be out of date."""

    @pytest.fixture
    def fast(self):
        torch.manual_seed(0)
        return pg.to_bfloat16(pg.create_model("mixste-tiny"), exact=0)

    @pytest.fixture
    def other(self):
        torch.manual_seed(1)
        return pg.to_bfloat16(pg.create_model("mixste-tiny"), exact=0)

    def test_edits_of_the_weight_data_take_effect(self, fast, other):
        (before, expected) = poses(fast, other)
        for parameter, value in zip(fast.parameters(), other.parameters(), strict=True):
            parameter.data.copy_(value)
        (after,) = poses(fast)
        assert torch.equal(after, expected)
        assert not torch.equal(after, before)

    def test_other_weights_can_be_loaded(self, fast, other):
        poses(fast)
        fast.load_state_dict(other.state_dict())
        assert torch.equal(*poses(fast, other))

    def test_the_copy_can_be_copied_and_pickled(self, fast):
        poses(fast)
        clones = copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))
        expected, *copies = poses(fast, *clones)
        assert all(torch.equal(each, expected) for each in copies)
        for clone in clones:
            clone.temporal[1].attn.qkv.weight.data.zero_()
        assert torch.equal(poses(fast)[0], expected)

    def test_the_copy_can_be_cast_back_to_float32(self, fast):
        (rounded,) = poses(fast)
        (exact,) = poses(fast.float())
        assert {value.dtype for value in fast.parameters()} == {torch.float32}
        assert 0 < (rounded - exact).abs().max() < 0.1 * exact.abs().max()

    def test_the_copy_can_be_moved_to_another_device(self, fast):
        assert fast.to("meta")(torch.zeros(1, 27, 17, 2, device="meta")).shape == (1, 27, 17, 3)


def test_the_copy_can_be_made_in_inference_mode():
    with torch.inference_mode():
        from_there = pg.to_bfloat16(pg.create_model("mixste-tiny"))
        fast = pg.to_bfloat16(pg.load("balanced"))
    assert not next(fast.parameters()).is_inference()
    poses(from_there)


def test_a_funnel_can_be_cast_and_saved_weights_stay_float32(tmp_path):
    torch.manual_seed(0)
    model = pg.funnel("mixste-tiny", keep=9, at=1).eval()
    fast = pg.to_bfloat16(model)
    exact, rounded = poses(model, fast)
    assert rounded.shape == exact.shape
    pg.save(pg.to_bfloat16(pg.create_model("mixste-tiny")), tmp_path / "fast")
    assert all(value.dtype == torch.float32 for value in pg.load(tmp_path / "fast").parameters())


class Outsider(pg.PoseTransformer):
    """A user's backbone, built from torch's own layers."""

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


def test_a_backbone_of_other_layers_is_cast_as_a_whole_and_can_be_timed(small_product):
    fast = pg.to_bfloat16(Outsider())
    assert {value.dtype for value in fast.parameters()} == {torch.bfloat16}
    assert fast(torch.zeros(1, 9, 17, 2).bfloat16()).dtype == torch.bfloat16
    assert pg.bench(Outsider(), threads=1, rounds=1, dtype="bfloat16").model.latency > 0


def test_the_layers_of_a_custom_backbone_are_the_items_of_its_lists():
    backbone = Outsider()
    assert [list(backbone.parts(index)) for index in range(2)] == [[backbone.mixing[0]], [backbone.mixing[1]]]
    backbone.mixing = torch.nn.ModuleList(Mlp(9, 9) for _ in range(2))
    fast = pg.to_bfloat16(backbone)
    assert [each.fc1.weight.dtype for each in fast.mixing] == [torch.float32, torch.bfloat16]
    assert fast.out.weight.dtype == torch.float32


def test_the_shipped_weights_give_nearly_the_same_poses():
    """For virtual people who walk and sit; docs/hourglass.md has the figures for real people."""
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
