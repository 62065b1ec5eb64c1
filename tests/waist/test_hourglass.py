"""Hourglass and funnel refuse parts that do not fit and custom parts that break the contract."""

import re

import pytest
import torch

from poseglass.errors import ModelError
from poseglass.models import MixSTE
from poseglass.waist._base import Pruner, Recoverer
from poseglass.waist.hourglass import Funnel, Hourglass, funnel, hourglass
from poseglass.waist.prune import DensityPeaks, Uniform
from poseglass.waist.recover import Interpolate, RecoveringAttention

pytestmark = pytest.mark.usefixtures("as_used")


def backbone() -> MixSTE:
    return MixSTE(frames=27, dim=16, depth=2, heads=2)


CLIP = torch.zeros(2, 27, 17, 2)


@pytest.mark.parametrize(("frames", "dim"), [(9, 16), (81, 16), (27, 32)])
def test_a_recoverer_for_another_backbone_is_refused(frames, dim):
    words = f"RecoveringAttention does not fit MixSTE: it recovers {frames} frames of {dim} channels.*27 frames of 16"
    with pytest.raises(ModelError, match=words):
        hourglass(backbone(), keep=9, at=1, recover=RecoveringAttention(dim=dim, frames=frames))


def test_a_recoverer_may_have_other_heads_than_the_backbone():
    recoverer = RecoveringAttention(dim=16, frames=27, heads=4)
    assert hourglass(backbone(), keep=9, at=1, recover=recoverer)(CLIP).shape == (2, 27, 17, 3)


@pytest.mark.parametrize("prune", [DensityPeaks, 3, None, Interpolate()])
def test_something_that_is_not_a_pruner_is_refused(prune):
    for build in (hourglass, funnel):
        with pytest.raises(ModelError, match=r"expected a Pruner \(an object of a subclass\), got"):
            build(backbone(), keep=9, at=1, prune=prune)


@pytest.mark.parametrize("recover", [Interpolate, 3, None, Uniform()])
def test_something_that_is_not_a_recoverer_is_refused(recover):
    with pytest.raises(ModelError, match=r"expected a Recoverer \(an object of a subclass\), got"):
        hourglass(backbone(), keep=9, at=1, recover=recover)


class Returns(Recoverer):
    """A recoverer that always returns a given number of frames."""

    def __init__(self, acts_on: str, frames: int) -> None:
        super().__init__()
        self.acts_on, self.length = acts_on, frames

    @classmethod
    def for_backbone(cls, backbone):
        return cls("tokens", backbone.frames)

    def forward(self, x, kept, *, frames):
        return x[:, :1].expand(-1, self.length, -1, -1)


@pytest.mark.parametrize("acts_on", ["tokens", "poses"])
def test_a_recoverer_that_returns_too_few_frames_is_refused(acts_on):
    assert hourglass(backbone(), keep=9, at=1, recover=Returns(acts_on, 27))(CLIP).shape == (2, 27, 17, 3)
    broken = hourglass(backbone(), keep=9, at=1, recover=Returns(acts_on, 9))
    with pytest.raises(ModelError, match=r"Returns should restore 27 frames from 9, .* and returned \(2, 9, 17, "):
        broken(CLIP)


def test_a_recoverer_that_acts_on_something_else_is_refused():
    with pytest.raises(ModelError, match=re.escape("Returns.acts_on should be 'tokens' or 'poses', not 'pose'")):
        hourglass(backbone(), keep=9, at=1, recover=Returns("pose", 27))


def test_recovering_attention_refuses_another_length():
    recoverer = RecoveringAttention(dim=16, frames=9)
    with pytest.raises(ModelError, match="recovers 9 frames, not 27"):
        recoverer(torch.zeros(1, 3, 17, 16), torch.tensor([[0, 4, 8]]), frames=27)


class Chooses(Pruner):
    """A pruner that always returns the given frames."""

    def __init__(self, chosen: torch.Tensor) -> None:
        super().__init__()
        self.chosen = chosen

    def forward(self, tokens, pose2d, *, keep, always=None, attention=None):
        return self.chosen


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ([[0, 1], [0, 1]], "of shape (2, 3) and returned torch.int64 (2, 2)"),
        ([[0, 1, 2]], "of shape (2, 3) and returned torch.int64 (1, 3)"),
        ([[0.0, 1, 2], [0, 1, 2]], "and returned torch.float32"),
        ([[0, 1, 1], [0, 1, 2]], "increasing indices within 0..26"),
        ([[2, 1, 0], [0, 1, 2]], "increasing indices within 0..26"),
        ([[0, 1, 27], [0, 1, 2]], "increasing indices within 0..26"),
        ([[-1, 1, 2], [0, 1, 2]], "increasing indices within 0..26"),
    ],
)
def test_a_pruner_that_breaks_the_contract_is_refused(chosen, words):
    for build in (hourglass, funnel):
        broken = build(backbone(), keep=3, at=1, prune=Chooses(torch.tensor(chosen)))
        with pytest.raises(ModelError, match=f"Chooses should return .*{re.escape(words)}"):
            broken(CLIP)
    with pytest.raises(ModelError, match="Chooses should keep the frame `always` and dropped it"):
        funnel(backbone(), keep=3, at=1, prune=Chooses(torch.tensor([[0, 13, 26], [0, 12, 26]])))(CLIP)
    sound = hourglass(backbone(), keep=3, at=1, prune=Chooses(torch.tensor([[0, 5, 26]] * 2)), recover="nearest")
    assert sound.trace(CLIP).kept[1].tolist() == [[0, 5, 26]] * 2


def test_a_pass_leaves_the_mode_of_every_part_unchanged():
    for model in (hourglass(backbone(), keep=9, at=1), funnel(backbone(), keep=9, at=1)):
        model.train()
        model.backbone.eval()
        modes = [part.training for part in model.modules()]
        model.trace(CLIP)
        assert [part.training for part in model.modules()] == modes


def test_hourglass_itself_takes_objects_and_no_names():
    with pytest.raises(ModelError, match=r"expected a Pruner \(an object of a subclass\), got 'density'"):
        Funnel(backbone(), schedule={1: 9}, pruner="density", always=0)
    with pytest.raises(ModelError, match="expected a Recoverer"):
        Hourglass(backbone(), schedule={1: 9}, pruner=Uniform(), recoverer="nearest")


@pytest.mark.parametrize("recover", ["attention", "interpolate"])
def test_a_waist_is_on_the_device_of_its_backbone(recover):
    """`meta` stands for a GPU."""
    model = hourglass(MixSTE(frames=9, dim=16, depth=3, heads=2).to("meta"), keep=4, at=1, recover=recover)
    assert {weight.device.type for weight in model.parameters()} == {"meta"}
    assert model(torch.zeros(2, 9, 17, 2, device="meta")).shape == (2, 9, 17, 3)
    short = funnel(model.backbone, keep=4, at=1)
    assert short(torch.zeros(2, 9, 17, 2, device="meta")).shape == (2, 4, 17, 3)
