"""Measure joint angles, gait events and filters of lifted motion against those of the true joints.

    python benchmarks/angles.py CLIPS                                   # the walks of the test subjects, a minute
    python benchmarks/angles.py CLIPS --subjects cmu_13 cmu_49 prmd_s08 # the other test takes, ten minutes

Motion capture is seen by the four virtual cameras of the protocol for motion clips, with the errors of the measured
detector (version 2), and lifted. The reference are the same formulas on the true joints. So the tables hold the error
of the camera and the model, not that of joint centres against bony landmarks. The pelvis's angles need the world: those
motions are placed with the camera's true focal length.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from numpy import ndarray

import poseglass as pg
from poseglass.data.clips import MotionClips
from poseglass.judging.metrics import mpjpe
from poseglass.judging.viewpoints import CAMERAS, FPS, SIZE, at_rate, clip_views
from poseglass.lifting.predictor import predict
from poseglass.motion.gait import GaitEvent, Kind, Side, gait_events
from poseglass.motion.placing import place
from poseglass.motion.smoothing import jitter

WALKS = ["cmu_07", "cmu_08"]
FILTERS = ["none", "one-euro", "butterworth:6", "savgol"]
SAME_EVENT = 0.3  # seconds between an event and its true counterpart at most
EDGE = 0.25  # seconds at the ends in which no true event counts, as its extreme may lie outside


@dataclass(frozen=True, eq=False)
class Judged:
    """A lifted motion, the true one in camera space and in the world, and the camera's focal length in pixels."""

    lifted: pg.PoseSequence
    true: pg.PoseSequence
    world: pg.PoseSequence
    focal: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="motion clips")
    parser.add_argument("--subjects", nargs="+", default=WALKS)
    parser.add_argument("--model", default="balanced")
    options = parser.parse_args()
    torch.set_num_threads(1)
    walks = options.subjects == WALKS
    views = list(seen(pg.load(options.model), MotionClips.load(options.clips), options.subjects))
    print(f"{len(views)} views, {sum(len(view.true) for view in views):,} frames")
    print(angle_table(views, placed=walks))
    if walks:
        print(event_table(views))
        print(filter_table(views))


def seen(model: pg.PoseTransformer, clips: MotionClips, subjects: list[str]) -> Iterator[Judged]:
    """The takes of some subjects, lifted from each camera."""
    for take in clips:
        if take.subject in subjects:
            world = at_rate(take.points, clips.fps)
            detected = [view for view in clip_views(take.name, world, 2) if view.kind == "detected"]
            for camera, view in zip(CAMERAS, detected, strict=True):
                points = predict(model, view.points, view.scores, size=SIZE).pose3d
                yield judged(
                    points, view.points, view.scores, truth=view.truth, world=world, focal=camera.focal * SIZE[0]
                )


def judged(
    points: ndarray, pixels: ndarray, scores: ndarray, *, truth: ndarray, world: ndarray, focal: float
) -> Judged:
    """The arrays of a view as motions."""
    pose2d = pg.PoseSequence(pixels, pg.H36M_17, "pixels", fps=FPS, scores=scores, size=SIZE)
    return Judged(
        pg.PoseSequence(points, pg.H36M_17, "camera", fps=FPS, scores=scores, size=SIZE, pose2d=pose2d),
        pg.PoseSequence(truth, pg.H36M_17, "camera", fps=FPS),
        pg.PoseSequence(world, pg.H36M_17, "world", fps=FPS),
        focal,
    )


def angle_table(views: Iterable[Judged], placed: bool) -> str:
    """Errors in degrees per angle, left and right together, with and without the mean difference of each view."""
    truths: dict[str, list[ndarray]] = {}
    errors: dict[str, list[ndarray]] = {}
    for view in views:
        motion = place(view.lifted, focal=view.focal) if placed else view.lifted
        own, true = pg.joint_angles(motion), pg.joint_angles(view.world if placed else view.true)
        for name in true.names:
            if name in own.names:
                error = (own[name] - true[name] + 180) % 360 - 180
                known = np.isfinite(error)
                if known.any():
                    kind = name.removeprefix("left_").removeprefix("right_")
                    truths.setdefault(kind, []).append(true[name][known])
                    errors.setdefault(kind, []).append(error[known])
    lines = ["| angle | true range | mean error | 90 % below | without offset |", "|---|---|---|---|---|"]
    for kind, parts in errors.items():
        size, shape = np.abs(np.concatenate(parts)), np.abs(np.concatenate([part - part.mean() for part in parts]))
        low, high = np.quantile(np.concatenate(truths[kind]), [0.05, 0.95])
        cells = [f"{low:.0f} to {high:.0f}", f"{size.mean():.1f}", f"{np.quantile(size, 0.9):.1f}"]
        if kind == "pelvis_rotation":  # the direction of the world's z axis is arbitrary
            cells = ["any", "-", "-"]
        lines.append(f"| {kind} | {' | '.join(cells)} | {shape.mean():.1f} |")
    return "\n".join(lines)


