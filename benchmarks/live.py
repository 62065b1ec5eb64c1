"""Judge live poses: python benchmarks/live.py CLIPS [--model fast] [--every 8] [--frames 240] [--protocol 1|2]

Every N-th test take, seen by one of the virtual cameras in turn, goes frame by frame through `pg.Stream`, and as a
whole through `pg.Lifter`. Errors are those of the same frames, against the truth, after the first window of each take.
The path is judged by the error of the pelvis and of its acceleration, contact by the share of feet on which live and
offline contact agree. The time is that of a push on one core, keypoints to pose: median and 95th percentile.
"""

import argparse
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import torch
from numpy import ndarray

import poseglass as pg
from poseglass.body.concatenate import concatenate
from poseglass.judging.metrics import acceleration_error, mpjpe, p_mpjpe
from poseglass.judging.viewpoints import CAMERAS, FPS, SIZE, ClipView, at_rate, clip_views

LIVE = ((0, None), (2, None), (5, None), (0, "one-euro:1"), (2, "one-euro:1"))
SKIPPED = 81  # frames: the longest window


class Errors(NamedTuple):
    """The errors of a take."""

    position: float
    shape: float
    acceleration: float
    path: float
    path_acceleration: float
    contact: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--model", default="fast")
    parser.add_argument("--offline", default="balanced", help="other weights to lift with offline")
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--protocol", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = pg.MotionClips.load(options.clips)
    model, rows, weights, taken = pg.load(options.model), {}, [], {}
    names = dict.fromkeys((options.model, options.offline))
    for number, take in enumerate(list(clips.split("test"))[:: options.every]):
        points = at_rate(take.points, clips.fps)[: options.frames]
        if len(points) <= SKIPPED + 3:
            continue
        camera = number % len(CAMERAS)
        view = list(clip_views(take.name, points, options.protocol, cameras=[camera]))[1]
        pose2d = pg.PoseSequence(view.points, pg.H36M_17, "pixels", fps=FPS, scores=view.scores, size=SIZE)
        focal = float(view.camera.focal[0])
        offline = {name: pg.Lifter(name, focal=focal).lift(pose2d) for name in names}
        reference = offline[options.model]
        weights.append(len(points) - SKIPPED)
        for name, motion in offline.items():
            rows.setdefault((name, "offline", ""), []).append(errors(motion, view, reference))
        for lookahead, smooth in LIVE:
            key = (options.model, str(lookahead), smooth or "")
            stream = pg.Stream(model, lookahead=lookahead, skeleton=pg.H36M_17, size=SIZE, focal=focal, smooth=smooth)
            motion, times = streamed(stream, pose2d)
            rows.setdefault(key, []).append(errors(motion, view, reference))
            taken.setdefault(key, []).extend(times)
    print(f"{len(weights)} takes, {sum(weights)} frames")
    print("| weights | look-ahead | filter | MPJPE | P-MPJPE | acceleration | path | its acceleration | contact | ms |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for key, parts in rows.items():
        mean = Errors(*np.average(np.array(parts), axis=0, weights=weights))
        spent = (
            " to ".join(f"{1000 * value:.0f}" for value in np.percentile(taken[key], (50, 95))) if key in taken else ""
        )
        print(
            f"| {' | '.join(key)} | {mean.position:.1f} | {mean.shape:.1f} | {mean.acceleration:.2f} | {mean.path:.0f} "
            f"| {mean.path_acceleration:.1f} | {mean.contact:.0%} | {spent} |",
            flush=True,
        )


def streamed(stream: pg.Stream, pose2d: pg.PoseSequence) -> tuple[pg.PoseSequence, list[float]]:
    """The motion of all frames, and the seconds that each push took."""
    poses, taken = [], []
    for points, scores, time in zip(pose2d.points, pose2d.confidence, pose2d.times, strict=True):
        start = perf_counter()
        poses.append(stream.push_keypoints(points, scores, float(time)))
        taken.append(perf_counter() - start)
    return concatenate([pose for pose in poses if pose is not None] + stream.finish()), taken


def errors(motion: pg.PoseSequence, view: ClipView, reference: pg.PoseSequence) -> Errors:
    """The errors of a motion after the first window."""
    own, truth = motion.points[SKIPPED:], view.truth[SKIPPED:]
    path, true_path = motion.root[SKIPPED:], view.root[SKIPPED:]
    standing, known = (one.contact[SKIPPED:] > 0.5 for one in (motion, reference))
    return Errors(
        mpjpe(own, truth),
        p_mpjpe(own, truth),
        acceleration_error(own, truth),
        distance(path - true_path),
        distance(np.diff(path - true_path, n=2, axis=0)),
        float((standing == known).mean()),
    )


def distance(steps: ndarray) -> float:
    """The mean length in mm."""
    return 1000 * float(np.linalg.norm(steps, axis=-1).mean())


if __name__ == "__main__":
    main()
