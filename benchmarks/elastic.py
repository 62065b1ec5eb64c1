"""Judge weights at five numbers of kept frames: python benchmarks/elastic.py WEIGHTS CLIPS [KEEP ...]

WEIGHTS is a name or folder, as `pg.load` takes it. Errors are on 256 validation clips, with clean and with detected 2D
poses. A clip is timed in turns with the backbone without a waist, on one core. FLOPs are those of the papers'
convention. KEEP are counts (27) or shares (0.2); by default the trained number and shares from 0.1 to 1.0.
"""

import logging
import sys

import torch

import poseglass as pg
from poseglass.commands.keep import parse_keep
from poseglass.cost.flops import count_flops
from poseglass.data.clips import MotionClips
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.recipe import Recipe
from poseglass.training.validation import validation_errors

ROUNDS = 9
SHARES = (0.1, 0.2, 1 / 3, 2 / 3, 1.0)


def main(weights: str, path: str, *keeps: str) -> None:
    torch.set_num_threads(1)
    logging.getLogger("poseglass").setLevel(logging.ERROR)  # the table says what the weights were trained for
    trained = pg.load(weights)
    assert isinstance(trained, pg.Hourglass)
    recipe = Recipe().override(f"model.frames={trained.frames}", "run.validation_clips=256")
    samples = MotionBatches(MotionClips.load(path), recipe).validation()
    numbers = ", ".join(f"{frames} frames from layer {layer} on" for layer, frames in trained.nominal.items())
    known = "no other number" if trained.card.keeps is None else f"any share in {trained.card.keeps}"
    print(f"{weights}: trained to keep {numbers}, and {known}\n")
    print(
        "| keep | share | MPJPE, mm, clean / detected | P-MPJPE, mm | ms per clip | x as fast | GFLOPs, paper | saved |"
    )
    print("|---|---|---|---|---|---|---|---|")
    whole = count_flops(trained.backbone).paper
    for keep in [parse_keep(text) for text in keeps] or SHARES:
        model = trained.with_keep(keep)
        errors = validation_errors(model, samples, centre=False)
        cost = pg.bench(model, against=model.backbone, threads=1, rounds=ROUNDS)
        first = next(iter(model.schedule.values()))
        flops = count_flops(model).paper
        figures = (
            ", ".join(map(str, model.schedule.values())),
            f"{first / model.frames:.0%}",
            *(f"{errors[f'clean_{name}']:.1f} / {errors[f'detected_{name}']:.1f}" for name in ("mpjpe", "p_mpjpe")),
            f"{1000 * cost.model.latency:.1f}",
            f"{cost.speedup:.2f}",
            f"{flops / 1e9:.2f}",
            f"{1 - flops / whole:.0%}",
        )
        print(f"| {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
