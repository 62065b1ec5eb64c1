"""Every parameter of every model has exactly one role."""

import pytest
import torch
from torch import nn

import poseglass as pg
from poseglass.training.parameter_groups import parameter_groups
from poseglass.waist.recover import RECOVERERS


def role(name: str, parameter: nn.Parameter) -> str:
    """The role of a parameter by its name in this package, independently of the code."""
    if parameter.ndim == 1:
        return "vector"
    if not name.endswith("weight"):
        return "embedding"
    return "edge" if min(parameter.flatten(1).shape) <= 3 else "hidden"


def check(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    groups = parameter_groups(model)
    roles = {id(p): name for name, group in groups.items() for p in group}
    assert sum(map(len, groups.values())) == len(roles) == len([*model.parameters()])
    for name, parameter in model.named_parameters():
        assert roles[id(parameter)] == role(name, parameter), name
    return groups


@pytest.mark.parametrize("name", pg.list_models())
def test_every_parameter_of_every_model_has_one_role(name):
    with torch.device("meta"):
        groups = check(pg.create_model(name))
    assert groups["hidden"] and groups["vector"] and groups["embedding"]  # noqa: PT018


@pytest.mark.parametrize("name", ["mixste-tiny", "motionbert-tiny", "mhformer-tiny", "motionagformer-tiny"])
@pytest.mark.parametrize("recover", RECOVERERS)
def test_every_parameter_of_every_waist_has_one_role(name, recover):
    check(pg.hourglass(name, keep={1: 3}, recover=recover))
    check(pg.funnel(name, keep={1: 3}))


def test_parameters_of_other_kinds_of_layers_have_a_role():
    model = nn.ModuleDict(
        {
            "attention": nn.MultiheadAttention(8, 2, add_bias_kv=True),
            "table": nn.Embedding(5, 8),
            "depthwise": nn.Conv1d(8, 8, 5, groups=8),
            "recurrent": nn.GRU(8, 8),
            "norm": nn.BatchNorm1d(8),
            "norm of frames": nn.LayerNorm((5, 8)),
        }
    )
    model["attention"].out_proj.weight = model["recurrent"].weight_hh_l0  # shared, so counted once
    groups = parameter_groups(model)
    assert {id(p) for p in groups["embedding"]} == {
        id(model["table"].weight), id(model["attention"].bias_k), id(model["attention"].bias_v),
    }  # fmt: skip
    assert [id(p) for p in groups["edge"]] == [id(model["depthwise"].weight)]
    assert len(groups["hidden"]) == 3
    assert {*model["norm of frames"].parameters()} <= {*groups["vector"]}


def test_frozen_parameters_have_no_role():
    model = nn.Linear(8, 8)
    model.weight.requires_grad_(False)
    assert {name: len(group) for name, group in parameter_groups(model).items()} == {
        "hidden": 0, "edge": 0, "vector": 1, "embedding": 0,
    }  # fmt: skip
