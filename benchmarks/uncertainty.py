"""Refit the uncertainty of some weights, and print how often the radii hold the truth.

    python benchmarks/uncertainty.py CLIPS src/poseglass/weights/bundled/balanced

It writes `uncertainty.json` into the folder of weights, and prints a table: the takes of the validation subjects, each
judged by a fit that has not used it; each of these people, by a fit to the others; and the test subjects. It takes ten
minutes on one core, and three with --no-test.
"""

import argparse
import hashlib
from pathlib import Path

import torch

import poseglass as pg
from poseglass.data.clips import MotionClips
from poseglass.judging.calibration import calibrate, coverage, lifted_takes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="motion clips with the splits val and test")
    parser.add_argument("weights", type=Path, help="a folder of weights")
    parser.add_argument(
        "--no-test", action="store_true", help="leave out the test subjects, which take five times as long"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips, model = MotionClips.load(options.clips), pg.load(options.weights)
    digest = hashlib.sha256((options.weights / "weights.safetensors").read_bytes()).hexdigest()
    fitted = calibrate(list(lifted_takes(model, clips, progress=True)), digest)
    fitted.save(options.weights / "uncertainty.json")
    columns = {"validation": fitted.coverage}
    if not options.no_test:
        takes = list(lifted_takes(model, clips, split="test", progress=True))
        columns["test"] = coverage(takes, [fitted.radius(take.motion) for take in takes])
    print("| joints | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for name in fitted.coverage:
        cells = (f"{100 * column[name]:.1f} %" if name in column else "" for column in columns.values())
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
