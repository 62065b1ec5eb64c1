"""Fit `poseglass.body.skeleton.DERIVED` to motion capture: python benchmarks/fit_derived_joints.py clips.npz.

Takes are stretched to Human3.6M's mean bone lengths; nose and ears are those of `poseglass.data.virtual.detector.face`.
"""

import sys

import numpy as np

from poseglass.data.clips import MotionClips
from poseglass.data.virtual.bodies import H36M_LENGTHS, retarget
from poseglass.data.virtual.detector import face


def share(start: np.ndarray, end: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """The least-squares t of start + t * (end - start) = target, and what is left in mm."""
    way, goal = end - start, target - start
    t = float((way * goal).sum() / (way * way).sum())
    return t, 1000 * float(np.linalg.norm(t * way - goal, axis=-1).mean())


def main(path: str) -> None:
    rng = np.random.default_rng(0)
    takes = MotionClips.load(path).split("train")
    frames = np.concatenate([take.points[rng.integers(0, len(take.points), 40)] for take in takes]).astype(float)
    frames = retarget(frames[:, None], np.repeat(H36M_LENGTHS[None], len(frames), 0))[:, 0]
    nose, _, _, left_ear, right_ear, shoulders = np.moveaxis(face(frames), 1, 0)
    hips = (frames[:, 1] + frames[:, 4]) / 2

    t, left = share(shoulders, nose, frames[:, 8])
    thorax = shoulders + t * (nose - shoulders)
    print(f"thorax   = shoulders' middle + {t:.3f} * (nose - it)      leaves {left:.0f} mm")
    t, left = share(hips, thorax, frames[:, 7])
    print(f"spine    = pelvis + {t:.3f} * (thorax - pelvis)           leaves {left:.0f} mm")
    t, left = share(thorax, (left_ear + right_ear) / 2, frames[:, 10])
    print(f"head_top = thorax + {t:.3f} * (ears' middle - thorax)     leaves {left:.0f} mm")


if __name__ == "__main__":
    main(sys.argv[1])
