"""Measure the time of an evaluation on recordings, the share of the metrics, and the memory.

    poseglass data generate h36m synthetic --frames 2600 --subject S9 --subject S11
    poseglass data h36m synthetic prepared
    python benchmarks/protocol.py prepared [MODEL] [FRAMES]

The model is untrained and runs on one thread, on ground-truth 2D poses and without the mirrored pass. The peak includes
pages of the mapped files, which the operating system may keep or drop.
"""

import resource
import sys
from time import perf_counter

import torch

import poseglass as pg
from poseglass.judging.on_recordings import evaluate_recordings
from poseglass.judging.protocol import Protocol
from poseglass.judging.tally import Tally


def main(folder: str, name: str = "mixste-tiny", frames: str = "27") -> None:
    torch.set_num_threads(1)
    recordings = pg.Recordings.open(folder)
    model = pg.create_model(name, frames=int(frames), card=pg.Card(coordinates="screen"))
    spent, add = [0.0], Tally.add

    def timed(self: Tally, *arguments: object) -> None:
        start = perf_counter()
        add(self, *arguments)  # type: ignore[arg-type]
        spent[0] += perf_counter() - start

    Tally.add = timed  # type: ignore[method-assign, assignment]
    start, before = perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = evaluate_recordings(model, recordings, Protocol(keypoints="gt"))
    elapsed = perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count, seconds = report.total.frames, spent[0]
    print(f"{count:,} frames in {elapsed:.1f} s, {seconds:.1f} s ({100 * seconds / elapsed:.0f}%) of it metrics")
    print(f"{1e6 * seconds / count:.1f} us of metrics per frame")
    print(f"peak memory {peak / 1e6:.2f} GB, {before / 1e6:.2f} GB before the evaluation")


if __name__ == "__main__":
    main(*sys.argv[1:])
