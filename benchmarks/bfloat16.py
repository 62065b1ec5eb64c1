"""Measure how much bfloat16 changes the poses of the shipped weights: python benchmarks/bfloat16.py CLIPS [TAKES]

Evenly spaced takes of the test split are filmed by the cameras of `poseglass evaluate` and lifted like a video, in
float32 and with :func:`poseglass.to_bfloat16`. It prints the distance between the joints of the two results, and the
speed on single clips.
"""

import sys
from time import perf_counter

import numpy as np
import torch

import poseglass as pg
from poseglass.judging.metrics import mpjpe
from poseglass.judging.viewpoints import SIZE, at_rate, clip_views
from poseglass.lifting.predictor import predict
from poseglass.waist.hourglass import PoseModel


def seconds(models: list[PoseModel]) -> list[float]:
    """Median seconds per clip of each model, in turns."""
    clip = torch.randn(1, 81, 17, 3, generator=torch.Generator().manual_seed(0))
    taken: list[list[float]] = [[] for _ in models]
    with torch.inference_mode():
        for _ in range(40):
            for model, times in zip(models, taken, strict=True):
                start = perf_counter()
                model(clip)
                times.append(perf_counter() - start)
    return [float(np.median(times[5:])) for times in taken]


def main(path: str, count: int) -> None:
    clips = pg.MotionClips.load(path)
    takes = list(clips.split("test"))[:: max(len(clips.split("test")) // count, 1)]
    model = pg.load("balanced")
    reduced = {exact: pg.to_bfloat16(model, exact=exact) for exact in (0, 1)}
    base, *fast = seconds([model, *reduced.values()])
    moved: dict[tuple[str, int], list[np.ndarray]] = {}
    errors: dict[tuple[str, int | None], list[float]] = {}
    for take in takes:
        for view in clip_views(take.name, at_rate(take.points, clips.fps)):
            kind, points, scores, truth = view.kind, view.points, view.scores, view.truth
            before = predict(model, points, scores, size=SIZE).pose3d
            errors.setdefault((kind, None), []).append(mpjpe(before, truth))
            for exact, other in reduced.items():
                after = predict(other, points, scores, size=SIZE).pose3d
                moved.setdefault((kind, exact), []).append(np.linalg.norm(after - before, axis=-1).mean(1) * 1000)
                errors.setdefault((kind, exact), []).append(mpjpe(after, truth))
    print(f"{len(takes)} takes; a clip in {1000 * base:.1f} ms")
    print("| exact | x as fast | 2D | frames | moved, mean | median | 99% below | MPJPE before | after |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (kind, exact), parts in moved.items():
        distance = np.concatenate(parts)
        figures = f"{distance.mean():.2f} | {np.median(distance):.2f} | {np.percentile(distance, 99):.2f}"
        mean = f"{np.mean(errors[kind, None]):.2f} | {np.mean(errors[kind, exact]):.2f}"
        print(f"| {exact} | {base / fast[exact]:.2f} | {kind} | {len(distance)} | {figures} | {mean} |")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30)
