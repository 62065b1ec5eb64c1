"""Where a run's batches come from: which source a recipe names, and what a source does.

There are two: motion capture seen by virtual cameras, and prepared recordings. A source of another kind is a class
with what :class:`Batches` asks for, and a line in :func:`batches`.
"""

import math
from pathlib import Path
from typing import Any, Literal, Protocol, final, runtime_checkable

import numpy as np

from poseglass.clips.sample import Sample, mirrored
from poseglass.data.clips import MotionClips
from poseglass.data.recordings.index import INDEX
from poseglass.data.recordings.store import Recordings
from poseglass.data.virtual.sampler import Sampler
from poseglass.errors import DataError
from poseglass.training.recipe import Recipe
from poseglass.training.recorded import RecordedBatches

__all__ = ["Batches", "MotionBatches", "batches"]


@runtime_checkable
class Batches(Protocol):
    """What a training run draws from. Nothing but its arguments and the recipe decides what is drawn."""

    @property
    def coordinates(self) -> Literal["person", "screen"]:
        """What x and y of the 2D poses are, as in :class:`poseglass.models.Card`."""

    @property
    def keypoints(self) -> str:
        """Which 2D poses they are, as in :class:`poseglass.models.Card`."""

    @property
    def epoch(self) -> int:
        """Steps in which everything is seen once."""

    def draw(self, step: int, rank: int) -> Sample:
        """One worker's share of a step's batch."""

    def judges(self) -> dict[str, Sample]:
        """Validation batches by name, the same for every run of the same recipe."""

    def about(self) -> dict[str, Any]:
        """What the batches are made from, in plain values; the same data have the same `fingerprint`."""


def batches(recipe: Recipe) -> Batches:
    """The source that the recipe names.

    Raises:
        DataError: It names none, or what it names is missing or not what it should be.
    """
    data = recipe.data
    if not data.path:
        raise DataError(
            "the recipe names no motion clips; set data.path=clips.npz, or data.path=FOLDER and data.keypoints for "
            "prepared recordings"
        )
    if data.keypoints:
        return RecordedBatches(Recordings.open(data.path), recipe)
    if (Path(data.path) / INDEX).is_file():
        there = ", ".join(Recordings.open(data.path).sources)
        raise DataError(f"{data.path} holds recordings: say by data.keypoints which of their 2D poses, {there}")
    return MotionBatches(MotionClips.load(data.path), recipe)


@final
class MotionBatches:
    """Motion capture seen by virtual cameras (:class:`poseglass.data.virtual.sampler.Sampler`).

    An epoch is as many clips as the training takes would fill at 30 frames a second.
    """

    coordinates: Literal["person"] = "person"
    keypoints = ""

    def __init__(self, clips: MotionClips, recipe: Recipe) -> None:
        self.clips, self.recipe, data, frames = clips, recipe, recipe.data, recipe.model.frames
        train = clips.split("train")
        self.shares = {"prmd": data.rehab_share}
        self.sampler = Sampler(train, frames, shares=self.shares, clean=data.clean)
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
        half, frames = max(self.recipe.run.validation_clips // 2, 1), self.recipe.model.frames
        samplers = {
            name: Sampler(self.judged, frames, shares=self.shares, clean=clean)
            for name, clean in (("clean", 1.0), ("detected", 0.0))
        }
        return {
            name: sampler.sample(np.random.default_rng(seed), half)
            for seed, (name, sampler) in enumerate(samplers.items())
        }

    def about(self) -> dict[str, Any]:
        """What the batches are made from; `fingerprint` is of the takes, not of the file that they come in."""
        return {
            "kind": "motion clips",
            "fingerprint": self.clips.fingerprint,
            "credit": self.clips.credit,
            "training": {"takes": len(self.sampler.clips), "minutes": self.sampler.clips.minutes},
            "validation": {"takes": len(self.judged), "minutes": self.judged.minutes},
        }
