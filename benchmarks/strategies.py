"""Compare error and time of each way to prune and recover: python benchmarks/strategies.py CLIPS SECONDS [ROW]...

Small models with 27 frames, 4 layers and 64 channels start with new weights and train for SECONDS of processor time
each, on one core: faster models see more clips. Errors are on validation clips, half with clean and half with detected
2D poses. Speed is measured in turns with the plain backbone, on one core, before any training.
"""

import sys
from pathlib import Path
from time import process_time

import torch

import poseglass as pg
from poseglass.data.clips import MotionClips
from poseglass.training import build as building
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
from poseglass.waist.prune import PRUNERS

RECIPE = Path(__file__).parents[1] / "recipes" / "balanced-27.toml"
FRAMES, DIM, DEPTH, BATCH, ROUNDS = 27, 64, 4, 16, 15
ROWS = {
    "plain": None,
    **{f"{prune}, attention": ({1: 9}, prune, "attention") for prune in PRUNERS},
    "uniform, interpolate": ({1: 9}, "uniform", "interpolate"),
    "uniform, nearest": ({1: 9}, "uniform", "nearest"),
    "uniform, interpolate, 14 at 1, 7 at 2": ({1: 14, 2: 7}, "uniform", "interpolate"),
}


def build(name: str) -> pg.PoseTransformer | pg.Hourglass:
    """A model with new weights, always the same for a row."""
    waist = ["waist.keep={}"]
    if ROWS[name] is not None:
        keep, prune, recover = ROWS[name]
        stages = ", ".join(f"{layer} = {frames}" for layer, frames in keep.items())
        waist = [f"waist.keep={{{stages}}}", f"waist.prune={prune}", f"waist.recover={recover}"]
    sizes = f"model.frames={FRAMES}", f"model.sizes.dim={DIM}", f"model.sizes.depth={DEPTH}"
    return building.build(Recipe.read(RECIPE).override("run.seed=0", *sizes, *waist))


def main(path: str, seconds: float, names: list[str]) -> None:
    torch.set_num_threads(1)
    clips = MotionClips.load(path)
    settings = Recipe.read(RECIPE).override(
        "run.workers=1", "run.validation_clips=512", f"model.frames={FRAMES}", f"data.batch={BATCH}"
    )
    source = MotionBatches(clips, settings)
    judges = source.validation()
    costs = {name: pg.bench(build(name), against=build("plain"), threads=1, rounds=ROUNDS) for name in names}
    print(f"{seconds:.0f} s of one core's time each; P-MPJPE in mm, clean / detected")
    print("| prune, recover | MFLOPs per frame | x as fast | steps | P-MPJPE |")
    print("|---|---|---|---|---|")
    for name, cost in costs.items():
        run = TrainingState(settings, build(name))
        start = process_time()
        while process_time() - start < seconds:
            run.advance(source.draw(run.step, 0))
        errors = run.validate(judges)
        clean, detected = errors["clean_p_mpjpe"], errors["detected_p_mpjpe"]
        print(
            f"| {name} | {cost.model.per_frame('executed') / 1e6:.1f} | {cost.speedup:.2f} | {run.step} "
            f"| {clean:.1f} / {detected:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:] or list(ROWS))
