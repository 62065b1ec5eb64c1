"""Training clips out of motion capture: other bodies, other cameras, and a detector's mistakes.

A :class:`Sampler` makes batches: takes are cut and resampled in time, moved to other bodies, seen by random virtual
cameras, and reported as a 2D detector would. Everything is numpy over the whole batch, and all chance comes from the
generator passed in.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.body.geometry import facing
from poseglass.clips.mirror import flip
from poseglass.clips.sample import Sample
from poseglass.clips.view import person_view
from poseglass.data.clips import MotionClips
from poseglass.data.virtual.bodies import PARENTS, random_lengths, retarget
from poseglass.data.virtual.cameras import random_cameras
from poseglass.data.virtual.detector import LAYOUTS, SEEN, Detection, detect, face, observe, to_nose

__all__ = ["Sampler"]


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws training batches from takes.

    Args:
        clips: Takes of the training split.
        frames: Frames of a clip.
        rehab_share: Share of batches' clips from UI-PRMD (subjects ``prmd_*``), which has little variety a minute.
        detection: How bad the 2D is where it is not clean.
        clean: Share of clips whose 2D is the exact projection of the 17 joints.
    """

    clips: MotionClips
    frames: int
    rehab_share: float = 0.28
    detection: Detection = field(default_factory=Detection)
    clean: float = 0.25

    def sample(self, rng: Generator, batch: int) -> Sample:
        """One batch; the same generator state gives the same batch."""
        takes = np.stack([self._take(rng) for _ in range(batch)])
        takes = takes - takes[:, :, :1].mean(1, keepdims=True)
        takes = np.where((rng.random(batch) < 0.5)[:, None, None, None], flip(takes), takes)
        takes = np.where((rng.random(batch) < 0.15)[:, None, None, None], takes[:, ::-1], takes)
        takes[:, :, 0:, ::2] -= (takes[:, :, :1] * _still(rng, batch))[..., ::2]
        takes = retarget(takes, random_lengths(rng, np.linalg.norm(takes - takes[:, :, PARENTS], axis=-1).mean(1)))
        takes = _lie_down(rng, takes)
        extra = face(takes)
        layout = np.where(rng.random(batch) < 0.4, 0, rng.integers(1, 1 + len(LAYOUTS), batch))
        # Joint 9 of the takes is the skull base; a detector's, and Human3.6M's, is at the nose, 5 cm in front.
        nose = (layout > 0) | (rng.random(batch) < 0.5)
        takes = np.where(nose[:, None, None, None], to_nose(takes, extra), takes)

        camera, size = random_cameras(rng, takes)
        seen = camera.to_camera(np.concatenate([takes, extra], 2).reshape(batch, -1, 3)).reshape(
            batch, self.frames, -1, 3
        )
        pixels = camera.project(seen.reshape(batch, -1, 3)).reshape(*seen.shape[:3], 2)

        clean = rng.random(batch) < self.clean
        layout = np.where(clean, 0, layout)
        found, scores = detect(rng, pixels, self.detection, SEEN.mirror)
        outside = ((pixels < 0) | (pixels > size[:, None, None])).any(-1)
        scores = np.where(outside & (rng.random(batch) < 0.7)[:, None, None], 0, scores)
        found, scores = observe(found, scores, layout)
        exact = clean[:, None, None]
        found = np.where(exact[..., None], pixels[:, :, :17], found)
        scores = np.where(exact, 1, scores)
        pose3d = (seen[:, :, :17] - seen[:, :, :1]) @ np.swapaxes(facing(seen[:, :, 0]), -1, -2)
        return Sample(person_view(found, scores)[0], pose3d.astype(np.float32))

    def _take(self, rng: Generator) -> Float[ndarray, "f 17 3"]:
        """A stretch of a random take at a random speed, linearly interpolated in time."""
        rehab = rng.random() < self.rehab_share
        usable = [clip for clip in self.clips if len(clip.points) > 1]
        clips = [clip for clip in usable if clip.subject.startswith("prmd") == rehab] or usable
        lengths = np.array([len(clip.points) for clip in clips], float)
        points = clips[rng.choice(len(clips), p=lengths / lengths.sum())].points
        fps = 30.0 if rng.random() < 0.4 else rng.uniform(24, 60)
        step = self.clips.fps / fps * rng.uniform(0.8, 1.25)
        time = rng.uniform(0, max(len(points) - 1 - step * (self.frames - 1), 0)) + step * np.arange(self.frames)
        # A take that is too short is played back and forth.
        last = len(points) - 1
        time = last - np.abs(last - time % (2 * last))
        before = np.minimum(time.astype(int), last - 1)
        share = (time - before)[:, None, None]
        taken: ndarray = points[before] * (1 - share) + points[before + 1] * share
        return taken


def _still(rng: Generator, batch: int) -> ndarray:
    """How much of the way over the ground the camera goes along with, (b 1 1 1): mostly nothing."""
    return np.asarray(np.where(rng.random(batch) < 0.3, rng.random(batch), 0)[:, None, None, None])


def _lie_down(rng: Generator, takes: Float[ndarray, "b f 17 3"]) -> Float[ndarray, "b f 17 3"]:
    """Some clips turned about a horizontal axis through their middle, as if lying: motion capture has little of it."""
    batch = len(takes)
    angle = np.where(rng.random(batch) < 0.06, rng.uniform(-np.pi, np.pi, batch), 0)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.zeros((batch, 3, 3))
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = cosine
    turn[:, 1, 2], turn[:, 2, 1] = -sine, sine
    turned: ndarray = np.einsum("bij,bfnj->bfni", turn, takes)
    return turned
