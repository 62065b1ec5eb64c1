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
from poseglass.training.transfer import DeviceBatch, transferred

__all__ = ["MotionBatches"]

FPS = 30.0  # frames per second of an epoch's clips
VALIDATION = {"clean": 1.0, "detected": 0.0}  # share of exact 2D poses in each validation batch; its index is the seed
# The version of the clips that a seed gives, in a run's data.json: 1 (not recorded) came from numpy, 2 from torch.
SAMPLER = 2
STREAM = 0x636C6970  # "clip" in ASCII: dropout is seeded with [seed, step, rank], and clips must not depend on it
logger = logging.getLogger(__name__)


@final
class MotionBatches:
    """Motion capture filmed by virtual cameras (:class:`poseglass.data.virtual.sampler.Sampler`).

    An epoch has as many clips as the training takes fill at 30 frames per second.

    Args:
        clips: Takes, with the splits ``train`` and ``val``.
        recipe: Clip length, and all settings of `recipe.data`. The share of subjects without training takes is ignored
            with a warning.

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

    def draw(self, step: int, rank: int) -> Sample:
        """Draw one worker's share of a step's batch."""
        return _sample(self._clips(step, rank, torch.device("cpu")))

    def draw_on(self, where: torch.device, step: int, rank: int) -> DeviceBatch:
        """Draw one worker's share of a step's batch on a device.

        CUDA makes the clips itself. They are not those that the CPU makes, because its random numbers differ.
        """
        return self._clips(step, rank, where) if where.type == "cuda" else transferred(self.draw(step, rank), where)

    def _clips(self, step: int, rank: int, where: torch.device) -> DeviceBatch:
        data, run = self.recipe.data, self.recipe.run
        count, seed = data.batch // run.workers, mixed(run.seed, step, rank, STREAM)
        generator = torch.Generator(where).manual_seed(seed)
        if data.flip != "both":
            return DeviceBatch(*self.sampler.sample(generator, count))  # which mirrors at random
        pose2d, pose3d = self.sampler.sample(generator, count // 2)
        return DeviceBatch(torch.cat([pose2d, mirror_image(pose2d)]), torch.cat([pose3d, mirror_image(pose3d)]))

    def validation(self) -> dict[str, Sample]:
        """Return two batches, of exact and of detector-like 2D poses, the same for every run."""
        half = max(self.recipe.run.validation_clips // 2, 1)
        samplers = {name: self._sampler(self.validation_takes, clean) for name, clean in VALIDATION.items()}
        return {
            name: _sample(DeviceBatch(*sampler.sample(torch.Generator().manual_seed(seed), half)))
            for seed, (name, sampler) in enumerate(samplers.items())
        }

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
            "sampler": SAMPLER,
            "credit": self.clips.credit,
            "licences": sorted({clip.licence for clip in self.clips}),
            "training": {"takes": len(self.sampler.clips), "minutes": self.sampler.clips.minutes},
            "validation": {"takes": len(self.validation_takes), "minutes": self.validation_takes.minutes},
        }


def _sample(batch: DeviceBatch) -> Sample:
    return Sample(batch.pose2d.cpu().numpy(), batch.pose3d.cpu().numpy())
