"""Compare exported files with PyTorch for all waists of all backbones: python benchmarks/engine_grid.py [BACKBONE ...]

Every pruner and recoverer, with one stage and with a pyramid, around small models with random weights. For each
backbone and engine, it prints the largest difference of a coordinate in metres, and how many of the kept frames differ,
over five clips. It takes about three minutes of one core for each backbone.
"""

import sys
import tempfile
from itertools import product
from pathlib import Path

import torch

import poseglass as pg
from poseglass.engines.runtime import RUNTIMES
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS

FRAMES = 27
SCHEDULES = {1: 9}, {1: 15, 2: 6}
BACKBONES = ("mixste-tiny", "motionbert-tiny", "mhformer-tiny", "motionagformer-tiny")


def main(backbones: list[str]) -> None:
    torch.set_num_threads(1)
    print("| backbone | engine | models | largest difference, m | kept frames that differ |")
    print("|---|---|---|---|---|")
    for backbone in backbones:
        results: dict[str, list[tuple[float, int, int]]] = {engine: [] for engine in RUNTIMES}
        for number, (schedule, prune, recover) in enumerate(product(SCHEDULES, PRUNERS, RECOVERERS)):
            torch.manual_seed(number)
            model = pg.hourglass(backbone, keep=schedule, prune=prune, recover=recover).eval()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(0.05 * torch.randn_like(parameter))
            clips = 0.3 * torch.randn(5, model.frames, 17, model.inputs)
            with torch.inference_mode():
                trace = model.trace(clips)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.onnx"
                pg.export(model, path)
                for name, runtime in RUNTIMES.items():
                    poses, *kept = runtime(path, threads=1).run({"pose2d": clips.numpy()})
                    chosen = [indices.numpy() for indices in trace.kept.values()]
                    differ = sum(int((ours != theirs).sum()) for ours, theirs in zip(chosen, kept, strict=True))
                    apart = float(abs(poses - trace.pose3d.numpy()).max())
                    results[name].append((apart, differ, sum(indices.size for indices in chosen)))
        for name, rows in results.items():
            apart, differ, total = max(row[0] for row in rows), sum(row[1] for row in rows), sum(row[2] for row in rows)
            print(f"| {backbone} | {name} | {len(rows)} | {apart:.1e} | {differ} of {total} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or [*BACKBONES])
