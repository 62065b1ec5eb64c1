"""Predictions and true poses of the same frames, and their errors."""

import pytest
import torch
import training_runs

from poseglass.training.batches import batches
from poseglass.training.build import build
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
from poseglass.training.validation import predictions_and_targets

data, recipe = training_runs.data, training_runs.recipe  # fixtures


def test_frames_kept_by_a_funnel_are_compared_with_their_own_truth():
    recipe = Recipe().override("model.name=mixste-tiny", "model.frames=9", "waist.keep={1 = 4}")
    model = build(recipe.override("waist.kind=funnel")).eval()
    pose2d = torch.randn(3, 9, 17, 3, generator=torch.Generator().manual_seed(0))
    truth = torch.arange(9.0)[None, :, None, None].expand(3, 9, 17, 3)  # each value is the frame number
    kept = model.trace(pose2d).kept[1]
    predicted, target = predictions_and_targets(model, pose2d, truth, centre=False)
    assert torch.equal(target[..., 0, 0], kept.float())
    assert torch.equal(predicted, model(pose2d))
    centre, middle = predictions_and_targets(model, pose2d, truth, centre=True)
    assert (middle == 4).all()
    assert centre.shape == (3, 1, 17, 3)
    for clip in range(3):
        assert torch.equal(centre[clip, 0], predicted[clip, kept[clip].tolist().index(4)])


def test_all_frames_or_only_the_centre_are_compared():
    model = build(Recipe().override("model.name=mixste-tiny", "model.frames=9")).eval()
    pose2d, truth = torch.randn(2, 9, 17, 3), torch.randn(2, 9, 17, 3)
    predicted, target = predictions_and_targets(model, pose2d, truth, centre=False)
    assert torch.equal(target, truth)
    centre, middle = predictions_and_targets(model, pose2d, truth, centre=True)
    assert torch.equal(centre, predicted[:, 4:5])
    assert torch.equal(middle, truth[:, 4:5])


def test_errors_are_root_relative(recipe):
    """A prediction that is off by the same vector at every joint has no error."""
    recipe = recipe.override("optim.ema=0")
    sample = batches(recipe).validation()["clean"]
    state = TrainingState(recipe, build(recipe))
    errors = state.validate({"clean": sample})
    with torch.no_grad():
        state.mean["backbone.head_project.bias"] += torch.tensor([0.1, -0.2, 0.3])
    assert state.validate({"clean": sample}) == pytest.approx(errors, rel=1e-4)
