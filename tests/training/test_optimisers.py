"""Optimisers: trained and decayed parameters, and the learning rate over a run."""

import pytest
import torch
import training_runs

from poseglass.models import devices
from poseglass.training.build import build
from poseglass.training.muon import Muon
from poseglass.training.optimisers import optimisers, rate
from poseglass.training.recipe import Recipe

data, recipe = training_runs.data, training_runs.recipe  # fixtures


@pytest.mark.parametrize("name", ["adamw", "adam", "muon"])
@pytest.mark.parametrize("backbone", ["mixste-tiny", "mhformer-tiny"])
def test_every_parameter_is_trained_once_and_weights_decay(recipe, name, backbone):
    recipe = recipe.override(f"optim.name={name}", f"model.name={backbone}", "model.sizes={}")
    model = build(recipe)
    trained = [p for o in optimisers(model, recipe.optim) for group in o.param_groups for p in group["params"]]
    assert sorted(map(id, trained)) == sorted(map(id, model.parameters()))
    names = {id(p): name for name, p in model.named_parameters()}
    for optimiser in optimisers(model, recipe.optim):
        for group in optimiser.param_groups:
            for p in group["params"]:
                embedding = "embedding" in names[id(p)] or "queries" in names[id(p)]
                weight = p.ndim >= 2 and (not embedding or names[id(p)].endswith("weight"))
                assert (group["weight_decay"] > 0) == weight, names[id(p)]


def test_muon_trains_the_convolutions_of_mhformer():
    recipe = Recipe().override("model.name=mhformer-tiny", "model.frames=9", "optim.name=muon")
    model = build(recipe)
    muon, _ = optimisers(model, recipe.optim)
    assert isinstance(muon, Muon)
    trained = {id(p) for group in muon.param_groups for p in group["params"]}
    kernels = [p for p in model.parameters() if p.ndim == 3 and p.shape[-1] == 1]
    assert len(kernels) == 4
    assert trained >= {id(p) for p in kernels}


def test_the_rate_warms_up_stays_and_falls_to_zero(recipe):
    schedule = recipe.override("schedule.steps=100", "schedule.warmup=10", "schedule.decay=0.2").schedule
    rates = [rate(step, schedule, steps=100, epoch=7) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * i for i in range(1, 11)])
    assert rates[10:80] == [1.0] * 70
    assert rates[80:] == pytest.approx([(100 - step) / 20 for step in range(80, 100)])
    assert all(rate > 0 for rate in rates)


def test_the_published_rates_fall_each_epoch():
    schedule = Recipe().override(
        "schedule.epochs=12", "schedule.warmup=0", "schedule.decay=0.0", "schedule.factor=0.95",
        "schedule.every=5", "schedule.every_factor=0.5",
    ).schedule  # fmt: skip
    share = 1.0
    for epoch in range(1, 13):
        rates = [rate(step, schedule, steps=36, epoch=3) for step in range(3 * epoch - 3, 3 * epoch)]
        assert rates == pytest.approx([share] * 3)
        share *= 0.5 if epoch % 5 == 0 else 0.95


def test_weight_decay_may_apply_to_all_parameters(recipe):
    optim = recipe.override("optim.decays=all", "optim.weight_decay=0.3").optim
    assert {group["weight_decay"] for o in optimisers(build(recipe), optim) for group in o.param_groups} == {0.3}


def test_amsgrad_is_that_of_torch(recipe):
    (optimiser,) = optimisers(build(recipe), recipe.override("optim.name=adam", "optim.amsgrad=true").optim)
    assert type(optimiser) is torch.optim.Adam
    assert optimiser.defaults["amsgrad"]


@pytest.mark.parametrize("name", ["adamw", "adam", "muon"])
def test_torchs_optimisers_are_fused_on_cuda_only(recipe, name, monkeypatch):
    optim, model = recipe.override(f"optim.name={name}").optim, build(recipe)
    assert all(not optimiser.defaults.get("fused") for optimiser in optimisers(model, optim))
    monkeypatch.setattr(devices, "device_of", lambda model: torch.device("cuda", 0))
    fused = [optimiser for optimiser in optimisers(model, optim) if not isinstance(optimiser, Muon)]
    assert [optimiser.defaults["fused"] for optimiser in fused] == [True]
