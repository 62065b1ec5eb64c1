"""Batches of motion capture filmed by virtual cameras."""

import logging
import math
from typing import Any, Literal, final

import torch

from poseglass.clips.sample import Sample, mirrored
from poseglass.data.clips import MotionClips
from poseglass.data.virtual.sampler import ClipBatch, Sampler
from poseglass.training.recipe import Recipe
from poseglass.training.seeds import mixed

__all__ = ["MotionBatches"]

FPS = 30.0  # frames per second of an epoch's clips
VALIDATION = {"clean": 1.0, "detected": 0.0}  # share of exact 2D poses in each validation batch; its index is the seed
logger = logging.getLogger(__name__)


@final
class MotionBatches:
    """Motion capture filmed by virtual cameras (:class:`poseglass.data.virtual.sampler.Sampler`).

    An epoch has as many clips as the training takes fill at 30 frames per second.

    Args:
        clips: Takes, with the splits ``train`` and ``val``.
        recipe: Clip length, batch, mirror images, share of exact 2D poses, and shares of subjects. The share of
            subjects without training takes is ignored with a warning.

    Raises:
        DataError: A split has no takes.
    """

    coordinates: Literal["person"] = "person"
    keypoints = ""

    def __init__(self, clips: MotionClips, recipe: Recipe) -> None:
        self.clips, self.recipe, data, frames = clips, recipe, recipe.data, recipe.model.frames
        train = clips.split("train")
        for prefix in data.shares:
            if not any(clip.subject.startswith(prefix) for clip in train):
                logger.warning("data.shares.%s is ignored: no subject of a training take has this prefix", prefix)
        self.sampler = Sampler(train, frames, shares=data.shares, clean=data.clean)
        self.validation_takes = clips.split("val")
        self.epoch = math.ceil(train.minutes * 60 * FPS / (frames * data.batch))

    def draw(self, step: int, rank: int) -> Sample:
        """Draw one worker's share of a step's batch."""
        data, run = self.recipe.data, self.recipe.run
        count, generator = data.batch // run.workers, torch.Generator().manual_seed(mixed(run.seed, step, rank))
        if data.flip == "both":
            return mirrored(_sample(self.sampler.sample(generator, count // 2)))
        return _sample(self.sampler.sample(generator, count))  # which mirrors at random

    def validation(self) -> dict[str, Sample]:
        """Return two batches, of exact and of detector-like 2D poses, the same for every run."""
        half = max(self.recipe.run.validation_clips // 2, 1)
        frames, shares = self.recipe.model.frames, self.recipe.data.shares
        samplers = {
            name: Sampler(self.validation_takes, frames, shares=shares, clean=clean)
            for name, clean in VALIDATION.items()
        }
        return {
            name: _sample(sampler.sample(torch.Generator().manual_seed(seed), half))
            for seed, (name, sampler) in enumerate(samplers.items())
        }

    def about(self) -> dict[str, Any]:
        """Describe the data. The `fingerprint` identifies the takes, whatever file they are in.

        Licences and credit are listed apart: they change nothing that a model learns.
        """
        return {
            "kind": "motion clips",
            "fingerprint": self.clips.fingerprint,
            "credit": self.clips.credit,
            "licences": sorted({clip.licence for clip in self.clips}),
            "training": {"takes": len(self.sampler.clips), "minutes": self.sampler.clips.minutes},
            "validation": {"takes": len(self.validation_takes), "minutes": self.validation_takes.minutes},
        }


def _sample(batch: ClipBatch) -> Sample:
    return Sample(batch.pose2d.cpu().numpy(), batch.pose3d.cpu().numpy())
