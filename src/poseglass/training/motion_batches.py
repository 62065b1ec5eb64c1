"""Batches of motion capture filmed by virtual cameras."""

import logging
import math
from typing import Any, Literal, final

import torch

from poseglass.clips.sample import Sample
from poseglass.data.clips import MotionClips
from poseglass.data.virtual.detector import DetectorNoise
from poseglass.data.virtual.limbs import Variety
from poseglass.data.virtual.measured_detector import MeasuredNoise
from poseglass.data.virtual.sampler import Sampler, mirror_image
from poseglass.training.recipe import Recipe
from poseglass.training.seeds import mixed
from poseglass.training.transfer import DeviceBatch

__all__ = ["MotionBatches"]

FPS = 30.0  # frames per second of an epoch's clips
VALIDATION = {"clean": 1.0, "detected": 0.0}  # share of exact 2D poses in each validation batch; its index is the seed
CPU = torch.device("cpu")
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
        self.sampler = self._sampler(train, data.clean)
        self.validation_takes = clips.split("val")
        self.epoch = math.ceil(train.minutes * 60 * FPS / (frames * data.batch))

    def draw(self, step: int, rank: int, device: torch.device = CPU) -> DeviceBatch:
        """Draw one worker's share of a step's batch. It is made on the device."""
        data, run = self.recipe.data, self.recipe.run
        count, generator = data.batch // run.workers, torch.Generator(device).manual_seed(mixed(run.seed, step, rank))
        if data.flip == "both":
            half = self.sampler.sample(generator, count // 2)
            return DeviceBatch(*(torch.cat([poses, mirror_image(poses)]) for poses in half))
        return DeviceBatch(*self.sampler.sample(generator, count))  # which mirrors at random

    def validation(self) -> dict[str, Sample]:
        """Return two batches, of exact and of detector-like 2D poses, the same for every run."""
        half = max(self.recipe.run.validation_clips // 2, 1)
        batches = {}
        for seed, (name, clean) in enumerate(VALIDATION.items()):
            sampler, generator = self._sampler(self.validation_takes, clean), torch.Generator().manual_seed(seed)
            batches[name] = Sample(*(poses.numpy() for poses in sampler.sample(generator, half)))
        return batches

    def _sampler(self, takes: MotionClips, clean: float) -> Sampler:
        data = self.recipe.data
        return Sampler(
            takes,
            self.recipe.model.frames,
            shares=data.shares,
            noise=MeasuredNoise() if data.detector == "measured" else DetectorNoise(),
            variety=Variety(**data.variety),
            layouts=data.layouts,
            clean=clean,
        )

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
