"""Simulated detections of several walking people, with the truth of who is who."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from poseglass import COCO_17
from poseglass.people.detection import DetectedPerson

__all__ = ["FPS", "SCENES", "SIZE", "Scene", "Walker", "filmed", "switches"]

FPS, SIZE = 30, (1280, 720)
STANDING = {
    "nose": (0.0, 0.95), "eye": (0.02, 0.97), "ear": (0.04, 0.96), "shoulder": (0.1, 0.82), "elbow": (0.14, 0.64),
    "wrist": (0.15, 0.48), "hip": (0.07, 0.52), "knee": (0.07, 0.28), "ankle": (0.07, 0.04),
}  # fmt: skip


@dataclass(frozen=True)
class Walker:
    """A person: where their feet are and when they are detected.

    Args:
        x: Place of the feet in pixels at a time in seconds.
        visible: Whether the person is detected at a time.
        height: Pixels.
        phase: Phase of the gait at the start.
    """

    x: Callable[[float], float]
    visible: Callable[[float], bool] = lambda _: True
    height: float = 300.0
    phase: float = 0.0

    def joints(self, seconds: float) -> ndarray:
        """The joints of COCO_17 (17 2); arms and legs swing."""
        swing = 0.12 * np.sin(2 * np.pi * seconds + self.phase)
        rows = []
        for joint in COCO_17.joints:
            side, _, part = joint.rpartition("_")
            across, up = STANDING[part]
            sign = {"left": 1, "right": -1, "": 0}[side]
            bent = swing * sign * {"wrist": -1, "elbow": -0.5, "ankle": 1, "knee": 0.5}.get(part, 0)
            rows.append((self.x(seconds) + self.height * (sign * across + bent), 600 - self.height * up))
        return np.array(rows)


@dataclass(frozen=True)
class Scene:
    """What a detector sees: the people of each frame, and which walker each of them is."""

    frames: list[list[DetectedPerson]]
    truth: list[list[int]]


def filmed(walkers: Sequence[Walker], seconds: float, *, noise: float = 0.01, seed: int = 0) -> Scene:
    """Detections in random order, with noise in shares of a person's height. Who is outside the image is missed."""
    rng = np.random.default_rng(seed)
    frames, truth = [], []
    for frame in range(round(seconds * FPS)):
        time = frame / FPS
        crowd = [n for n, walker in enumerate(walkers) if walker.visible(time) and 0 <= walker.x(time) <= SIZE[0]]
        order = [crowd[n] for n in rng.permutation(len(crowd))]
        people = []
        for n in order:
            joints = walkers[n].joints(time) + rng.normal(0, noise * walkers[n].height, (17, 2))
            people.append(DetectedPerson(joints, rng.uniform(0.7, 1, 17)))
        frames.append(people)
        truth.append(order)
    return Scene(frames, truth)


def _crossing(hidden: float) -> Scene:
    """Two people walk towards each other and pass; the one behind is hidden around the meeting."""
    left, right = (lambda t: 200 + 150 * t), (lambda t: 1100 - 150 * t)
    return filmed([Walker(left), Walker(right, lambda t: abs(t - 3) >= hidden / 2, phase=2)], 6)


def _random(seed: int) -> Scene:
    """Three people walk to and fro; one detection in ten is missing."""
    rng = np.random.default_rng(seed)

    def walker(start: float) -> Walker:
        pace, phase, missed = rng.uniform(0.3, 0.8), rng.uniform(0, 6), rng.random(1000) < 0.1
        return Walker(
            lambda t: start + 250 * np.sin(pace * t + phase),
            lambda t: not missed[round(t * FPS)],
            rng.uniform(220, 340),
            rng.uniform(0, 6),
        )

    return filmed([walker(300), walker(640), walker(980)], 10, noise=0.015, seed=seed)


SCENES: dict[str, Callable[[], Scene]] = {
    "side by side, in random order": lambda: filmed([Walker(lambda t: 300), Walker(lambda t: 700, height=320)], 4),
    "crossing, both in sight": lambda: _crossing(0),
    "crossing, one hidden for half a second": lambda: _crossing(0.5),
    "crossing, one hidden for a second": lambda: _crossing(1.0),
    "one leaves, another enters opposite": lambda: filmed(
        [Walker(lambda t: 500 - 250 * t), Walker(lambda t: 1280 - 250 * (t - 3), lambda t: t >= 3)], 6
    ),
    "one leaves, another enters opposite, close up": lambda: filmed(
        [
            Walker(lambda t: 500 - 250 * t, height=580),
            Walker(lambda t: 1280 - 250 * (t - 3), lambda t: t >= 3, height=580),
        ],
        6,
    ),
    "hidden for two seconds, standing": lambda: filmed(
        [Walker(lambda t: 400 + 5 * t, lambda t: not 2 < t < 4), Walker(lambda t: 900 - 20 * t)], 6
    ),
    "hidden for two seconds, walking": lambda: filmed(
        [Walker(lambda t: 200 + 130 * t, lambda t: not 2 < t < 4), Walker(lambda t: 1000)], 6
    ),
    **{f"three people to and fro, {seed}": lambda seed=seed: _random(seed) for seed in range(6)},
}


def switches(truth: Sequence[Sequence[int]], numbers: Sequence[Sequence[int | None]]) -> int:
    """How often a walker gets another number than at the last detection, or a number that another walker had before.

    A perfect tracker has none, also if it misses detections (None).
    """
    own: dict[int, int] = {}
    owner: dict[int, int] = {}
    count = 0
    for walkers, given in zip(truth, numbers, strict=True):
        for walker, number in zip(walkers, given, strict=True):
            if number is None:
                continue
            count += own.get(walker, number) != number or owner.get(number, walker) != walker
            own[walker], owner[number] = number, walker
    return count
