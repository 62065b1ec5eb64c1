"""Random numbers of a step: one stream per worker and seed, without effect on the caller's."""

import numpy as np
import pytest
import torch
import training_runs

from poseglass.training.batches import batches
from poseglass.training.build import build
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState

data, recipe = training_runs.data, training_runs.recipe  # fixtures


@pytest.fixture
def loss(recipe):
    """The loss of a run's first step, always with the same weights and batch."""
    sample, weights = batches(recipe).draw(0, 0), build(recipe).state_dict()

    def first(recipe: Recipe, rank: int = 0) -> float:
        model = build(recipe)
        model.load_state_dict(weights)
        return TrainingState(recipe, model, rank=rank).advance(sample)

    return first


def test_workers_and_seeds_drop_different_layers(recipe, loss):
    recipe = recipe.override("model.sizes.drop=0.5")
    drawn = [loss(recipe.override(f"run.seed={seed}"), rank) for seed in (1, 2) for rank in (0, 1, 2)]
    assert len(set(drawn)) == 6
    assert drawn == [loss(recipe.override(f"run.seed={seed}"), rank) for seed in (1, 2) for rank in (0, 1, 2)]
    still = recipe.override("model.sizes.drop=0.0")
    assert len({loss(still.override(f"run.seed={seed}"), rank) for seed in (1, 2) for rank in (0, 1)}) == 1


def test_steps_drop_different_layers(recipe):
    recipe = recipe.override("model.sizes.drop=0.5", "optim.lr=0.0")
    state, sample = TrainingState(recipe, build(recipe)), batches(recipe).draw(0, 0)
    assert len({state.advance(sample) for _ in range(4)}) > 1


def test_a_step_leaves_the_random_numbers_of_the_caller_alone(recipe):
    state, sample = TrainingState(recipe, build(recipe)), batches(recipe).draw(0, 0)
    torch.manual_seed(3)
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    state.advance(sample)
    state.validate({"a": sample})
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
