"""Compare the simulated detector's errors with those of a real one: python benchmarks/detector_errors.py clips.npz

It films 400 stretches of 98 frames at 60 frames per second of the training takes, as the real clips have, and prints
the table of docs/training.md. Exchanged sides are left out, as they were undone in the real clips. Errors are shares of
the body's size in the image. The measured values are `poseglass.data.virtual.measured_detector.MEASURED`.
"""

import sys

import numpy as np
import torch

from poseglass.data.clips import MotionClips
from poseglass.data.virtual.bodies import bone_lengths, random_lengths, retarget
from poseglass.data.virtual.cameras import random_cameras
from poseglass.data.virtual.detector import DetectorNoise, body_size, detect
from poseglass.data.virtual.draws import TorchDraws
from poseglass.data.virtual.face import H36M_FACE, face
from poseglass.data.virtual.measured_detector import (
    MEASURED,
    MEASURED_SCORES,
    MeasuredNoise,
    Projection,
    detect_measured,
)

COUNT, FRAMES, FPS = 400, 98, 60.0
REPORTED = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 17]  # limbs and nose, which all detectors report


def filmed(path: str) -> Projection:
    """Stretches of takes on random bodies, seen by random cameras."""
    rng, draws = np.random.default_rng(0), TorchDraws(torch.Generator().manual_seed(0))
    takes = [take.points for take in MotionClips.load(path).split("train") if len(take.points) > FRAMES]
    lengths = np.array([len(points) for points in takes])
    chosen = rng.choice(len(takes), COUNT, p=lengths / lengths.sum())
    starts = rng.integers(0, lengths[chosen] - FRAMES)
    stretches = [takes[take][start : start + FRAMES] for take, start in zip(chosen, starts, strict=True)]
    world = torch.from_numpy(np.stack(stretches)).float()
    world = world - world[:, :, :1].mean(1, keepdim=True)
    world = retarget(world, random_lengths(draws, bone_lengths(world)))
    cameras = random_cameras(draws, world)
    space = cameras.to_camera(torch.cat([world, face(world)], 2))
    return Projection(cameras.project(space), space[..., 2], torch.full((COUNT,), FPS))


def rows(view: Projection, points: torch.Tensor, scores: torch.Tensor) -> dict[str, float]:
    """The values of the table, in percent except for the autocorrelation."""
    error = ((points - view.pixels) / body_size(view.pixels))[:, :, REPORTED].double().numpy()
    scores = scores[:, :, REPORTED].double().numpy()
    distance, constant = 100 * np.linalg.norm(error, axis=-1), error.mean(1, keepdims=True)
    changing = error - constant
    table = {f"error, {100 * rank:g} %": np.quantile(distance, rank) for rank in MEASURED["quantiles of the error"]}
    for lag in MEASURED["autocorrelation by frames"]:
        product = (changing[:, lag:] * changing[:, :-lag]).sum(-1).mean()
        table[f"autocorrelation, {lag} frames"] = product / (changing**2).sum(-1).mean()
    parts = {
        "standard deviation": 100 * np.sqrt((changing**2).sum(-1).mean(1)),
        "constant part": 100 * np.linalg.norm(constant[:, 0], axis=-1),
    }
    for name, values in parts.items():
        table |= {f"{name}, {100 * rank:g} %": np.quantile(values, rank) for rank in MEASURED[name]}
    high = 1.01
    for low, _, _ in MEASURED_SCORES:
        within = (scores >= low) & (scores < high)
        table[f"score from {low:g}: share"] = 100 * within.mean()
        table[f"score from {low:g}: median error"] = np.median(distance[within]) if within.any() else np.nan
        high = low
    return table


def measured() -> list[float]:
    """The measured values in the order of :func:`rows`."""
    values = [100 * value for value in MEASURED["quantiles of the error"].values()]
    values += MEASURED["autocorrelation by frames"].values()
    for name in ("standard deviation", "constant part"):
        values += [100 * value for value in MEASURED[name].values()]
    for _, share, median in MEASURED_SCORES:
        values += [100 * share, np.nan if median is None else 100 * median]
    return values


def main(path: str) -> None:
    view, draws = filmed(path), TorchDraws(torch.Generator().manual_seed(1))
    mild = rows(view, *detect(draws, view.pixels, DetectorNoise(swaps=0, gaps=0, blackouts=0), H36M_FACE.mirror))
    noise = MeasuredNoise(swaps=False, gaps=0, blackouts=0)
    second = rows(view, *detect_measured(draws, view, noise, H36M_FACE.mirror))
    print("| | real | version 2 | version 1 |\n|---|---|---|---|")
    for name, real in zip(second, measured(), strict=True):
        cells = ("-" if np.isnan(value) else f"{value:.2f}" for value in (real, second[name], mild[name]))
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
