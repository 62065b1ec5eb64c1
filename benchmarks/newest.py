"""Judge weights for live use: python benchmarks/newest.py CLIPS WEIGHTS [WEIGHTS ...] [--every N] [--protocol 1|2]

Live, a pose comes from the newest frames: with a look-ahead of n, a frame is answered n frames later, from a clip that
ends there. The errors are those of every N-th frame of the test takes seen by virtual cameras, with detected 2D poses,
beside the errors of the same frames lifted off-line. One clip is timed on one core; the figure is the median.
"""

import argparse
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

import poseglass as pg
from poseglass.judging.metrics import mpjpe, p_mpjpe
from poseglass.judging.viewpoints import SIZE, ClipView, at_rate, clip_views
from poseglass.lifting.answer import answer
from poseglass.lifting.model_input import model_input
from poseglass.lifting.predictor import predict

LOOK_AHEAD = (0, 2, 5)
BATCH = 64
ROUNDS = 21


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--protocol", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    takes = pg.MotionClips.load(options.clips).split("test")
    views = [
        view
        for take in takes
        for view in clip_views(take.name, at_rate(take.points, takes.fps), options.protocol)
        if view.kind == "detected"
    ]
    print("| weights | ms per clip | look-ahead | MPJPE, mm | P-MPJPE, mm |\n|---|---|---|---|---|")
    for name in options.weights:
        model = pg.load(name)
        errors = {key: [] for key in (*LOOK_AHEAD, "off-line")}
        for view in views:
            for key, row in judged(model, view, options.every).items():
                errors[key].append(row)
        for key, rows in errors.items():
            frames, *means = np.array(rows).T
            position, shape = (np.array(means) * frames).sum(1) / frames.sum()
            print(f"| {name} | {milliseconds(model):.1f} | {key} | {position:.1f} | {shape:.1f} |", flush=True)


def judged(model: pg.Hourglass, view: ClipView, every: int) -> dict[int | str, tuple[int, float, float]]:
    """Number of judged frames, their MPJPE and P-MPJPE in mm, by look-ahead, and off-line."""
    frames, clip = len(view.points), model.frames
    chosen = np.arange(clip, frames - max(LOOK_AHEAD), every)
    if not len(chosen):
        return {}
    off_line = predict(model, view.points, view.scores, size=SIZE).pose3d[chosen]
    poses = {key: lifted(model, view, chosen, key) for key in LOOK_AHEAD} | {"off-line": off_line}
    truth = view.truth[chosen]
    return {key: (len(chosen), mpjpe(own, truth), p_mpjpe(own, truth)) for key, own in poses.items()}


def lifted(model: pg.Hourglass, view: ClipView, chosen: ndarray, look_ahead: int) -> Float[ndarray, "_ 17 3"]:
    """The poses of the chosen frames, each from the clip that ends `look_ahead` frames later."""
    parts = []
    for start in range(0, len(chosen), BATCH):
        ends = chosen[start : start + BATCH] + look_ahead + 1
        rows = ends[:, None] + np.arange(-model.frames, 0)  # b f
        window = model_input(model, view.points[rows], view.scores[rows], size=SIZE)
        pose3d = window.to_camera(answer(model, window.pose2d)[0])
        parts.append(pose3d[:, model.frames - 1 - look_ahead])
    return np.concatenate(parts)


@torch.inference_mode()
def milliseconds(model: pg.Hourglass) -> float:
    """The median time of one clip."""
    clip = torch.randn(1, model.frames, 17, model.inputs, generator=torch.Generator().manual_seed(0))
    taken = []
    for _ in range(ROUNDS):
        start = perf_counter()
        model(clip)
        taken.append(perf_counter() - start)
    return 1000 * median(taken[1:])


if __name__ == "__main__":
    main()
