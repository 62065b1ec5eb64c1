"""Small stand-ins for every backbone, and fixtures that build them for a schedule."""

from collections.abc import Callable, Iterator, Mapping

import pytest
import torch
from torch import Tensor, nn

from poseglass.models import (
    MHFormer,
    MixSTE,
    MotionAGFormer,
    MotionBERT,
    PoseTransformer,
)

FRAMES, CLIPS = 12, 3
SCHEDULES = {"one stage": {2: 5}, "pyramid": {1: 7, 2: 7, 3: 4}}


def tiny_mixste(inputs: int) -> MixSTE:
    return MixSTE(frames=FRAMES, dim=16, depth=4, heads=4, inputs=inputs)


def tiny_motionbert(inputs: int) -> MotionBERT:
    return MotionBERT(frames=FRAMES, dim=16, rep=24, depth=4, heads=4, mlp_ratio=2, inputs=inputs)


def tiny_mhformer(inputs: int) -> MHFormer:
    return MHFormer(frames=FRAMES, dim=16, depth=4, heads=4, hidden=24, encoder_depth=1, encoder_heads=3, inputs=inputs)


def tiny_motionagformer(inputs: int, frames: int | list[int] = FRAMES) -> MotionAGFormer:
    return MotionAGFormer(frames=frames, dim=16, depth=4, heads=4, inputs=inputs, rep=24)


# A small stand-in for each class of MODELS; a class without one fails `test_every_model_has_a_stand_in`.
BACKBONES = {
    "MixSTE": tiny_mixste,
    "MotionBERT": tiny_motionbert,
    "MHFormer": tiny_mhformer,
    "MotionAGFormer": tiny_motionagformer,
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def stand_in(name: str, schedule: Mapping[int, int]) -> PoseTransformer:
    """The stand-in of that name, with layers built for the schedule's frames if its layers depend on them."""
    plain = BACKBONES[name](2)
    if plain.lengths is None:
        return plain
    return BACKBONES[name](2, [min([FRAMES, *(k for n, k in schedule.items() if n <= i)]) for i in range(plain.depth)])


def filled(model: nn.Module) -> nn.Module:
    """Give all near-zero parameters random values, so that no branch is switched off."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.abs().max() < 1e-4:
            nn.init.normal_(parameter, std=0.5)
    return model


@pytest.fixture(params=BACKBONES)
def build_for(request) -> Callable[[Mapping[int, int]], PoseTransformer]:
    """A function that builds a backbone for a schedule."""

    def make(schedule: Mapping[int, int]) -> PoseTransformer:
        torch.manual_seed(0)
        return filled(stand_in(request.param, schedule)).eval()

    return make


@pytest.fixture
def backbone(build_for) -> PoseTransformer:
    return build_for({})


def clips(inputs: int = 2, seed: int = 0) -> Tensor:
    return torch.randn(CLIPS, FRAMES, 17, inputs, generator=torch.Generator().manual_seed(seed))
