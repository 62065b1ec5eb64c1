"""Weights for one clip length as the initial weights for another."""

import pytest
import torch

from poseglass.errors import WeightsError
from poseglass.models import MixSTE, MotionBERT, PoseTransformer, create_model
from poseglass.models.time_code import time_code
from poseglass.waist.hourglass import Hourglass, hourglass
from poseglass.weights.lengths import lengthened
from poseglass.weights.state import load_state


def make(frames: int, keep: int) -> Hourglass:
    torch.manual_seed(frames)
    model = hourglass(MixSTE(frames=frames, dim=16, depth=2, heads=2), keep=keep, at=1)
    model.init_sinusoidal()
    torch.nn.init.normal_(model.kept_embedding["1"])
    return model


@pytest.mark.parametrize(("frames", "keep"), [(20, 8), (5, 2), (9, 8)])
def test_weights_fit_clips_of_another_length(frames, keep):
    old, new = make(9, 3), make(frames, keep)
    new.load_state_dict(lengthened(old.state_dict(), new))
    assert torch.equal(new.backbone.project.weight, old.backbone.project.weight)
    assert torch.equal(new.recoverer.attention.key.weight, old.recoverer.attention.key.weight)


def test_the_time_code_continues_and_learned_values_stay():
    old, new = make(9, 3), make(20, 8)
    with torch.no_grad():
        old.recoverer.queries += 0.25
        old.backbone.time_embedding[:, 4] += 1
    fitted = lengthened(old.state_dict(), new)
    torch.testing.assert_close(fitted["recoverer.queries"], time_code(20, 16) + 0.25)
    torch.testing.assert_close(fitted["backbone.time_embedding"][:, :9], old.backbone.time_embedding)
    torch.testing.assert_close(fitted["backbone.time_embedding"][:, 9:], time_code(20, 16)[:, 9:])


def test_the_time_embedding_of_a_plain_backbone_is_continued():
    old, new = (MotionBERT(frames=frames, dim=16, rep=8, depth=2, heads=2) for frames in (9, 20))
    old.init_sinusoidal()
    new.load_state_dict(lengthened(old.state_dict(), new))
    torch.testing.assert_close(new.time_embedding, time_code(20, 16))


@pytest.mark.parametrize("name", ["mhformer-tiny", "motionagformer-tiny"])
def test_weights_that_cannot_be_lengthened_are_refused_when_loaded(name):
    """Other weights of these models also depend on the clip length."""
    old, new = (create_model(name, frames=frames) for frames in (9, 18))
    with pytest.raises(WeightsError, match=r"of another shape"):
        load_state(new, lengthened(old.state_dict(), new), "old")


def test_a_parameter_of_another_class_with_a_similar_name_is_not_changed():
    class Named(PoseTransformer):
        def __init__(self, frames: int) -> None:
            super().__init__()
            self.dim, self.frames, self.depth, self.inputs = 4, frames, 1, 2
            self.time_embedding = torch.nn.Parameter(torch.ones(1, frames, 4))

        embed = layer = head = None

    assert lengthened(Named(9).state_dict(), Named(20))["time_embedding"].shape == (1, 9, 4)


def test_embeddings_of_kept_frames_are_stretched_between_their_ends():
    old, new = make(9, 3), make(20, 5)
    before, after = old.kept_embedding["1"], lengthened(old.state_dict(), new)["kept_embedding.1"]
    torch.testing.assert_close(after[:, ::2], before.detach())
    torch.testing.assert_close(after[:, 1], (before[:, 0] + before[:, 1]).detach() / 2)


def test_weights_of_the_same_length_are_unchanged():
    old = make(9, 3)
    fitted = lengthened(old.state_dict(), make(9, 3))
    assert all(fitted[name] is value or torch.equal(fitted[name], value) for name, value in old.state_dict().items())
