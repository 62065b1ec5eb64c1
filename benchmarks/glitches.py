"""How many joints of real motion are taken for glitches, and how many of made glitches are found.

    python benchmarks/glitches.py mocap_h36m17_60fps.npz

The file holds arrays (frames, 17, 3) of Human3.6M's joints at 60 frames per second, metres, y up. A still camera looks
at each from the front and from the side. The demo videos of :mod:`real_videos` are detected with MediaPipe.
"""

import sys
from pathlib import Path

import numpy as np
from real_videos import POSE2SIM, SPORTS2D, VIEWS, WALK, files, keypoints

import poseglass as pg
from poseglass.people.glitches import Glitches

SIZE, FOCAL, AWAY = (1920, 1080), 1500.0, 5.0
JUMP = 0.218  # metres: the glitch that was seen


def seen(world: np.ndarray, fps: float, side: bool) -> pg.PoseSequence:
    """The joints in a camera's image."""
    middle = (world[:, 0].min(0) + world[:, 0].max(0)) / 2
    points = (world - middle) * [1, -1, -1]
    if side:
        points = points[..., [2, 1, 0]] * [-1, 1, 1]
    depth = AWAY - min(points[..., 2].min() + 2, 0)
    pixels = FOCAL * points[..., :2] / (points[..., 2:] + depth) + np.array(SIZE) / 2
    return pg.PoseSequence(pixels, pg.H36M_17, "pixels", fps=fps, size=SIZE)


def with_jitter(poses: pg.PoseSequence, generator: np.random.Generator) -> pg.PoseSequence:
    """With noise of a hundredth of the person's height."""
    height = np.median(np.ptp(poses.points[..., 1], axis=1))
    return pg.PoseSequence(
        poses.points + generator.normal(0, 0.01 * height, poses.points.shape), poses.skeleton, "pixels", fps=poses.fps
    )


def main(path: Path) -> None:
    generator = np.random.default_rng(0)
    with np.load(path) as archive:
        clips = {name: archive[name] for name in archive}
    for fps, every in ((60, 1), (30, 2), (15, 4)):
        for noisy in (False, True):
            wrong = total = hits = tries = 0
            worst: dict[str, int] = {}
            for name, world in clips.items():
                for side in (False, True):
                    poses = seen(world[::every], fps, side)
                    if len(poses) < 12:
                        continue
                    if noisy:
                        poses = with_jitter(poses, generator)
                    glitches = Glitches()
                    glitches.fill(poses)
                    wrong, total = wrong + glitches.count, total + poses.points.shape[0] * 17
                    worst[name] = worst.get(name, 0) + glitches.count
                    points = poses.points.copy()
                    frames = generator.choice(np.arange(4, len(points) - 4), max(1, len(points) // 100), replace=False)
                    joints = generator.integers(1, 17, len(frames))
                    metre = np.median(np.ptp(points[..., 1], axis=1)) / 1.7
                    angle = generator.uniform(0, 2 * np.pi, len(frames))
                    points[frames, joints] += (JUMP * metre * np.stack([np.cos(angle), np.sin(angle)])).T
                    filled = Glitches().fill(pg.PoseSequence(points, poses.skeleton, "pixels", fps=fps))
                    hits, tries = hits + int((filled.scores[frames, joints] == 0).sum()), tries + len(frames)
            print(f"{fps} fps, {'noise' if noisy else 'exact'}: {wrong} of {total} joints taken for glitches "
                  f"({1e4 * wrong / total:.3f} in 10,000); {100 * hits / tries:.0f} % of jumps of {JUMP} m found; "
                  f"most in {sorted(worst.items(), key=lambda item: -item[1])[:3]}")  # fmt: skip
    for video in (*files(SPORTS2D, [WALK]), *files(POSE2SIM, VIEWS)):
        poses = keypoints(video, "mediapipe")
        glitches = Glitches()
        filled = glitches.fill(poses)
        rows, joints = np.nonzero((filled.scores == 0) & (poses.scores > 0))
        where = [(int(row), poses.skeleton.joints[joint]) for row, joint in zip(rows, joints, strict=True)]
        print(f"{video.name}: {glitches.count} of {poses.scores.size} joints {where}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
