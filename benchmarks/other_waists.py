"""Judge other waists on the shipped weights without training: python benchmarks/other_waists.py CLIPS OUT.png [STEPS]

The shipped model keeps 27 of 81 frames, chosen as density peaks. Its weights, including the recoverer, are used with
other pruners, frame counts and pyramids. Errors are on validation clips, half with clean and half with detected 2D
poses. With STEPS, the waists that differ most are then trained with a frozen backbone. Speed is measured in turns with
the backbone without a waist, on one core.
"""

import copy
import sys

import numpy as np
import torch
from matplotlib import pyplot

import poseglass as pg
from poseglass.data.clips import MotionClips
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
from poseglass.weights.lengths import lengthened

ROUNDS, BATCH = 9, 8
ROOM = 4.0  # mm, the range of the vertical axis; larger errors are drawn at its edge
ROWS = (
    *(({1: keep}, "uniform") for keep in (9, 14, 20, 27, 41, 81)),
    *(({1: 27}, prune) for prune in ("density", "attention", "motion")),
    *(({1: 41, 4: 20}, prune) for prune in ("uniform", "density")),
)
TRAINED = (ROWS[0], ({1: 27}, "motion"))


def waist(shipped: pg.Hourglass, keep: dict[int, int], prune: str) -> pg.Hourglass:
    """The shipped weights with another waist; the embeddings of the kept frames are stretched in time."""
    model = pg.hourglass(copy.deepcopy(shipped.backbone), keep=keep, prune=prune)
    model.load_state_dict(lengthened(shipped.state_dict(), model), strict=False)  # later stages start at zero
    return model.eval()


def main(path: str, out: str, steps: int = 0) -> None:
    torch.set_num_threads(1)
    clips, shipped = MotionClips.load(path), pg.load("balanced")
    assert isinstance(shipped, pg.Hourglass)
    settings = Recipe().override(
        f"model.frames={shipped.frames}", f"data.batch={BATCH}", "run.validation_clips=256", "optim.lr=2e-4",
        "schedule.warmup=10", f"schedule.steps={steps or 1}", "schedule.decay=1",
    )  # fmt: skip
    source = MotionBatches(clips, settings)
    judges = source.validation()
    costs = [pg.bench(waist(shipped, *row), against=shipped.backbone, threads=1, rounds=ROUNDS) for row in ROWS]
    print("P-MPJPE in mm, clean / detected")
    print(f"| frames at layer | prune | x as fast | as it is | waist trained, {steps} steps |")
    print("|---|---|---|---|---|")
    points = []
    for (keep, prune), cost in zip(ROWS, costs, strict=True):
        run = TrainingState(settings, waist(shipped, keep, prune))
        run.model.backbone.requires_grad_(False)
        errors = [run.validate(judges)]
        if steps and (keep, prune) in TRAINED:
            while run.step < steps:
                run.advance(source.sampler.sample(np.random.default_rng(run.step), BATCH))
            errors.append(run.validate(judges))
        texts = [f"{error['clean_p_mpjpe']:.1f} / {error['detected_p_mpjpe']:.1f}" for error in errors]
        stages = ", ".join(f"{frames} at {layer}" for layer, frames in keep.items())
        print(f"| {stages} | {prune} | {cost.speedup:.2f} | {' | '.join([*texts, ''][:2])} |", flush=True)
        points.append((prune, ", ".join(map(str, keep.values())), 1 / (cost.speedup or 1), errors[0]))
    draw(points, out)


def draw(points: list[tuple[str, str, float, dict[str, float]]], out: str) -> None:
    """Error against time: pruner, counts, share of the time, errors."""
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    means = [(error["clean_p_mpjpe"] + error["detected_p_mpjpe"]) / 2 for *_, error in points]
    top = min(means) + ROOM
    for prune, marker in {"uniform": "o", "density": "s", "attention": "^", "motion": "v"}.items():
        mine = [
            (share, mean, label) for (name, label, share, _), mean in zip(points, means, strict=True) if name == prune
        ]
        axes.plot(*zip(*((share, min(mean, top)) for share, mean, _ in mine), strict=True), marker, label=prune)
        for share, mean, label in mine:
            text = label if mean <= top else f"{label}: {mean:.1f} mm"
            axes.annotate(text, (share, min(mean, top)), (5, 6), textcoords="offset points", fontsize=8)
    axes.legend(title="frames chosen by")
    axes.set_xlim(0, 1.15)
    axes.set_xlabel("time of a clip, as a share of the backbone's without a waist")
    axes.set_ylabel("P-MPJPE, mm, mean of clean and detected")
    axes.set_title("Frames kept of 81 on the shipped weights, without training")
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
