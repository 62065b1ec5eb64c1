"""A twin in evaluation mode shares the model's weights and leaves its mode unchanged."""

import torch
from numpy.testing import assert_array_equal
from torch import nn

from poseglass.models.mode import in_eval_mode


def test_the_twin_is_in_evaluation_mode_and_every_part_of_the_model_keeps_its_own():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout(), nn.Dropout())).train()
    model[1].eval()
    model[1][0].train()
    twin = in_eval_mode(model)
    assert not any(part.training for part in twin.modules())
    assert [part.training for part in model.modules()] == [True, True, False, True, False]
    model.train()
    assert not any(part.training for part in twin.modules())


def test_the_twin_follows_the_weights_of_the_model_even_if_they_are_replaced():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).train()
    twin, x = in_eval_mode(model), torch.randn(5, 2)
    with torch.no_grad():
        model[0].weight.add_(1)
    model[0].bias = nn.Parameter(torch.tensor([3.0, -1.0]))
    model(x)  # moves the running mean
    trained = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).eval()
    trained.load_state_dict(model.state_dict())
    with torch.inference_mode():
        assert_array_equal(twin(x), trained(x))


def test_the_twin_needs_no_memory_for_weights():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    pairs = zip(model.state_dict().values(), in_eval_mode(model).state_dict().values(), strict=True)
    assert all(ours.data_ptr() == theirs.data_ptr() for ours, theirs in pairs)
