"""Fit rigs to the real videos, and print how far they are from the lifted joints and how fast their joints turn.

    python benchmarks/rig.py
    python benchmarks/rig.py --takes mocap_h36m17_60fps.npz --number 60

With --takes, the motions are motion capture at half the rate instead: an npz file with one array of Human3.6M's joints
(f 17 3) per take, at 60 fps. The columns:

- *mm*: mean distance of the rig's joints to the motion's, over the valid frames;
- *free turn*: the largest turn of an upper arm or thigh about itself, from one frame to the next, in degrees, where the
  elbow or knee is bent by less than 30 degrees in one of them: there the points do not show the turn;
- *steps*: the number of joint rotations of more than 40 degrees from one frame to the next;
- *shown*: how many of them the points show, because the bone itself, its parent or a bent hinge turns by more than 30.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from real_videos import POSE2SIM, SPORTS2D, VIEWS, WALK, files

import poseglass as pg
from poseglass.mocap.animation import Animation
from poseglass.motion.bones import PARENTS
from poseglass.motion.rig import HINGES
from poseglass.motion.turns import shortest, unit

LARGE, SHOWN, BENT = 40.0, 30.0, np.sin(np.radians(30))  # degrees, degrees, the sine of a hinge's angle


def motions(options: argparse.Namespace) -> Iterator[tuple[str, pg.PoseSequence]]:
    if options.takes is not None:
        with np.load(options.takes) as takes:
            names = np.random.default_rng(0).permutation(sorted(takes))[: options.number]
            for name in names:
                yield name, pg.PoseSequence(takes[name][::2], pg.H36M_17, "world", fps=30)
        return
    lifter = pg.Lifter("balanced")
    for path in (*files(SPORTS2D, [WALK]), *files(POSE2SIM, VIEWS)):
        for motion in lifter.lift(path, people="all" if path.name == Path(WALK).name else 1):
            yield f"{path.stem} {motion.person}", motion


def angles(turns: np.ndarray) -> np.ndarray:
    """The angles of rotations, in degrees."""
    return np.degrees(np.arccos(np.clip((np.trace(turns, axis1=-2, axis2=-1) - 1) / 2, -1, 1)))


def steps(turns: np.ndarray) -> np.ndarray:
    """The angles between rotations of successive frames, in degrees."""
    return angles(turns[:-1].swapaxes(-1, -2) @ turns[1:])


def between(vectors: np.ndarray) -> np.ndarray:
    """The angles between directions of successive frames, in degrees."""
    return np.degrees(np.arccos(np.clip((unit(vectors[1:]) * unit(vectors[:-1])).sum(-1), -1, 1)))


def free_turns(animation: Animation) -> dict[str, np.ndarray]:
    """Turn of each upper arm and thigh about itself per step, in degrees; 0 where bent hinges show it."""
    place, free = animation.positions, {}
    for parent, upper, lower, end, _ in HINGES:
        rows = [animation.index(name) for name in (upper, lower, end)]
        one, other = (unit(place[:, b] - place[:, a]) for a, b in pairwise(rows))
        bend = np.linalg.norm(np.cross(one, other), axis=-1)
        own = (animation.orientations[:, animation.index(parent)].swapaxes(-1, -2) @ one[..., None])[..., 0]
        turn = animation.rotations[:, rows[0]]
        swung = shortest(own[:-1], own[1:]) @ turn[:-1]
        free[upper] = np.where(np.minimum(bend[1:], bend[:-1]) < BENT, angles(swung.swapaxes(-1, -2) @ turn[1:]), 0)
    return free


def shown(animation: Animation, rows: np.ndarray, joint: int, free: dict[str, np.ndarray]) -> int:
    """In how many of these steps of a joint the points turn, too."""
    place, name = animation.positions, animation.names[joint]
    if name in free and (free[name][rows] > SHOWN).any():
        return int((free[name][rows] <= SHOWN).sum())
    ends = [child for child, parent in enumerate(PARENTS) if parent == joint]
    moves = [between(place[:, child] - place[:, joint])[rows] for child in ends]
    if PARENTS[joint] >= 0:
        moves.append(steps(animation.orientations[:, PARENTS[joint]])[rows])
    children = [steps(animation.orientations[:, child])[rows] for child in ends]
    return int((np.max([*moves, *children], 0) > SHOWN).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=Path, help="motion capture instead of videos")
    parser.add_argument("--number", type=int, default=60, help="how many takes")
    options = parser.parse_args()
    print("| motion | frames | mm | free turn | steps | shown |\n|---|---|---|---|---|---|")
    rows = []
    for name, motion in motions(options):
        rig = pg.fit_rig(motion)
        free = free_turns(rig.animation)
        turned = steps(rig.animation.rotations) > LARGE  # f j
        count = sum(shown(rig.animation, turned[:, joint], joint, free) for joint in range(turned.shape[1]))
        distance = 1000 * rig.distances[motion.validity].mean()
        rows.append((len(motion), distance, max(turn.max() for turn in free.values()), turned.sum(), count))
        if options.takes is None:
            print("| {} | {} | {:.1f} | {:.0f} | {} | {} |".format(name, *rows[-1]))
    frames, distances, twists, jumps, explained = zip(*rows, strict=True)
    mean = np.average(distances, weights=frames)
    print(f"| all | {sum(frames)} | {mean:.1f} | {max(twists):.0f} | {sum(jumps)} | {sum(explained)} |")


if __name__ == "__main__":
    main()
