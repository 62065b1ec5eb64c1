"""Compare models of several sizes, trained for the same time: python benchmarks/compare_sizes.py CLIPS SECONDS SIZE ...

A size is FRAMES:CHANNELS:KEEP, such as 81:128:27; KEEP 0 is the plain backbone. Every model starts with new weights and
trains for SECONDS of processor time on one core, with the settings of the recipe. Errors are on the validation clips,
with clean and with detected 2D poses. FLOPs count all matrix products, per frame of a window.
"""

import sys
from pathlib import Path
from time import process_time

import torch

from poseglass.cost.flops import count_flops
from poseglass.data.clips import MotionClips
from poseglass.training.build import build
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState

RECIPE = Path(__file__).parents[1] / "recipes" / "balanced-27.toml"
CLIPS_OF_27 = 16  # clips per step; fewer if clips are longer, so that a step has the same number of frames


def main(path: str, seconds: float, sizes: list[str]) -> None:
    torch.set_num_threads(1)
    clips = MotionClips.load(path)
    print(f"one core, {seconds:.0f} s of processor time each")
    print(
        "| frames | channels | kept | steps | clips/s | frames/s | P-MPJPE clean, detected | MPJPE | MFLOPs per frame |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for size in sizes:
        frames, dim, keep = map(int, size.split(":"))
        batch = max(CLIPS_OF_27 * 27 // frames, 1)
        recipe = Recipe.read(RECIPE).override(
            "run.workers=1",
            f"model.frames={frames}",
            f"model.sizes.dim={dim}",
            f"waist.keep={{1 = {keep}}}" if keep else "waist.keep={}",
            f"data.batch={batch}",
            "optim.bf16=false",
            # The same number of validation frames for every clip length.
            f"run.validation_clips={2 * (81 * 64 // frames)}",
        )
        run = TrainingState(recipe, build(recipe))
        source = MotionBatches(clips, recipe)
        start = process_time()
        while process_time() - start < seconds:
            run.advance(source.draw(run.step, 0))
        taken = process_time() - start
        errors = run.validate(source.validation())
        flops = count_flops(run.averaged()).executed
        rate = run.step * batch / taken
        print(
            f"| {frames} | {dim} | {keep or 'all'} | {run.step} | {rate:.1f} | {rate * frames:.0f} "
            f"| {errors['clean_p_mpjpe']:.1f} / {errors['detected_p_mpjpe']:.1f} "
            f"| {errors['clean_mpjpe']:.1f} / {errors['detected_mpjpe']:.1f} "
            f"| {flops / frames / 1e6:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
