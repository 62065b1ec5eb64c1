"""torch.compile (as one graph) and torch.export reproduce the output of models with a waist.

Tracing is slow, so not every combination is tested: every model with two pruners, and every recoverer with one model,
compiled and exported in alternation, with either schedule. Each backbone, pruner and recoverer goes through both, and
so does a model with another number of kept frames.
"""

import json
import subprocess
import sys
from pathlib import Path

from test_contract import BACKBONES, SCHEDULES

from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS

HOW = ("compiled", "exported")
PAIRS = [
    (HOW[(i + j) % 2], ", ".join([model, prune, "attention", list(SCHEDULES)[(i + j // 2) % 2]]))
    for i, model in enumerate(BACKBONES)
    for j, prune in enumerate(PRUNERS)
    if (j - i) % len(PRUNERS) < 2
] + [
    (how, name)
    for how in HOW
    for name in (
        *(f"MixSTE, uniform, {recover}, one stage" for recover in RECOVERERS if recover != "attention"),
        *(f"MixSTE, density, attention, one stage with {keep}" for keep in (2, 1.0)),
    )
]


def test_compiled_and_exported_models_give_the_same_output() -> None:
    """One process for all, because it takes seconds to start."""
    wanted = [[*pair] for pair in PAIRS]
    command = [sys.executable, str(Path(__file__).parent / "compiled.py"), json.dumps(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"after {len(results)} of {len(wanted)}: {done.stderr[-4000:]}"
    assert [pair for *pair, _ in results] == wanted
    assert all(difference < 1e-6 for *_, difference in results), results
