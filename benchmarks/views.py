"""How far views of one motion disagree: python benchmarks/views.py VIDEO VIDEO [VIDEO ...] [--model NAME]

Lifts synchronised videos of one person one by one, as a user would, and prints the mean P-MPJPE in mm between every two
of them, over the frames in which both see the person: with no truth at hand, what two views of the same pose differ by
is what lifting gets wrong.
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
                print(f"{name} and {other} see nobody at the same time")
                continue
            pairs.append(p_mpjpe(first.points[:frames][both], second.points[:frames][both]))
            print(f"{pairs[-1]:6.1f} mm  {name}  {other}  ({both.sum()} frames)")
    if pairs:
        print(f"{np.mean(pairs):6.1f} mm  mean of {len(pairs)} pairs")


if __name__ == "__main__":
    main(sys.argv[1:])
