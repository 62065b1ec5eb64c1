"""Measure how much views of one motion disagree: python benchmarks/views.py VIDEO VIDEO [VIDEO ...] [--model NAME]

It lifts synchronised videos of one person one by one and prints the mean P-MPJPE in mm between every two of them, over
the frames in which both show the person. This difference estimates the error of lifting without ground truth.
"""

import sys

import numpy as np

import poseglass as pg
from poseglass.judging.metrics import p_mpjpe


def main(arguments: list[str]) -> None:
    model = "balanced"
    if "--model" in arguments:
        at = arguments.index("--model")
        model = arguments[at + 1]
        del arguments[at : at + 2]
    lifter = pg.Lifter(model)
    motions = {path: lifter.lift(path) for path in arguments}
    pairs = []
    for n, (name, first) in enumerate(motions.items()):
        for other, second in list(motions.items())[n + 1 :]:
            frames = min(len(first), len(second))
            both = first.validity[:frames] & second.validity[:frames]
            if not both.any():
                print(f"{name} and {other} never show the person in the same frame")
                continue
            pairs.append(p_mpjpe(first.points[:frames][both], second.points[:frames][both]))
            print(f"{pairs[-1]:6.1f} mm  {name}  {other}  ({both.sum()} frames)")
    if pairs:
        print(f"{np.mean(pairs):6.1f} mm  mean of {len(pairs)} pairs")


if __name__ == "__main__":
    main(sys.argv[1:])
