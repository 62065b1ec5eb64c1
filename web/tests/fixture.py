"""Write tests/fixture.json: what Python computes for random clips, which the page's scripts must compute, too."""

import json
from pathlib import Path

import numpy as np
import torch

from poseglass.body.skeleton import BLAZEPOSE_33, H36M_17, conversion
from poseglass.clips.sides import exchanged
from poseglass.clips.view import person_view
from poseglass.clips.windows import blend_weights

SIZE = (640, 480)


def clips() -> list[tuple[np.ndarray, np.ndarray]]:
    """A smooth motion with exchanged sides and gaps, noise, and clips that show little or nothing."""
    random = np.random.default_rng(7)
    body = random.normal(0, 60, (17, 2))
    path = np.cumsum(random.normal(0, 4, (40, 1, 2)), 0) + np.array([400, 200])
    smooth = body + path + random.normal(0, 1, (40, 17, 2))
    swapped = smooth.copy()
    swapped[12:19] = smooth[12:19][:, H36M_17.mirror]
    scores = random.uniform(0.2, 1, (40, 17))
    gaps = np.where(random.uniform(size=(40, 17)) < 0.3, 0, scores)
    gaps[:, 5] = 0
    no_pelvis = gaps.copy()
    no_pelvis[:, 0] = 0
    noise = random.uniform(0, 480, (9, 17, 2))
    return [
        (swapped, scores), (swapped, gaps), (smooth, no_pelvis), (noise, scores[:9]), (noise[:2], scores[:2]),
        (smooth, 0 * scores),
    ]  # fmt: skip


def main() -> None:
    """Write the file."""
    cases = []
    for points, scores in clips():
        pose2d, rotations = person_view(points, scores, size=SIZE)
        states = exchanged(torch.from_numpy(points), torch.from_numpy(scores))
        assert rotations is not None
        pose3d = np.random.default_rng(1).normal(size=(len(points), 17, 3))
        camera = (pose3d - pose3d[:, :1]) @ rotations
        arrays = {"points": points, "scores": scores, "pose2d": pose2d, "pose3d": pose3d, "camera": camera}
        cases.append({name: array.ravel().tolist() for name, array in arrays.items()} | {"states": states.tolist()})
    record = {
        "size": SIZE,
        "cases": cases,
        "weights": blend_weights(81, 27).tolist(),
        "conversion": conversion(BLAZEPOSE_33).tolist(),
    }
    Path(__file__).with_name("fixture.json").write_text(json.dumps(record), encoding="utf-8")


if __name__ == "__main__":
    main()
