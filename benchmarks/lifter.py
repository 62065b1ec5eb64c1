"""Measure the speed of lifting without detection, on one core: python benchmarks/lifter.py [MODEL ...].

It lifts 60 seconds of random 2D poses at 30 frames per second, with the overlapping windows of normal use, and
alternates between the models. The floor is the time of the executed FLOPs (all matrix products) at the rate of a large
matrix product, which is measured between the rounds as in `poseglass bench`.
"""

import sys
from statistics import median
from time import perf_counter

import numpy as np
import torch

from poseglass.clips.windows import starts
from poseglass.cost.flops import count_flops
from poseglass.cost.measuring import Product
from poseglass.lifting.predictor import Predictor, predict
from poseglass.weights import files as weights

SECONDS, FPS, ROUNDS = 60, 30, 5


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    frames = SECONDS * FPS
    rng = np.random.default_rng(0)
    points, scores = rng.normal(size=(frames, 17, 2)).cumsum(0), np.ones((frames, 17))
    models = {name: weights.load(name) for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    product = Product(torch.float32, torch.device("cpu"))
    for _ in range(ROUNDS):
        product.time()
        for name, model in models.items():
            start = perf_counter()
            predict(model, points, scores, size=(1920, 1080))
            times[name].append(perf_counter() - start)
    rate, sides = median(product.rates), f"{product.side} x {product.side}"
    print(f"one core, float32, {frames} frames, {ROUNDS} rounds; a {sides} product reaches {rate / 1e9:.0f} GFLOPs/s")
    print("| model | params M | GFLOPs a window | frames/s | x real time at 30 fps | spread | over the floor |")
    print("|---|---|---|---|---|---|---|")
    for name, model in models.items():
        flops = count_flops(model).executed
        windows = len(starts(frames, model.frames, Predictor(model).stride))
        seconds = median(times[name])
        floor = windows * flops / rate
        params = sum(p.numel() for p in model.parameters()) / 1e6
        spread = (max(times[name]) - min(times[name])) / seconds
        print(
            f"| {name} | {params:.2f} | {flops / 1e9:.3f} | {frames / seconds:.0f} "
            f"| {SECONDS / seconds:.0f} | {100 * spread:.0f}% | {seconds / floor:.1f} x |"
        )


if __name__ == "__main__":
    main(sys.argv[1:] or ["balanced"])
