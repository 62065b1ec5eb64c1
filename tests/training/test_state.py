"""A step: its random numbers, its waits for the device, and where its tensors are."""

import numpy as np
import pytest
import torch
import training_runs
from safetensors.torch import load_file

from poseglass.training.batches import batches
from poseglass.training.build import build
from poseglass.training.muon import Muon
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
from poseglass.training.transfer import transferred

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


def test_a_batch_on_the_device_gives_the_same_step(recipe):
    sample = batches(recipe).draw(0, 0)
    losses = [
        TrainingState(recipe, build(recipe)).advance(batch)
        for batch in (sample, transferred(sample, torch.device("cpu")))
    ]
    assert losses[0] == losses[1]


def test_a_step_waits_for_the_device_once(recipe, monkeypatch):
    """Every wait reads a number from the device."""
    recipe = recipe.override("model.sizes.drop=0.0")
    state, batch = TrainingState(recipe, build(recipe)), transferred(batches(recipe).draw(0, 0), torch.device("cpu"))
    matrices = [p for p in state.model.parameters() if p.ndim >= 2]
    state.optimisers = [Muon(matrices, lr=1e-3)]  # torch's own count steps on the CPU, unless they are fused
    reads = []
    for name in ("item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__", "nonzero"):
        read = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor, name, lambda x, *args, read=read, name=name: reads.append(name) or read(x, *args)
        )
    state.advance(batch)
    assert reads == ["tolist"]


def test_everything_is_on_the_device_of_the_model(recipe):
    model = build(recipe).to("meta")
    state = TrainingState(recipe, model)
    assert state.device == torch.device("meta")
    tensors = [*state.mean.values(), *state.loss.buffers(), *model.state_dict().values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_a_checkpoint_is_resumed_on_the_device_of_the_model(recipe, tmp_path, monkeypatch):
    """The mean and the optimisers' state are moved there too."""
    state = TrainingState(recipe, build(recipe))
    state.advance(batches(recipe).draw(0, 0))
    state.save(tmp_path / "checkpoint")
    other = TrainingState(recipe, build(recipe))
    moved = []
    to = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "to", lambda x, *args, **how: moved.append((args, how)) or to(x, *args, **how))
    other.resume(tmp_path / "checkpoint")
    assert sum(args == (other.device,) for args, _ in moved) == len(other.mean)
    assert any(how.get("device") == other.device for _, how in moved), "torch's own optimisers move their state"
    saved = load_file(tmp_path / "checkpoint")
    assert all(torch.equal(value, saved[name]) for name, value in other.tensors().items())
