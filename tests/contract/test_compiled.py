"""torch.compile (as one graph) and torch.export reproduce the output of models with a waist.

Tracing is slow, so not every combination is tested: every model with two pruners, and every recoverer with one model,
compiled and exported in alternation, with either schedule. Each backbone, pruner and recoverer goes through both.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_contract import BACKBONES, SCHEDULES

from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS

HOW = ("compiled", "exported")
PAIRS = [
    (HOW[(i + j) % 2], model, ", ".join([model, prune, "attention", list(SCHEDULES)[(i + j // 2) % 2]]))
    for i, model in enumerate(BACKBONES)
    for j, prune in enumerate(PRUNERS)
    if (j - i) % len(PRUNERS) < 2
] + [
    (how, "MixSTE", f"MixSTE, uniform, {recover}, one stage")
    for recover in RECOVERERS
    if recover != "attention"
    for how in HOW
]


@pytest.mark.parametrize("model", BACKBONES)
def test_compiled_and_exported_models_give_the_same_output(model: str) -> None:
    wanted = [[how, name] for how, backbone, name in PAIRS if backbone == model]
    command = [sys.executable, str(Path(__file__).parent / "compiled.py"), json.dumps(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"after {len(results)} of {len(wanted)}: {done.stderr[-4000:]}"
    assert [pair for *pair, _ in results] == wanted
    assert all(difference < 1e-6 for *_, difference in results), results
