"""Judge lifting on real video, without ground truth.

    python benchmarks/views.py VIDEO VIDEO [VIDEO ...]    # your synchronised videos of one person
    python benchmarks/views.py                            # the videos of `real_videos.py`

It lifts each video separately. For your videos it prints the P-MPJPE in mm between every two of them, over the frames
in which both show the person. Without videos it prints a table for every detector and model, see :func:`table`.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy import ndarray
from real_videos import CALIBRATION, POSE2SIM, SPORTS2D, VIEWS, WALK, files, keypoints
from triangulated import LATE, Reference, reference

import poseglass as pg
from poseglass.judging.metrics import p_mpjpe
from poseglass.lifting.predictor import predict

DETECTORS = ["mediapipe-lite", "mediapipe", "mediapipe-heavy"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--model", action="append", help="a model; may be repeated; default: balanced")
    parser.add_argument("--detector", action="append", help="a detector; may be repeated; default: all of MediaPipe")
    parser.add_argument(
        "--unchanged", action="store_true", help="lift 60 frames per second as they are, not 30 of them"
    )
    parser.add_argument("--start", type=int, default=0, help="the first frame of each video to lift; default: 0")
    options = parser.parse_args()
    models, detectors = options.model or ["balanced"], options.detector or DETECTORS
    if not options.videos:
        table(detectors, {model: pg.Lifter(model) for model in models}, options.unchanged, options.start)
        return
    poses = [keypoints(path, (options.detector or ["mediapipe"])[0])[options.start :] for path in options.videos]
    for model in models:
        lifter = pg.Lifter(model)
        motions = [lifted(lifter, view, options.unchanged) for view in poses]
        for one, other in combinations(range(len(motions)), 2):
            print(f"{difference(motions[one], motions[other]):6.1f} mm  {options.videos[one]}  {options.videos[other]}")
        print(f"{disagreement(motions):6.1f} mm  mean of the pairs, {model}")


def table(detectors: list[str], lifters: dict[str, pg.Lifter], unchanged: bool, start: int) -> None:
    """Print a row for every detector and model. Errors are P-MPJPE in mm.

    - views: the mean difference between two of the man's four views;
    - truth: the mean difference of a view from the triangulated reference of `triangulated.py`;
    - accel: mean acceleration of the lifted motion, mm per frame squared at 60 fps, root-relative;
    - walk: the difference of the walk from the motion that is lifted with MediaPipe heavy.
    """
    views, walk = files(POSE2SIM, VIEWS), files(SPORTS2D, [WALK])[0]
    poses = {name: [keypoints(path, name) for path in views] for name in {*detectors, "mediapipe-heavy"}}
    walks = {name: keypoints(walk, name) for name in poses}
    truth = reference(files(POSE2SIM, [CALIBRATION])[0], poses["mediapipe-heavy"])
    print(f"{'detector':16} {'model':12} {'views':>6} {'truth':>6} {'accel':>6} {'walk':>6}")
    for name in detectors:
        for model, lifter in lifters.items():
            motions = [lifted(lifter, view[start:], unchanged) for view in poses[name]]
            heavy = difference(
                lifted(lifter, walks[name], unchanged), lifted(lifter, walks["mediapipe-heavy"], unchanged)
            )
            calm = np.mean([acceleration(motion.points) for motion in motions])
            values = (
                disagreement(motions),
                error(motions, truth, start),
                calm,
                heavy,
            )
            print(f"{name:16} {model[-12:]:12} " + " ".join(f"{value:6.1f}" for value in values), flush=True)
    print(f"{'reference':30} {'':6} {'':6} {acceleration(truth.h36m):6.1f}")


def error(motions: list[pg.PoseSequence], truth: Reference, start: int) -> float:
    """Mean P-MPJPE from the reference, over the frames that show the person. The motions begin at frame `start`."""
    errors = []
    for motion, late in zip(motions, LATE, strict=True):
        true = truth.h36m[max(start - late, 0) :]
        same = motion[max(late - start, 0) :][: len(true)]
        errors.append(p_mpjpe(same.points[same.validity], true[same.validity]))
    return float(np.mean(errors))


def lifted(lifter: pg.Lifter, poses: pg.PoseSequence, unchanged: bool) -> pg.PoseSequence:
    """Lift keypoints; if `unchanged`, without resampling."""
    if not unchanged:
        return lifter.lift(poses)
    body = poses.to_skeleton(pg.H36M_17)
    points = predict(lifter.model, body.points, body.confidence, size=poses.size).pose3d
    return pg.PoseSequence(points, pg.H36M_17, "camera", fps=poses.rate, valid=poses.validity)


def acceleration(points: ndarray) -> float:
    """Mean length of the root-relative joints' second differences, mm per frame squared."""
    return 1000 * float(np.linalg.norm(np.diff(points - points[:, :1], n=2, axis=0), axis=-1).mean())


def difference(one: pg.PoseSequence, other: pg.PoseSequence) -> float:
    """P-MPJPE between two motions over the frames in which both show the person."""
    frames = min(len(one), len(other))
    both = one.validity[:frames] & other.validity[:frames]
    return p_mpjpe(one.points[:frames][both], other.points[:frames][both]) if both.any() else float("nan")


def disagreement(motions: list[pg.PoseSequence]) -> float:
    """The mean difference of every two motions."""
    return float(np.mean([difference(one, other) for one, other in combinations(motions, 2)]))


if __name__ == "__main__":
    main()
