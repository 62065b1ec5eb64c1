"""`Sampler`: training batches from motion capture, with other bodies, virtual cameras and a detector's mistakes.

Takes are cut and resampled in time, transferred to other bodies, filmed by random virtual cameras, and given a 2D
detector's errors. Everything is numpy over a whole batch; all randomness comes from the generator passed in.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.geometry import facing, root_relative
from poseglass.clips.mirror import flip
from poseglass.clips.sample import Sample
from poseglass.clips.view import person_view
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual.bodies import PARENTS, random_lengths, retarget
from poseglass.data.virtual.cameras import random_cameras
from poseglass.data.virtual.detector import H36M_FACE, LAYOUTS, DetectorNoise, detect, face, observe, to_nose
from poseglass.errors import DataError

__all__ = ["Sampler"]

# Our own choices; the published weights were trained with them. Shares of clips, unless stated otherwise.
MIRRORED = 0.5
REVERSED = 0.15  # played backwards
ACCOMPANIED = 0.3  # filmed by a camera that travels with the person
LYING = 0.06  # turned about a horizontal axis
EXACT_LAYOUT = 0.4  # the detector reports the 17 joints themselves
AT_NOSE = 0.5  # of those clips: joint 9 is at the nose rather than at the base of the skull
UNSEEN_OUTSIDE = 0.7  # the detector reports no joints outside the image
USUAL_FPS, USUAL_SHARE, OTHER_FPS = 30.0, 0.4, (24, 60)  # usual rate; share of clips with it; range of the other rates
TEMPOS = (0.8, 1.25)  # range of playback speeds


@final
@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws training batches from takes of motion capture.

    Args:
        clips: The takes, such as those of the training split.
        frames: Frames per clip.
        shares: Maps a prefix of subjects' names to the share of clips drawn from these subjects. The rest is drawn from
            all other takes. Takes are drawn in proportion to their length. A subject belongs to the first prefix that
            fits; the share of a prefix that fits no take goes to the rest.
        noise: Errors of the 2D poses that are not exact.
        clean: Share of clips whose 2D is the exact projection of the 17 joints.

    Raises:
        DataError: No take has two frames, clips would have none, or a share is not from 0 to 1.

    Example:
        >>> from poseglass.data.synthetic.people import STYLES, move
        >>> points = move(np.random.default_rng(0), STYLES["Walking"], 90)[..., [1, 2, 0]]
        >>> takes = tuple(MotionClip(who, points, who) for who in ("anna", "ward_1"))
        >>> sampler = Sampler(MotionClips(takes, fps=50.0), 27, shares={"ward_": 0.3})
        >>> batch = sampler.sample(np.random.default_rng(0), 4)
        >>> batch.pose2d.shape, batch.pose3d.shape
        ((4, 27, 17, 3), (4, 27, 17, 3))
    """

    clips: MotionClips
    frames: int
    _: KW_ONLY
    shares: Mapping[str, float] = field(default_factory=dict)
    noise: DetectorNoise = field(default_factory=DetectorNoise)
    clean: float = 0.25

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise DataError(f"a clip needs at least 1 frame, got {self.frames}")
        if not any(len(clip.points) > 1 for clip in self.clips):
            raise DataError("training needs takes of at least 2 frames; these clips have none")
        for name, share in {"clean": self.clean, **self.shares}.items():
            if not 0 <= share <= 1:
                raise DataError(f"the share {name!r} must be from 0 to 1, got {share:g}")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise DataError(f"the shares {dict(self.shares)} must add up to at most 1")

    def sample(self, rng: Generator, batch: int) -> Sample:
        """Draw a batch; the same state of the generator gives the same batch.

        Args:
            rng: The source of randomness.
            batch: The number of clips.

        Returns:
            2D poses in person coordinates (b f 17 3), and 3D poses relative to the pelvis in metres (b f 17 3), in the
            axes of a camera that faces the pelvis.
        """
        world = self._motion(rng, batch)
        features = face(world)
        layout = np.where(rng.random(batch) < EXACT_LAYOUT, 0, rng.integers(1, 1 + len(LAYOUTS), batch))
        # Motion capture has joint 9 at the base of the skull. Human3.6M and detectors have it at the nose.
        nose = (layout > 0) | (rng.random(batch) < AT_NOSE)
        world = np.where(nose[:, None, None, None], to_nose(world, features), world)

        camera, size = random_cameras(rng, world)
        joints = np.concatenate([world, features], 2)  # b f m 3
        space = camera.to_camera(joints.reshape(batch, -1, 3)).reshape(joints.shape)
        pixels = camera.project(space.reshape(batch, -1, 3)).reshape(*joints.shape[:3], 2)

        clean = rng.random(batch) < self.clean
        points, scores = detect(rng, pixels, self.noise, H36M_FACE.mirror)
        outside = ((pixels < 0) | (pixels > size[:, None, None])).any(-1)
        scores = np.where(outside & (rng.random(batch) < UNSEEN_OUTSIDE)[:, None, None], 0, scores)
        points, scores = observe(points, scores, layout)
        exact = clean[:, None, None]
        points = np.where(exact[..., None], pixels[:, :, :17], points)
        scores = np.where(exact, 1, scores)
        pose3d = root_relative(space)[:, :, :17] @ np.swapaxes(facing(space[:, :, 0]), -1, -2)
        return Sample(person_view(points, scores)[0], pose3d.astype(np.float32))

    def _motion(self, rng: Generator, batch: int) -> Float[ndarray, "b f 17 3"]:
        """Motion in the world: stretches of takes, on other bodies."""
        world = np.stack([self._stretch(rng) for _ in range(batch)])
        world = world - world[:, :, :1].mean(1, keepdims=True)
        world = np.where((rng.random(batch) < MIRRORED)[:, None, None, None], flip(world), world)
        world = np.where((rng.random(batch) < REVERSED)[:, None, None, None], world[:, ::-1], world)
        world[..., ::2] -= (world[:, :, :1] * _accompaniment(rng, batch))[..., ::2]
        world = retarget(world, random_lengths(rng, np.linalg.norm(world - world[:, :, PARENTS], axis=-1).mean(1)))
        return _lie_down(rng, world)

    @cached_property
    def _groups(self) -> tuple[Float[ndarray, " _"], list[list[MotionClip]]]:
        """The cumulative shares, and the takes of each entry of `shares`, followed by all other takes."""
        groups: dict[str, list[MotionClip]] = {prefix: [] for prefix in (*self.shares, "")}
        usable = [clip for clip in self.clips if len(clip.points) > 1]
        for clip in usable:
            groups[next(prefix for prefix in groups if clip.subject.startswith(prefix))].append(clip)
        rest = groups.pop("") or usable
        return np.cumsum([*self.shares.values()]), [*(takes or rest for takes in groups.values()), rest]

    def _stretch(self, rng: Generator) -> Float[ndarray, "f 17 3"]:
        """A stretch of a random take at a random tempo, linearly interpolated in time."""
        edges, groups = self._groups
        takes = groups[int(np.searchsorted(edges, rng.random(), side="right"))]
        lengths = np.array([len(take.points) for take in takes], float)
        points = takes[rng.choice(len(takes), p=lengths / lengths.sum())].points
        fps = USUAL_FPS if rng.random() < USUAL_SHARE else rng.uniform(*OTHER_FPS)
        step = self.clips.fps / fps * rng.uniform(*TEMPOS)
        time = rng.uniform(0, max(len(points) - 1 - step * (self.frames - 1), 0)) + step * np.arange(self.frames)
        # A take that is too short is played forwards and backwards in turn.
        last = len(points) - 1
        time = last - np.abs(last - time % (2 * last))
        before = np.minimum(time.astype(int), last - 1)
        weight = (time - before)[:, None, None]
        stretch: ndarray = points[before] * (1 - weight) + points[before + 1] * weight
        return stretch


def _accompaniment(rng: Generator, batch: int) -> Float[ndarray, "b 1 1 1"]:
    """Share of the person's path over the ground that the camera follows, from 0 to 1; 0 for most clips."""
    return np.asarray(np.where(rng.random(batch) < ACCOMPANIED, rng.random(batch), 0)[:, None, None, None])


def _lie_down(rng: Generator, world: Float[ndarray, "b f 17 3"]) -> Float[ndarray, "b f 17 3"]:
    """Turn some clips about a horizontal axis through their middle, because few people lie in motion capture."""
    batch = len(world)
    angle = np.where(rng.random(batch) < LYING, rng.uniform(-np.pi, np.pi, batch), 0)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.zeros((batch, 3, 3))
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = cosine
    turn[:, 1, 2], turn[:, 2, 1] = -sine, sine
    turned: ndarray = np.einsum("bij,bfnj->bfni", turn, world)
    return turned
