"""Where a run's batches come from: which source a recipe names, and what a source does.

There is one so far, motion capture seen by virtual cameras. A source of another kind is a class with what
:class:`Batches` asks for, and a line in :func:`batches`.
"""

import math
from typing import Protocol, final, runtime_checkable

import numpy as np

from poseglass.data.augment import Sample, Sampler, flip
from poseglass.data.clips import MotionClips
from poseglass.errors import DataError
from poseglass.training.recipe import Recipe

__all__ = ["Batches", "MotionBatches", "batches", "mirrored"]


@runtime_checkable
class Batches(Protocol):
    """What a training run draws from. Nothing but its arguments and the recipe decides what is drawn."""

    @property
    def epoch(self) -> int:
        """Steps in which everything is seen once."""

    def draw(self, step: int, rank: int) -> Sample:
        """One worker's share of a step's batch."""

    def judges(self) -> dict[str, Sample]:
        """Validation batches by name, the same for every run of the same recipe."""


def batches(recipe: Recipe) -> Batches:
    """The source that the recipe names.

    Raises:
        DataError: It names none, or what it names is missing or not what it should be.
    """
    data = recipe.data
    if not data.path:
        raise DataError("the recipe names no motion clips; set data.path=clips.npz")
    if data.keypoints:
        raise DataError(
            f"the recipe asks for the keypoints {data.keypoints!r} of the store {data.path}; this version trains on "
            "motion clips only, seen by virtual cameras: set data.keypoints='' and data.path=clips.npz"
        )
    return MotionBatches(MotionClips.load(data.path), recipe)


@final
class MotionBatches:
    """Motion capture seen by virtual cameras (:class:`poseglass.data.augment.Sampler`).

    An epoch is as many clips as the training takes would fill at 30 frames a second.
    """

    def __init__(self, clips: MotionClips, recipe: Recipe) -> None:
        self.recipe, data, frames = recipe, recipe.data, recipe.model.frames
        train = clips.split("train")
        self.sampler = Sampler(train, frames, rehab_share=data.rehab_share, clean=data.clean)
        self.judged = clips.split("val")
        self.epoch = math.ceil(train.minutes * 60 * 30 / (frames * data.batch))

    def draw(self, step: int, rank: int) -> Sample:
        """One worker's share of a step's batch."""
        data, run = self.recipe.data, self.recipe.run
        count, rng = data.batch // run.workers, np.random.default_rng([run.seed, step, rank])
        if data.flip == "both":
            return mirrored(self.sampler.sample(rng, count // 2))
        return self.sampler.sample(rng, count)  # which mirrors at random

    def judges(self) -> dict[str, Sample]:
        """Clean and detector-like halves, drawn once."""
        half = max(self.recipe.run.validation_clips // 2, 1)
        return {
            name: Sampler(self.judged, self.recipe.model.frames, clean=clean).sample(np.random.default_rng(seed), half)
            for seed, (name, clean) in enumerate((("clean", 1.0), ("detected", 0.0)))
        }


def mirrored(sample: Sample) -> Sample:
    """Clips (b f 17 ...) and their mirror images, (2b f 17 ...)."""
    pose2d, pose3d = (np.concatenate([poses, flip(poses)]) for poses in (sample.pose2d, sample.pose3d))
    return Sample(pose2d, pose3d)
