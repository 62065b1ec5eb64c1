"""Compile or export each combination named on the command line, and print a line of JSON for each.

This is a separate program because the tests wrap every function in shape checks, which cannot be compiled.
"""

import json
import sys

import torch
from test_contract import clips, waisted


def difference(how: str, name: str) -> float:
    """The largest difference from the uncompiled output, over two inputs."""
    parts, _, keep = name.partition(" with ")
    model = waisted(*parts.split(", "))
    if keep:
        model = model.with_keep(float(keep) if "." in keep else int(keep))
    first, second = clips(), clips(seed=3)
    with torch.no_grad():
        if how == "exported":
            run = torch.export.export(model, (first,), dynamic_shapes=({0: torch.export.Dim("clips")},)).module()
            second = second[:2]  # a different number of clips
        else:
            torch.compiler.reset()
            run = torch.compile(model, backend="eager", fullgraph=True)
        return max((run(x) - model(x)).abs().max().item() for x in (first, second))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for how, name in json.loads(sys.argv[1]):
        print(json.dumps([how, name, difference(how, name)]))  # noqa: T201
