"""Measure the engines on a model: python benchmarks/engines.py [MODEL] [THREADS]

All engines lift the same clip in turns. It prints the median milliseconds, the speed as a multiple of PyTorch's (the
median ratio within rounds), and on eight clips how far the joints are from PyTorch's and how many kept frames differ.
"""

import sys
from time import perf_counter

import numpy as np
import torch

import poseglass as pg
from poseglass.engines.engine import open_engine
from poseglass.engines.runtime import RUNTIMES
from poseglass.lifting.answer import answer

ROUNDS = 30


def moving(model: pg.Hourglass) -> np.ndarray:
    """Eight clips of smooth motion (8 f 17 i)."""
    noise = np.random.default_rng(0)
    time = np.arange(model.frames)[:, None, None] / 30
    clips = noise.normal(0, 0.7, (8, 1, 17, model.inputs))
    for speed in (3, 5, 8):
        phase = noise.uniform(0, 2 * np.pi, clips.shape)
        clips = clips + noise.normal(0, 0.2, phase.shape) * np.sin(speed * time + phase)
    clips[..., 2:] = 0.9
    return clips.astype(np.float32)


def main(name: str, threads: int) -> None:
    torch.set_num_threads(threads)
    model = pg.load(name).eval()
    clips = moving(model)
    engines = {"torch": None} | {each: open_engine(each, model) for each in RUNTIMES}
    seconds: dict[str, list[float]] = {each: [] for each in engines}
    for _ in range(ROUNDS + 3):
        for each, engine in engines.items():
            start = perf_counter()
            answer(model, clips[:1], engine=engine)
            seconds[each].append(perf_counter() - start)
    expected, kept = answer(model, clips)
    print(f"{name}, {model.frames} frames, {threads} thread(s), {ROUNDS} rounds")
    print("| engine | ms per clip | x torch | moved, mean mm | moved, most mm | kept frames that differ |")
    print("|---|---|---|---|---|---|")
    for each, engine in engines.items():
        poses, chosen = answer(model, clips, engine=engine)
        moved = 1000 * np.linalg.norm(poses - expected, axis=-1)
        differ = sum(int((chosen[layer] != kept[layer]).sum()) for layer in kept)
        taken = np.array(seconds[each][3:])
        ratio = float(np.median(np.array(seconds["torch"][3:]) / taken))
        figures = f"{1000 * np.median(taken):.1f} | {ratio:.2f} | {moved.mean():.4f} | {moved.max():.4f} | {differ}"
        print(f"| {each} | {figures} |")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "balanced", int(sys.argv[2]) if len(sys.argv) > 2 else 1)
