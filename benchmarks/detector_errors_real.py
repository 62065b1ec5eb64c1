"""Measure a detector's errors on real video: python benchmarks/detector_errors_real.py [DETECTOR ...]

The truth is the reference of `triangulated.py`, projected into the four views. Errors are shares of the body's size in
the image (the diagonal of its joints' box), after exchanges of left and right were undone. The last columns are the
simulated detectors of training, versions 1 and 2, on the same poses, without their exchanges.
"""

import sys

import numpy as np
import torch
from numpy import ndarray
from real_videos import CALIBRATION, POSE2SIM, VIEWS, files, keypoints
from triangulated import JOINTS, RATE, Reference, aligned, exchanges_undone, reference

from poseglass.body.skeleton import H36M_17
from poseglass.data.virtual.detector import DetectorNoise, body_size, detect
from poseglass.data.virtual.draws import TorchDraws
from poseglass.data.virtual.measured_detector import MeasuredNoise, Projection, detect_measured

QUANTILES = (25, 50, 75, 90, 95, 99)
LAGS = (1, 3, 6, 15)
SCORES = ((0.97, 1.01), (0.6, 0.97), (0.3, 0.6), (0.0, 0.3))
DRAWS = 40  # of the simulated detectors


def main(names: list[str]) -> None:
    paths = files(POSE2SIM, VIEWS)
    views = {name: [keypoints(path, name) for path in paths] for name in {*names, "mediapipe-heavy"}}
    truth = reference(files(POSE2SIM, [CALIBRATION])[0], views["mediapipe-heavy"])
    columns, swaps = {}, {}
    for name in names:
        undone, swapped = exchanges_undone(truth.cameras, aligned(views[name]))
        errors = (undone[..., :2] - truth.pixels()) / truth.sizes()[:, None, None, None]
        columns[name], swaps[name] = (errors, undone[..., 2]), swapped
    real = dict(columns)
    columns |= simulated(truth)

    print(f"{len(truth.points)} frames, 4 views, {len(JOINTS)} joints; sizes {truth.sizes().round()} pixels")
    print(f"{'':34}" + "".join(f"{name:>18}" for name in columns))
    rows = {name: statistics(*column) for name, column in columns.items()}
    for label in rows[names[0]]:
        print(f"{label:34}" + "".join(f"{rows[name][label]:>18}" for name in columns))
    for name, swapped in swaps.items():
        print(f"{name}: left and right exchanged in {swapped.any(2).sum(1)} frames of the views")
    print("median error by joint, %")
    for joint, title in enumerate(JOINTS):
        medians = [100 * np.median(np.linalg.norm(errors[:, :, joint], axis=-1)) for errors, _ in real.values()]
        print(f"{title:34}" + "".join(f"{median:18.1f}" for median in medians))


def simulated(truth: Reference) -> dict[str, tuple[ndarray, ndarray]]:
    """Errors (v f j 2) and scores (v f j) of the simulated detectors on Human3.6M's joints."""
    pixels = np.concatenate([np.stack([camera.project(truth.h36m) for camera in truth.cameras])] * DRAWS)
    depth = np.concatenate([np.stack([camera.depth(truth.h36m) for camera in truth.cameras])] * DRAWS)
    view = Projection(torch.tensor(pixels), torch.tensor(depth), torch.full((len(pixels),), RATE))
    draws, size = TorchDraws(torch.Generator().manual_seed(0)), body_size(view.pixels)
    answers = {
        "version 1": detect(draws, view.pixels, DetectorNoise(swaps=0.0), H36M_17.mirror),
        "version 2": detect_measured(draws, view, MeasuredNoise(swaps=False), H36M_17.mirror),
    }
    return {
        name: (((points - view.pixels) / size).numpy(), scores.numpy()) for name, (points, scores) in answers.items()
    }


def statistics(errors: ndarray, scores: ndarray) -> dict[str, str]:
    """The rows of the table, from errors (v f j 2) and scores (v f j). Missing joints do not count."""
    detected = scores > 0
    distances = 100 * np.linalg.norm(errors, axis=-1)
    rows = {}
    for quantile in QUANTILES:
        rows[f"error, {quantile}th percentile, %"] = f"{np.percentile(distances[detected], quantile):.1f}"
    constant = errors.mean(1, keepdims=True)  # of a joint in a view
    changing = errors - constant
    for lag in LAGS:
        product = (changing[:, lag:] * changing[:, :-lag]).sum(-1)
        both = detected[:, lag:] & detected[:, :-lag]
        power = (changing**2).sum(-1)[detected].mean()
        rows[f"autocorrelation after {lag} frames"] = f"{product[both].mean() / power:.2f}"
    spread = 100 * np.sqrt((changing**2).sum(-1).mean(1))
    offset = 100 * np.linalg.norm(constant[:, 0], axis=-1)
    for label, values in {"changing part": spread, "constant part": offset}.items():
        low, high = np.percentile(values, (10, 90))
        rows[f"{label}, 10th to 90th percentile, %"] = f"{low:.1f} to {high:.1f}"
    for low, high in SCORES:
        chosen = (scores >= low) & (scores < high) & detected
        median = f"{np.median(distances[chosen]):.1f}" if chosen.any() else "-"
        title = f"score {low:g} or more" if high > 1 else f"score {low:g} to {high:g}"
        rows[f"{title}: share, median error"] = f"{100 * chosen.sum() / detected.sum():.1f} %, {median} %"
    return rows


if __name__ == "__main__":
    main(sys.argv[1:] or ["mediapipe-lite", "mediapipe", "mediapipe-heavy"])
