"""Compiled layers train as layers that are not compiled do."""

import json
import subprocess
import sys

import pytest
import torch

from poseglass.training.build import build
from poseglass.training.compiling import compile_layers
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState

# A separate program, because the tests wrap every function in shape checks, which cannot be compiled. The compiler's
# first stage alone shows whether torch can follow the layers; generating code takes too long for a test.
STEPS = """
import json, sys
import numpy as np, torch
from poseglass.clips.sample import Sample
from poseglass.training.build import build
from poseglass.training.compiling import compile_layers
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState

torch.set_num_threads(1)
compiler, calls = torch.compile, []
def fast(function, **options):
    return compiler(function, backend=lambda graph, inputs: calls.append(graph) or graph.forward)
torch.compile = fast
rng = np.random.default_rng(0)
sample = Sample(*(rng.normal(0, 0.3, (2, 9, 17, 3)).astype(np.float32) for _ in range(2)))
recipe = Recipe().override("model.frames=9", "waist.keep={1 = 4}", *sys.argv[1:])
losses = []
for compiles in (False, True):
    model = build(recipe)
    if compiles:
        compile_layers(model)
    state = TrainingState(recipe, model)
    losses.append([state.advance(sample) for _ in range(3)])
    before = len(calls)
    state.validate({"a": sample})
    assert len(calls) == before, "a copy is not compiled"
print(json.dumps([losses, len(calls)]))
"""


def test_compiled_layers_give_the_same_losses():
    command = [sys.executable, "-c", STEPS, "model.name=mixste-tiny", "model.sizes.drop=0.0"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (plain, compiled), graphs = json.loads(run.stdout)
    assert graphs > 0
    assert len({*plain}) == 3
    assert compiled == pytest.approx(plain, rel=1e-5)


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_compiling_changes_no_name_and_no_copy():
    recipe = Recipe().override("model.name=mixste-tiny", "model.frames=9", "waist.keep={1 = 4}")
    model = build(recipe)
    names, weights = [*model.state_dict()], [*model.parameters()]
    compile_layers(model)
    compiled = [name for name, module in model.named_modules() if module._compiled_call_impl is not None]
    assert compiled == [f"backbone.{kind}.{layer}" for kind in ("spatial", "temporal") for layer in range(3)]
    assert [*model.state_dict()] == names
    assert all(one is other for one, other in zip(model.parameters(), weights, strict=True))
    copies = TrainingState(recipe, model).averaged().modules()
    assert all(module._compiled_call_impl is None for module in copies)
    assert torch.is_grad_enabled()
