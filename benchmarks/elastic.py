"""Judge weights at five numbers of kept frames: python benchmarks/elastic.py WEIGHTS CLIPS [KEEP ...]

WEIGHTS is a name or folder, as `pg.load` takes it. Errors are on 256 validation clips, half with clean and half with
detected 2D poses. One clip is timed on one core, in turns with the other numbers and with the backbone without a waist;
figures are medians over the rounds. FLOPs are those of the papers' convention. KEEP are counts (27) or shares (0.2); by
default 10%, 20%, a third, two thirds and all.
"""

import logging
import sys
from collections.abc import Sequence
from statistics import median
from time import perf_counter

import torch

import poseglass as pg
from poseglass.commands.keep import parse_keep
from poseglass.cost.flops import count_flops
from poseglass.data.clips import MotionClips
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.recipe import Recipe
from poseglass.training.validation import validation_errors

ROUNDS = 21
HEADING = (
    "keep", "share", "MPJPE, mm, clean / detected", "P-MPJPE, mm", "ms per clip", "x as fast", "GFLOPs, paper", "saved",
)  # fmt: skip
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
    models = [trained.with_keep(keep) for keep in [parse_keep(text) for text in keeps] or SHARES]
    *seconds, plain = rounds([*models, trained.backbone])
    whole = count_flops(trained.backbone).paper
    print(f"| {' | '.join(HEADING)} |\n{'|---' * len(HEADING)}|")
    for model, taken in zip(models, seconds, strict=True):
        errors = validation_errors(model, samples, centre=False)
        flops = count_flops(model).paper
        figures = (
            ", ".join(map(str, model.schedule.values())),
            f"{next(iter(model.schedule.values())) / model.frames:.0%}",
            *(f"{errors[f'clean_{name}']:.1f} / {errors[f'detected_{name}']:.1f}" for name in ("mpjpe", "p_mpjpe")),
            f"{1000 * median(taken):.1f}",
            f"{median(before / after for before, after in zip(plain, taken, strict=True)):.2f}",
            f"{flops / 1e9:.2f}",
            f"{1 - flops / whole:.0%}",
        )
        print(f"| {' | '.join(figures)} |", flush=True)


@torch.inference_mode()
def rounds(models: Sequence[pg.Hourglass | pg.PoseTransformer]) -> list[list[float]]:
    """The seconds of each model for a clip, in each round but the first, which is a warm-up."""
    clip = torch.randn(1, models[0].frames, 17, models[0].inputs, generator=torch.Generator().manual_seed(0))
    seconds: list[list[float]] = [[] for _ in models]
    for _ in range(ROUNDS + 1):
        for model, taken in zip(models, seconds, strict=True):
            start = perf_counter()
            model(clip)
            taken.append(perf_counter() - start)
    return [taken[1:] for taken in seconds]


if __name__ == "__main__":
    main(*sys.argv[1:])
