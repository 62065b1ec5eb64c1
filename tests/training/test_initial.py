"""Weights of one clip length as the start for another."""

import pytest
import torch

from poseglass.models import MixSTE
from poseglass.training.initial import lengthened, sinusoidal, time_code
from poseglass.waist.hourglass import Hourglass, hourglass


def make(frames: int, keep: int) -> Hourglass:
    torch.manual_seed(frames)
    model = hourglass(MixSTE(frames=frames, dim=16, depth=2, heads=2), keep=keep, at=1)
    sinusoidal(model)
    torch.nn.init.normal_(model.kept_embedding["1"])
    return model


@pytest.mark.parametrize(("frames", "keep"), [(20, 8), (5, 2), (9, 8)])
def test_weights_fit_clips_of_another_length(frames, keep):
    old, new = make(9, 3), make(frames, keep)
    new.load_state_dict(lengthened(old.state_dict(), new))
    assert torch.equal(new.backbone.project.weight, old.backbone.project.weight)
    assert torch.equal(new.recoverer.attention.key.weight, old.recoverer.attention.key.weight)


def test_the_time_code_goes_on_and_what_was_learned_stays():
    old, new = make(9, 3), make(20, 8)
    with torch.no_grad():
        old.recoverer.queries += 0.25
        old.backbone.time_embedding[:, 4] += 1
    fitted = lengthened(old.state_dict(), new)
    torch.testing.assert_close(fitted["recoverer.queries"], time_code(20, 16) + 0.25)
    torch.testing.assert_close(fitted["backbone.time_embedding"][:, :9], old.backbone.time_embedding)
    torch.testing.assert_close(fitted["backbone.time_embedding"][:, 9:], time_code(20, 16)[:, 9:])


def test_kept_frames_embeddings_are_stretched_between_their_ends():
    old, new = make(9, 3), make(20, 5)
    before, after = old.kept_embedding["1"], lengthened(old.state_dict(), new)["kept_embedding.1"]
    torch.testing.assert_close(after[:, ::2], before.detach())
    torch.testing.assert_close(after[:, 1], (before[:, 0] + before[:, 1]).detach() / 2)


def test_weights_of_the_same_length_are_taken_as_they_are():
    old = make(9, 3)
    fitted = lengthened(old.state_dict(), make(9, 3))
    assert all(fitted[name] is value or torch.equal(fitted[name], value) for name, value in old.state_dict().items())