def event_table(views: Iterable[Judged]) -> str:
    """Events of the lifted motion against those of the true joints, and strikes against the start of true contact."""
    lines = [
        "| event | true | found | extra | mean | spread | 90 % within |",
        "|---|---|---|---|---|---|---|",
    ]
    rows: dict[str, list[tuple[int, int, list[float]]]] = {}
    for view in views:
        events = {"lifted": gait_events(view.lifted), "true": gait_events(view.world)}
        for kind in get_args(Kind):
            for side in get_args(Side):
                own, true = (seconds(events[name], kind, side) for name in ("lifted", "true"))
                rows.setdefault(kind, []).append(compared(own, true, view.world.duration))
                if kind == "heel_strike":
                    against = compared(true, landings(view.world, side), view.world.duration)
                    rows.setdefault("true heel_strike, against contact", []).append(against)
    for kind, parts in rows.items():
        true, extra = sum(part[0] for part in parts), sum(part[1] for part in parts)
        late = 1000 * np.array([difference for part in parts for difference in part[2]])
        lines.append(
            f"| {kind} | {true} | {100 * len(late) / true:.0f} % | {extra} | {late.mean():+.0f} ms | "
            f"{late.std():.0f} ms | {np.quantile(np.abs(late), 0.9):.0f} ms |"
        )
    return "\n".join(lines)


def seconds(events: list[GaitEvent], kind: str, side: str) -> ndarray:
    return np.array([event.seconds for event in events if (event.kind, event.side) == (kind, side)])


def landings(world: pg.PoseSequence, side: str) -> ndarray:
    """When the true contact of a foot starts: its ankle below 0.15 m/s and within 5 cm of its lowest height."""
    ankle = world.joint(f"{side}_ankle").astype(float)
    speed = np.linalg.norm(np.gradient(ankle, axis=0), axis=-1) * FPS
    stands = (speed < 0.15) & (ankle[:, 1] < ankle[:, 1].min() + 0.05)
    return world.times[1:][stands[1:] & ~stands[:-1]]


def compared(own: ndarray, true: ndarray, duration: float) -> tuple[int, int, list[float]]:
    """The number of true events away from the ends, of own events without a true one, and the differences of pairs."""
    inner = true[(true > EDGE) & (true < duration - EDGE)]
    gaps = [own[np.abs(own - event).argmin()] - event for event in inner if len(own)]
    extra = [event for event in own if not (np.abs(true - event) <= SAME_EVENT).any()]
    return len(inner), len(extra), [gap for gap in gaps if abs(gap) <= SAME_EVENT]


def filter_table(views: Iterable[Judged]) -> str:
    """What each filter does to jitter, positions and the angle of the knee."""
    lines = ["| filter | jitter | MPJPE mm | knee flexion |", "|---|---|---|---|"]
    views = list(views)
    for by in FILTERS:
        motions = [view.lifted if by == "none" else pg.smooth(view.lifted, by) for view in views]
        knees = [
            np.abs(pg.joint_angles(motion)[name] - pg.joint_angles(view.true)[name]).mean()
            for motion, view in zip(motions, views, strict=True)
            for name in ("left_knee_flexion", "right_knee_flexion")
        ]
        errors = [mpjpe(motion.points, view.true.points) for motion, view in zip(motions, views, strict=True)]
        shake = np.mean([jitter(motion) for motion in motions])
        lines.append(f"| {by} | {shake:.1f} | {np.mean(errors):.1f} | {np.mean(knees):.1f} |")
    lines.append(f"| the true joints | {np.mean([jitter(view.true) for view in views]):.1f} | | |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
