"""A caller's model stays in its train or eval mode."""

import pytest
from torch import nn

from poseglass.models.mode import evaluation_mode


def test_every_part_returns_to_its_own_mode():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout(), nn.Dropout())).train()
    model[1].eval()
    model[1][0].train()
    before = [part.training for part in model.modules()]
    with evaluation_mode(model):
        assert not any(part.training for part in model.modules())
    assert [part.training for part in model.modules()] == before == [True, True, False, True, False]


def test_the_mode_is_restored_after_an_error():
    model = nn.Dropout().train()
    with pytest.raises(RuntimeError), evaluation_mode(model):
        raise RuntimeError
    assert model.training
