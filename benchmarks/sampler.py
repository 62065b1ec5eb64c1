"""Measure how fast training clips are made: python benchmarks/sampler.py clips.npz [DEVICE] [BATCH]

It prints clips of 81 frames per second, on one thread, for the mild detector and for the measured one with unusual
poses (`recipes/balanced-elastic.toml`).
"""

import sys
from time import perf_counter

import torch

from poseglass.data.clips import MotionClips
from poseglass.data.virtual.limbs import Variety
from poseglass.data.virtual.measured_detector import MeasuredNoise
from poseglass.data.virtual.sampler import Sampler

SECONDS = 6.0


def main(path: str, device: str = "cpu", batch: str = "256") -> None:
    torch.set_num_threads(1)
    clips, generator = MotionClips.load(path).split("train"), torch.Generator(device).manual_seed(0)
    variety = Variety(arms=0.25, legs=0.1, still=0.03, crouching=0.04, tilted=0.05, lying=0.08)
    for name, sampler in {
        "mild": Sampler(clips, 81, shares={"prmd": 0.28}),
        "measured": Sampler(clips, 81, shares={"prmd": 0.28}, noise=MeasuredNoise(), variety=variety),
    }.items():
        sampler.sample(generator, int(batch)).pose2d.sum().item()  # packs the takes
        start, count = perf_counter(), 0
        while perf_counter() - start < SECONDS:
            sampler.sample(generator, int(batch)).pose2d.sum().item()  # waits for the device
            count += int(batch)
        print(f"{name}: {count / (perf_counter() - start):.0f} clips per second")


if __name__ == "__main__":
    main(*sys.argv[1:])
