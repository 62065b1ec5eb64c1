"""Measure the time and memory to open and verify a prepared data set, and to draw clips and batches.

    poseglass data generate h36m synthetic --frames 2600
    poseglass data h36m synthetic prepared
    python benchmarks/recordings.py prepared

Clips are like those of a training batch: 243 frames of 3D and 2D poses from random places, copied into memory. The peak
includes pages of the mapped files, which the operating system may keep or drop.
"""

import resource
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from poseglass.data.recordings.store import Recordings
from poseglass.training.recipe import Recipe
from poseglass.training.recorded_batches import RecordedBatches

FRAMES = 243
CLIPS = 20_000
STEPS = 20
RECIPES = Path(__file__).parents[1] / "recipes" / "h36m"


def timed(name, work):
    start = perf_counter()
    result = work()
    seconds = perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:24} {seconds:8.3f} s   peak {peak:6.0f} MB")
    return result, seconds


def main(folder):
    recordings, _ = timed("open", lambda: Recordings.open(folder))
    print(f"{len(recordings)} recordings, {recordings.frames:,} frames, 2D {' '.join(recordings.sources)}")
    rng = np.random.default_rng(0)
    long = [recording for recording in recordings if recording.frames >= FRAMES]
    source = recordings.sources[0]

    def clips():
        total = 0.0
        for number in rng.integers(len(long), size=CLIPS):
            recording = long[number]
            start = int(rng.integers(recording.frames - FRAMES + 1))
            clip = np.array(recording.points3d[start : start + FRAMES])
            pose2d = np.array(recording.points2d(source)[start : start + FRAMES])
            total += float(clip[0, 0, 2] + pose2d[0, 0, 0])
        return total

    _, seconds = timed(f"{CLIPS:,} clips", clips)
    print(f"{CLIPS / seconds:,.0f} clips of {FRAMES} frames per second, one process")
    timed("verify", recordings.verify)
    for name in ("hot-mixste", "mhformer"):
        recipe = Recipe.read(RECIPES / f"{name}.toml").updated({"data": {"path": folder}})
        batches, _ = timed(f"{name}: table", lambda recipe=recipe: RecordedBatches(recordings, recipe))
        timed("its first batch", lambda batches=batches: batches.draw(0, 0))
        _, seconds = timed(
            f"{STEPS} more", lambda batches=batches: [batches.draw(1 + n, 0) for n in range(STEPS)] and 0
        )
        print(
            f"{len(batches.clips):,} clips, {batches.epoch:,} steps per epoch, {1000 * seconds / STEPS:.1f} ms per step"
        )


if __name__ == "__main__":
    main(sys.argv[1])
