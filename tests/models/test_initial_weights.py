"""Initial weights for fast learning: what each architecture sets, and the time code."""

import math

import pytest
import torch
from torch import Tensor

from poseglass.models import BACKBONES, create_model
from poseglass.models.time_code import time_code
from poseglass.waist.hourglass import hourglass

TINY = {
    "MixSTE": "mixste-tiny",
    "MotionBERT": "motionbert-tiny",
    "MHFormer": "mhformer-tiny",
    "MotionAGFormer": "motionagformer-tiny",
}
# Parameters by their role: they distinguish joints or frames, or form the poses.
JOINTS = {
    "MixSTE": {"joint_embedding"},
    "MotionBERT": {"joint_embedding"},
    "MHFormer": {f"encoders.{i}.row_embedding" for i in range(3)},
    "MotionAGFormer": {"joint_embedding"},
}
FRAMES = {
    "MixSTE": {"time_embedding"},
    "MotionBERT": {"time_embedding"},
    "MHFormer": {f"time_embeddings.{i}" for i in range(3)},
    "MotionAGFormer": set(),
}


def state(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_the_tables_list_every_backbone():
    assert TINY.keys() == JOINTS.keys() == FRAMES.keys() == BACKBONES.keys()


@pytest.mark.parametrize("name", BACKBONES)
def test_each_architecture_sets_its_own_initial_weights(name):
    torch.manual_seed(0)
    model = create_model(TINY[name], frames=9)
    before = state(model)
    model.init_sinusoidal(torch.Generator().manual_seed(1))
    after = state(model)
    changed = {key for key, value in after.items() if not torch.equal(value, before[key])}
    shrunk = (
        set() if name == "MotionBERT" else {"head_project.weight"}
    )  # MotionBERT's published output weights are already small
    assert changed == JOINTS[name] | FRAMES[name] | shrunk
    for key in FRAMES[name]:
        assert torch.equal(after[key], time_code(9, model.dim))
    for key in JOINTS[name]:
        assert 0.4 < after[key].std() < 0.6
    for key in shrunk:
        torch.testing.assert_close(after[key], 0.1 * before[key])


@pytest.mark.parametrize("name", BACKBONES)
def test_initial_poses_are_near_the_pelvis_and_differ_by_frame_and_joint(name):
    torch.manual_seed(0)
    model = create_model(TINY[name], frames=9).eval()
    model.init_sinusoidal()
    clip = torch.zeros(1, 9, 17, model.inputs)
    with torch.inference_mode():
        pose = model(clip)[0]  # f j 3
    assert pose.abs().max() < 0.3, "metres"
    assert all(not torch.equal(pose[:, joint], pose[:, 0]) for joint in range(1, 17))
    if FRAMES[name]:
        assert all(not torch.equal(pose[frame], pose[0]) for frame in range(1, 9)), (
            "although all frames have the same input"
        )


@pytest.mark.parametrize("name", BACKBONES)
def test_the_same_generator_gives_the_same_weights_and_the_global_one_is_unchanged(name):
    model = create_model(TINY[name], frames=9)
    drawn = []
    before = torch.get_rng_state()
    for _ in range(2):
        model.init_sinusoidal(torch.Generator().manual_seed(3))
        drawn.append(state(model))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(drawn[0][key], drawn[1][key]) for key in JOINTS[name])


def test_layer_scales_and_stochastic_depth_of_motionagformer_are_as_published():
    model = create_model("motionagformer-tiny", sizes={"drop": 0.4, "depth": 5})
    for index, layer in enumerate(model.layers):
        blocks = (layer.spatial_attention, layer.temporal_attention, layer.spatial_graph, layer.temporal_graph)
        for block in blocks:
            assert block.drop.rate == pytest.approx(0.1 * index), "from 0 at the first layer to `drop` at the last"
            assert torch.equal(block.scale1, torch.full((32,), 1e-5))
            assert torch.equal(block.scale2, torch.full((32,), 1e-5))


def test_waist_queries_start_as_the_time_code_and_attend_to_near_frames():
    model = hourglass("motionbert-tiny", frames=9, keep=3, at=1)
    model.init_sinusoidal()
    assert torch.equal(model.recoverer.queries, time_code(9, 32))
    assert torch.equal(model.recoverer.attention.key.weight, model.recoverer.attention.query.weight)
    assert torch.equal(model.backbone.time_embedding, time_code(9, 32))
    hourglass("mixste-tiny", frames=9, keep=3, at=1, recover="nearest").init_sinusoidal()  # it has no queries to set


class TestTimeCode:
    def test_values_follow_from_the_formula(self):
        """Base 1000: with four rates the wavelengths are 2 pi times 1, 1000^(1/4), 1000^(1/2) and 1000^(3/4)."""
        code = time_code(4, 8)[0].double()
        for frame in range(4):
            angles = [frame / 1000 ** (i / 4) for i in range(4)]
            right = [*map(math.sin, angles), *map(math.cos, angles)]
            torch.testing.assert_close(code[frame], torch.tensor(right, dtype=torch.double), atol=1e-6, rtol=0)
        assert code[3, 1].item() == pytest.approx(0.50854, abs=1e-5)  # sin(3 / 5.6234)

    def test_the_wavelengths_range_from_6_to_6000_frames(self):
        slow = time_code(2, 512)[0, 1, 255].item()  # sin of the slowest rate
        assert 2 * math.pi / math.asin(slow) == pytest.approx(6000, rel=0.05)

    def test_the_code_distinguishes_frames(self):
        code = time_code(81, 32)[0]
        distance = torch.cdist(code, code)
        assert (distance + 9 * torch.eye(81)).min() > 0.1
        assert code.abs().max() <= 1

    def test_the_number_of_channels_may_be_odd(self):
        assert time_code(5, 7).shape == (1, 5, 7)
