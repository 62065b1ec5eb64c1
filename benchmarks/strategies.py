"""Error against time for each way to prune and recover: python benchmarks/strategies.py CLIPS STEPS OUT.png

Every row begins with the shipped weights: its backbone, and its recoverer's too where the row has one of that kind. It
is judged as it is, then trained for STEPS of the same clips and judged again, on validation clips, half of them clean
and half as a detector would see them. Speed is measured in turns with the plain backbone, on one core. The
backbone was trained behind density peaks and cross-attention, 27 of 81 frames: the rows near that have a head start.
"""

import copy
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from time import process_time

import numpy as np
import torch
from matplotlib import pyplot

import poseglass as pg
from poseglass.data.augment import Sampler
from poseglass.data.clips import MotionClips
from poseglass.models import PoseTransformer
from poseglass.training.loop import Run
from poseglass.training.recipe import Recipe

BATCH = 5  # clips of 81 frames; sixteen of them, as in the recipe, would be few steps in little time
PYRAMID = {1: 41, 4: 20}
ROUNDS = 9


@dataclass(frozen=True)
class Row:
    """One way to prune and recover; without a schedule it is the plain backbone."""

    keep: Mapping[int, int] | None = None
    prune: str = "uniform"
    recover: str = "interpolate"
    frozen: bool = False  # only the waist learns, from a fresh start

    def __str__(self) -> str:
        if self.keep is None:
            return "the plain backbone"
        stages = ", ".join(f"{frames} at {layer}" for layer, frames in self.keep.items())
        return f"{self.prune}, {self.recover}, {stages}" + (", backbone frozen" if self.frozen else "")

    def build(self, shipped: pg.Hourglass) -> PoseTransformer | pg.Hourglass:
        """The network, with what the shipped one has for it."""
        backbone = copy.deepcopy(shipped.backbone)
        if self.keep is None:
            return backbone
        model = pg.hourglass(backbone, keep=self.keep, prune=self.prune, recover=self.recover)
        if self.frozen:
            backbone.requires_grad_(False)
        elif type(model.recoverer) is type(shipped.recoverer):
            model.recoverer.load_state_dict(shipped.recoverer.state_dict())
            if self.keep == shipped.schedule:
                model.kept_embedding.load_state_dict(shipped.kept_embedding.state_dict())
        return model


SHIPPED = {1: 27}
ROWS = (
    Row(),
    *(Row(SHIPPED, prune, "attention") for prune in ("density", "attention", "motion", "uniform")),
    *(Row(SHIPPED, prune, "interpolate") for prune in ("density", "uniform")),
    Row(SHIPPED, "uniform", "nearest"),
    Row(PYRAMID, "uniform", "interpolate"),
    Row(PYRAMID, "uniform", "attention"),
    Row(SHIPPED, "uniform", "attention", frozen=True),
)


def main(path: str, steps: int, out: str) -> None:
    torch.set_num_threads(1)
    clips, shipped = MotionClips.load(path), pg.load("balanced")
    assert isinstance(shipped, pg.Hourglass)
    settings = Recipe().override(
        f"data.batch={BATCH}",
        "optim.name=muon",
        "optim.lr=5e-4",
        "optim.warmup=10",
        f"optim.steps={steps}",
        "optim.decay=1",
    )
    data = settings.data
    judges = {
        name: Sampler(clips.split("val"), shipped.frames, clean=clean).sample(np.random.default_rng(seed), 64)
        for seed, (name, clean) in enumerate((("clean", 1.0), ("detected", 0.0)))
    }
    # Before any training, so that all are timed under the same conditions; learning changes no speed.
    costs = [pg.bench(row.build(shipped), against=shipped.backbone, threads=1, rounds=ROUNDS) for row in ROWS]
    print(f"{steps} steps of {BATCH} clips; P-MPJPE in mm, clean / detected; time on one core")
    print("| prune, recover, frames at layer | as it is | trained | s a step | x as fast | ms a clip |")
    print("|---|---|---|---|---|---|")
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for row, cost in zip(ROWS, costs, strict=True):
        run = Run(settings, row.build(shipped))
        errors = [run.judge(judges)]
        sampler = Sampler(clips.split("train"), shipped.frames, rehab_share=data.rehab_share, clean=data.clean)
        began = process_time()
        while run.step < steps:
            run.advance(sampler.sample(np.random.default_rng([settings.run.seed, run.step]), BATCH))
        pace = (process_time() - began) / max(steps, 1)
        errors.append(run.judge(judges))
        told = [f"{error['clean_p_mpjpe']:.1f} / {error['detected_p_mpjpe']:.1f}" for error in errors]
        milliseconds = 1000 * cost.model.latency
        print(f"| {row} | {' | '.join(told)} | {pace:.2f} | {cost.speedup:.2f} | {milliseconds:.1f} |", flush=True)
        mean = (errors[1]["clean_p_mpjpe"] + errors[1]["detected_p_mpjpe"]) / 2
        axes.plot(milliseconds, mean, "o", color="tab:gray" if row.frozen else "tab:blue")
        axes.annotate(f" {row}", (milliseconds, mean), fontsize=7, va="center")
    axes.set(xlabel="ms a clip of 81 frames on one core", ylabel="P-MPJPE, mm, clean and detected", xlim=(0, None))
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
