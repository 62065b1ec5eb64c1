"""Refit the uncertainty of some weights, and print how often the radii hold the truth.

    python benchmarks/uncertainty.py CLIPS src/poseglass/weights/bundled/balanced

It writes `uncertainty.json` into the folder of weights, and prints a table: the takes of the validation subjects, each
judged by a fit that has not used it (cross-validation), and those of the test subjects. It takes ten minutes on one
core, and two and a half with --no-test.
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
        print(f"| {name} | " + " | ".join(f"{100 * column[name]:.1f} %" for column in columns.values()) + " |")


if __name__ == "__main__":
    main()
