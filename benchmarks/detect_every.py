"""Measure what it costs to detect people in every Nth frame only: python benchmarks/detect_every.py.

Errors are P-MPJPE in mm, of the demo video's frames that show the person, and of Pose2Sim's four views (60 frames per
second; `views.py`).
"""

import numpy as np
from real_videos import CALIBRATION, POSE2SIM, SPORTS2D, VIEWS, WALK, files, keypoints
from triangulated import reference
from views import acceleration, difference, disagreement, error

import poseglass as pg

STEPS = (1, 2, 3, 4)


def main() -> None:
    views, demo = files(POSE2SIM, VIEWS), files(SPORTS2D, [WALK])[0]
    truth = reference(files(POSE2SIM, [CALIBRATION])[0], [keypoints(path, "mediapipe-heavy") for path in views])
    print("| every | demo, from that of every frame | views, from the reference | between views | acceleration |")
    print("|---|---|---|---|---|")
    whole = pg.Lifter().lift(demo)
    for step in STEPS:
        lifter = pg.Lifter(detect_every=step)
        moved = difference(lifter.lift(demo), whole)
        motions = [lifter.lift(path) for path in views]
        calm = np.mean([acceleration(motion.points) for motion in motions])
        values = (moved, error(motions, truth, 0), disagreement(motions), calm)
        print(f"| {step} | " + " | ".join(f"{value:.1f}" for value in values) + " |", flush=True)


if __name__ == "__main__":
    main()
