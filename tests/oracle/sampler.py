"""Training clips, clip by clip and frame by frame, with every constant of the sampler written out again.

Random numbers are drawn in the order of the library, so that both can be compared number by number. Bodies, cameras
and the detector are those of :mod:`oracle.virtual`; motion, sides and person coordinates those of :mod:`oracle.motion`.
"""

from bisect import bisect_right

import numpy as np
from numpy import ndarray
from numpy.random import Generator

from oracle import clip_protocol, motion, virtual
from poseglass import H36M_17

PARENTS = H36M_17.parents
NOISE = {"jitter": (0.002, 0.012), "bias": 0.006, "outliers": 0.004, "swaps": 0.08, "gaps": 0.05, "blackouts": 0.05}


def stretches(
    rng: Generator, takes: list[ndarray], groups: list[tuple[float, list[int]]], count: int, frames: int, still: float
) -> tuple[ndarray, ndarray]:
    """Stretches of takes at 60 frames per second, and the cameras' rates; groups are shares with numbers of takes."""
    picks, within = rng.uniform(0, 1, count), rng.uniform(0, 1, count)
    others, usual = rng.uniform(24, 60, count), rng.uniform(0, 1, count)
    tempos, stills, starts = rng.uniform(0.8, 1.25, count), rng.uniform(0, 1, count), rng.uniform(0, 1, count)
    result, rates = [], []
    for n in range(count):
        group = bisect_right(np.cumsum([share for share, _ in groups]).tolist(), picks[n])
        members = groups[group][1]
        lengths = np.array([len(takes[take]) for take in members], float)
        points = takes[members[bisect_right((np.cumsum(lengths) / lengths.sum()).tolist(), within[n])]]
        fps = 30.0 if usual[n] < 0.4 else others[n]
        step = 0.0 if stills[n] < still else 60 / fps * tempos[n]
        first = starts[n] * max(len(points) - 1 - step * (frames - 1), 0)
        clip = []
        for frame in range(frames):
            time, last = first + step * frame, len(points) - 1
            while time > 2 * last:
                time -= 2 * last
            time = 2 * last - time if time > last else time
            before = min(int(time), last - 1)
            clip.append(points[before] + (points[before + 1] - points[before]) * (time - before))
        result.append(clip)
        rates.append(fps)
    return np.array(result), np.array(rates)


def bones(clip: ndarray) -> ndarray:
    """The mean length of each bone of a clip (f 17 3)."""
    return np.array(
        [np.mean([np.linalg.norm(pose[j] - pose[max(p, 0)]) for pose in clip]) for j, p in enumerate(PARENTS)]
    )


def batch(
    rng: Generator, takes: list[ndarray], groups: list[tuple[float, list[int]]], count: int, frames: int, clean: float
) -> tuple[ndarray, ndarray]:
    """A batch as today's recipes draw it: 2D poses with scores, and 3D poses."""
    world, _ = stretches(rng, takes, groups, count, frames, 0.0)
    mirrored, reversed_ = rng.uniform(0, 1, count) < 0.5, rng.uniform(0, 1, count) < 0.15
    follows, part = rng.uniform(0, 1, count) < 0.3, rng.uniform(0, 1, count)
    for n in range(count):
        clip = world[n] - np.mean([pose[0] for pose in world[n]], axis=0)
        if mirrored[n]:
            clip = np.stack([pose[list(H36M_17.mirror)] * [-1, 1, 1] for pose in clip])
        if reversed_[n]:
            clip = clip[::-1]
        share = part[n] if follows[n] else 0.0
        world[n] = np.stack([pose - pose[0] * [share, 0, share] for pose in clip])
    own = np.stack([bones(clip) for clip in world])
    lengths = virtual.lengths(rng, own, H36M_17.joints)
    for _ in ("arms", "legs"):
        rng.uniform(0, 1, count)  # whose limbs are exchanged: nobody's
    for _ in ("chosen", "hip", "knee"):
        rng.uniform(0, 1, count)  # whose legs are folded: nobody's
    lying, _, angle, _ = (
        rng.uniform(0, 1, count), rng.uniform(0, 1, count), rng.uniform(-np.pi, np.pi, count), rng.normal(size=count)
    )  # fmt: skip
    for n in range(count):
        legs = [2, 3, 5, 6]
        stature = sum(lengths[n, legs]) / sum(own[n, legs])
        for t, pose in enumerate(world[n].copy()):
            world[n, t, 0] = pose[0] * stature
            for j in range(1, 17):
                bone = (pose[j] - pose[PARENTS[j]]) * lengths[n, j] / own[n, j]
                world[n, t, j] = world[n, t, PARENTS[j]] + bone
        c, s = (np.cos(angle[n]), np.sin(angle[n])) if lying[n] < 0.06 else (1.0, 0.0)
        world[n] = world[n] @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T

    layouts = [bisect_right([0.4, 0.55, 0.7, 0.85], number) for number in rng.uniform(0, 1, count)]
    at_nose = rng.uniform(0, 1, count) < 0.5
    joints = np.empty((count, frames, 23, 3))
    for n in range(count):
        for t, pose in enumerate(world[n]):
            joints[n, t] = clip_protocol.with_face(pose)
            if layouts[n] == 0 and not at_nose[n]:
                joints[n, t, 9] = pose[9]
    views = virtual.cameras(rng, joints[:, :, :17])
    pixels, space = np.empty((count, frames, 23, 2)), np.empty_like(joints)
    for n, view in enumerate(views):
        axes = virtual.axes(view)
        for t, pose in enumerate(joints[n]):
            space[n, t] = clip_protocol.seen_from(view["position"], axes, pose)
            pixels[n, t] = space[n, t, :, :2] / space[n, t, :, 2:] * view["focal"] + view["size"] / 2
    points, scores = virtual.detect(rng, pixels, clip_protocol.MIRROR, **NOISE)
    unseen, exact = rng.uniform(0, 1, count) < 0.7, rng.uniform(0, 1, count) < clean
    pose2d, pose3d = np.empty((count, frames, 17, 3)), np.empty((count, frames, 17, 3))
    for n, view in enumerate(views):
        outside = ((pixels[n] < 0) | (pixels[n] > view["size"])).any(-1)
        sure = np.where(outside & unseen[n], 0, scores[n])
        if exact[n]:
            flat, sure = pixels[n, :, :17], np.ones((frames, 17))
        else:
            pairs = [virtual.observed(p, s, layouts[n]) for p, s in zip(points[n], sure, strict=True)]
            flat, sure = (np.stack(column) for column in zip(*pairs, strict=True))
        pose2d[n] = motion.person_coordinates(*motion.steady_sides(flat, sure))
        for t, pose in enumerate(space[n, :, :17]):
            pose3d[n, t] = motion.turned(pose - pose[0], pose[0], np.array([0.0, 0.0, 1.0]))
    return pose2d, pose3d
