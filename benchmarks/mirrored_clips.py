"""Count the motion clips that `poseglass data check` takes for mirror images, before and after mirroring each.

python benchmarks/mirrored_clips.py clips.npz
"""

import sys

import numpy as np

from poseglass.data.checks.plausible import examine_motion
from poseglass.data.clips import MotionClips


def main(path: str) -> None:
    clips = MotionClips.load(path)
    for kind, sign in (("original", 1.0), ("mirrored", -1.0)):
        count = 0
        for clip in clips:
            points = clip.points.astype(np.float64) * [sign, 1, 1]
            problems = examine_motion(points, clips.fps, clip.name)
            count += any("knees bend backward" in problem.text for problem in problems)
        print(f"{kind}: {count} of {len(clips)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
