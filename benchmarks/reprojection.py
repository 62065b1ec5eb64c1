"""Does it help to move lifted joints onto the lines of sight of their 2D keypoints?

    python benchmarks/reprojection.py clips.npz [--model NAME]

It lifts motion clips seen by virtual cameras (the middle of four takes per test subject) and the real views of
`real_videos.py`, corrects the poses with :func:`corrected`, and prints one row per correction. Lifting does not use the
correction; see docs/lifting.md.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import torch
from numpy import ndarray
from real_videos import CALIBRATION, POSE2SIM, VIEWS, files, keypoints
from scipy.ndimage import gaussian_filter1d
from triangulated import LATE, reference

import poseglass as pg
from poseglass.body.geometry import rays, root_relative
from poseglass.clips.person import measure
from poseglass.clips.sides import steady_sides
from poseglass.clips.view import person_view
from poseglass.clips.windows import blend_weights, cut, starts, stitch
from poseglass.data.clips import MotionClips
from poseglass.judging.metrics import acceleration_error, mpjpe, p_mpjpe
from poseglass.judging.viewpoints import SIZE, at_rate, clip_views
from poseglass.lifting.answer import answer
from poseglass.waist.hourglass import PoseModel

TAKES, LONGEST = 4, 240  # takes per subject, and frames of a take at 30 frames per second
IGNORED, TRUSTED = 0.5, 0.9  # scores between which the weight of a joint rises from 0 to 1
SETTINGS = (
    (0.0, 0.0),
    (0.25, 4.0),
    (0.5, 4.0),
    (0.5, 0.0),
    (1.0, 4.0),
    (1.0, 0.0),
)  # share, and frames of the low pass


def corrected(poses: ndarray, sight: ndarray, weights: ndarray, share: float, smoothing: float) -> ndarray:
    """Move joints in x and y towards their lines of sight, and keep their depth relative to the pelvis.

    The person's position is, per frame, the one from which the poses project best onto the keypoints (weighted least
    squares). The scale is that of the poses. The shift of a joint is its weight times its distance from the ray.

    Args:
        poses: Root-relative poses in camera space, metres (b f 17 3).
        sight: The joints' lines of sight, scaled to z = 1 (b f 17 3).
        weights: From 0 (a joint keeps its place) to 1 (b f 17).
        share: The part of the shift that is applied.
        smoothing: Standard deviation in frames of a Gaussian low pass on the shifts; 0 for none.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> body = rng.normal(0, 0.4, (1, 9, 17, 3)) * [1, 1, 0.3]
        >>> body -= body[..., :1, :]
        >>> placed = body + [0.4, -0.2, 4.0]
        >>> sight, ones = placed / placed[..., 2:], np.ones((1, 9, 17))
        >>> bool(np.allclose(corrected(body, sight, ones, 1.0, 0.0), body, atol=1e-9))
        True
        >>> wrong = root_relative(body + rng.normal(0, 0.01, body.shape) * [1, 1, 0])
        >>> moved = corrected(wrong, sight, ones, 1.0, 0.0)  # projects onto the keypoints, so moves no further
        >>> bool(np.abs(moved - wrong).max() > 1e-3 and np.allclose(corrected(moved, sight, ones, 1.0, 0.0), moved))
        True
        >>> some = ones * (np.arange(17) % 5 > 0)  # with an unweighted pelvis, unweighted joints keep their place
        >>> bool(np.allclose((corrected(wrong, sight, some, 1.0, 0.0) - wrong)[0, :, ::5], 0))
        True
    """
    flat, weight = sight[..., :2], weights[..., None] + 1e-9
    offset = poses[..., :2] - flat * poses[..., 2:]  # at distance d: flat * d - the person's x and y
    mean = weight / weight.sum(-2, keepdims=True)
    middle, away = (mean * flat).sum(-2, keepdims=True), (mean * offset).sum(-2, keepdims=True)
    spread = (weight * (flat - middle) ** 2).sum((-2, -1), keepdims=True)
    distance = (weight * (flat - middle) * (offset - away)).sum((-2, -1), keepdims=True) / np.maximum(spread, 1e-12)
    place = middle * distance - away  # the person's x and y: b f 1 2
    shift = weights[..., None] * (flat * (poses[..., 2:] + distance) - place - poses[..., :2])
    if smoothing:
        shift = gaussian_filter1d(shift, smoothing, axis=1, mode="nearest")
    return root_relative(np.concatenate([poses[..., :2] + share * shift, poses[..., 2:]], -1))


@dataclass
class LiftedView:
    """A sequence lifted in windows that are not blended yet.

    Attributes:
        kind: A column of the table.
        poses: Of windows, root-relative, in camera space, metres (b f 17 3).
        sight: The joints' lines of sight (b f 17 3).
        weights: The joints' weights (b f 17).
        shown: The frames that show the person (f).
        truth: The true poses (f 17 3).
        first: The frame of the sequence at which they start.
    """

    kind: str
    poses: ndarray
    sight: ndarray
    weights: ndarray
    shown: ndarray
    truth: ndarray
    first: int = 0

    def blended(self, share: float, smoothing: float) -> ndarray:
        """The corrected poses of the frames that have true ones (f 17 3)."""
        frames, clip = len(self.shown), self.poses.shape[1]
        windows = corrected(self.poses, self.sight, self.weights, share, smoothing)
        poses = stitch(windows, starts(frames, clip, clip * 2 // 3), frames, blend_weights(clip, clip // 3))
        return poses[self.first :][: len(self.truth)]


def lifted(
    model: PoseModel, kind: str, *, points: ndarray, scores: ndarray, truth: ndarray, size: tuple[int, int]
) -> LiftedView:
    """Lift joints in pixels (f 17 2) with their scores (f 17), in windows as the lifter does."""
    first = starts(len(points), model.frames, model.frames * 2 // 3)
    clips = [cut(sequence, model.frames, first) for sequence in (points, scores)]
    pose2d, turn = person_view(*clips, size=size)
    poses = root_relative(answer(model, np.ascontiguousarray(pose2d[..., : model.inputs]))[0].astype(float)) @ turn
    joints, confidence = steady_sides(*(torch.from_numpy(clip.astype(float)) for clip in clips))
    person = measure(joints, confidence)
    weights = np.clip((confidence.numpy() - IGNORED) / (TRUSTED - IGNORED), 0, 1)
    return LiftedView(kind, poses, rays(person.points.numpy(), size), weights, scores.any(-1), truth)


def virtual_views(model: PoseModel, clips: MotionClips) -> Iterator[LiftedView]:
    """Views of takes of each test subject, clean and with simulated detections."""
    takes = list(clips.split("test"))
    for subject in sorted({take.subject for take in takes}):
        own = [take for take in takes if take.subject == subject]
        for index in np.unique(np.linspace(0, len(own) - 1, TAKES).round().astype(int)):
            points = at_rate(own[index].points, clips.fps)
            points = points[max(len(points) - LONGEST, 0) // 2 :][:LONGEST]
            for view in clip_views(own[index].name, points):
                yield lifted(model, view.kind, points=view.points, scores=view.scores, truth=view.truth, size=SIZE)


def real_views(model: PoseModel) -> Iterator[LiftedView]:
    """The four real views with MediaPipe full and heavy, at 30 frames per second, beside the triangulated reference."""
    paths = files(POSE2SIM, VIEWS)
    heavy = [keypoints(path, "mediapipe-heavy") for path in paths]
    truth = reference(files(POSE2SIM, [CALIBRATION])[0], heavy)
    for kind, views in (("full", [keypoints(path, "mediapipe") for path in paths]), ("heavy", heavy)):
        for poses, late, camera in zip(views, LATE, truth.cameras, strict=True):
            body = poses.to_skeleton(pg.H36M_17)
            scores = np.where(body.validity[:, None], body.confidence, 0)
            world = (truth.h36m - camera.position) @ camera.rotation.T
            view = lifted(
                model,
                kind,
                points=body.points[::2],
                scores=scores[::2],
                truth=root_relative(world[::2]),
                size=poses.size,
            )
            yield replace(view, first=late // 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", help="motion clips (npz)")
    parser.add_argument("--model", default="balanced")
    options = parser.parse_args()
    model = pg.load(options.model).eval()
    views = [*virtual_views(model, MotionClips.load(options.clips)), *real_views(model)]
    print("share low-pass | clean and detected: MPJPE P-MPJPE accel | full and heavy: truth (P-MPJPE) accel views")
    for share, smoothing in SETTINGS:
        cells = []
        for kind in ("clean", "detected", "full", "heavy"):
            group = [view for view in views if view.kind == kind]
            poses = [view.blended(share, smoothing) for view in group]
            frames = [view.shown[view.first :][: len(view.truth)] for view in group]
            pairs = [(pose[shown], view.truth[shown]) for pose, view, shown in zip(poses, group, frames, strict=True)]
            count = [len(truth) for _, truth in pairs]
            metrics = (
                [p_mpjpe, acceleration_error] if kind in ("full", "heavy") else [mpjpe, p_mpjpe, acceleration_error]
            )
            values = [np.average([metric(*pair) for pair in pairs], weights=count) for metric in metrics]
            if kind in ("full", "heavy"):
                both = [(poses[n], poses[m], frames[n] & frames[m]) for n, m in combinations(range(len(poses)), 2)]
                values.append(np.mean([p_mpjpe(one[shown], other[shown]) for one, other, shown in both]))
            cells.append(" ".join(f"{value:6.2f}" for value in values))
        print(f"{share:5.2f} {smoothing:8.0f} | " + " | ".join(cells), flush=True)


if __name__ == "__main__":
    main()
