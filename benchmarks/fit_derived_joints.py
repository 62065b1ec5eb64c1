"""Fit the weights of `poseglass.body.skeleton.DERIVED` to motion capture.

python benchmarks/fit_derived_joints.py clips.npz

The bones are first scaled to Human3.6M's mean lengths. Nose and ears, which motion capture lacks, come from
`poseglass.data.virtual.face.face`. "error" is the mean distance of the derived joint from the true one, in mm.
"""

import sys

import numpy as np
import torch

from poseglass.body.proportions import H36M_LENGTHS
from poseglass.body.skeleton import H36M_17
from poseglass.data.clips import MotionClips
from poseglass.data.virtual.bodies import retarget
from poseglass.data.virtual.face import face

FRAMES = 40  # drawn from each training take


def fit(start: np.ndarray, end: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Least-squares t of start + t * (end - start) = target (f 3), and the mean error in mm."""
    line, goal = end - start, target - start
    t = float((line * goal).sum() / (line * line).sum())
    return t, 1000 * float(np.linalg.norm(t * line - goal, axis=-1).mean())


def main(path: str) -> None:
    rng = np.random.default_rng(0)
    takes = MotionClips.load(path).split("train")
    frames = np.concatenate([take.points[rng.integers(0, len(take.points), FRAMES)] for take in takes]).astype(float)
    lengths = torch.from_numpy(np.repeat(H36M_LENGTHS[None], len(frames), 0))
    poses = retarget(torch.from_numpy(frames)[:, None], lengths)[:, 0]  # f 17 3
    frames = poses.numpy()
    joint = {name: frames[:, H36M_17.index(name)] for name in H36M_17.joints}
    nose, _, _, left_ear, right_ear, neck = np.moveaxis(face(poses).numpy(), 1, 0)
    hips, ears = (joint["left_hip"] + joint["right_hip"]) / 2, (left_ear + right_ear) / 2

    t, error = fit(neck, nose, joint["thorax"])
    thorax = neck + t * (nose - neck)
    print(f"thorax   = shoulders' middle + {t:.3f} * (nose - shoulders' middle)   error {error:.0f} mm")
    t, error = fit(hips, thorax, joint["spine"])
    print(f"spine    = pelvis + {t:.3f} * (thorax - pelvis)                       error {error:.0f} mm")
    t, error = fit(thorax, ears, joint["head_top"])
    print(f"head_top = thorax + {t:.3f} * (ears' middle - thorax)                 error {error:.0f} mm")


if __name__ == "__main__":
    main(sys.argv[1])
