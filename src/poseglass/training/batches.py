"""The protocol of a source of batches, and the source that a recipe names.

There are two sources: motion capture filmed by virtual cameras (:mod:`poseglass.training.motion_batches`) and prepared
recordings (:mod:`poseglass.training.recorded_batches`). To add another, write a class that follows :class:`Batches` and
add a line to :func:`batches`.
"""

from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch

from poseglass.clips.sample import Sample
from poseglass.data.clips import MotionClips
from poseglass.data.recordings.store import Recordings
from poseglass.errors import DataError
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.recipe import Recipe
from poseglass.training.recorded_batches import RecordedBatches
from poseglass.training.transfer import DeviceBatch

__all__ = ["Batches", "batches"]


@runtime_checkable
class Batches(Protocol):
    """A source of batches, which depend only on the constructor's arguments and the recipe."""

    @property
    def coordinates(self) -> Literal["person", "screen"]:
        """The coordinates of the 2D poses; see :class:`poseglass.models.Card`."""

    @property
    def keypoints(self) -> str:
        """The name of the 2D poses; see :class:`poseglass.models.Card`."""

    @property
    def epoch(self) -> int:
        """Steps per epoch, in which all data are used once."""

    def draw(self, step: int, rank: int) -> Sample:
        """Draw one worker's share of a step's batch."""

    def draw_on(self, where: torch.device, step: int, rank: int) -> DeviceBatch:
        """Draw the same on a device; a source that makes its clips may make others on each kind of device."""

    def validation(self) -> dict[str, Sample]:
        """Return validation batches by name, the same for every run of the same recipe."""

    def about(self) -> dict[str, Any]:
        """Describe the data in plain values. The keys `kind` and `fingerprint` identify them."""


def batches(recipe: Recipe) -> Batches:
    """Open the source of batches that the recipe names.

    Raises:
        DataError: The recipe names no source, or the data are missing or unfit for training.
    """
    data = recipe.data
    if not data.path:
        raise DataError(
            "the recipe names no data; set data.path=clips.npz for motion clips, or data.path=FOLDER and "
            "data.keypoints for prepared recordings"
        )
    if data.keypoints:
        return RecordedBatches(Recordings.open(data.path), recipe)
    if Path(data.path).is_dir():
        sources = ", ".join(Recordings.open(data.path).sources)
        raise DataError(f"{data.path} holds recordings: set data.keypoints to one of their 2D poses, {sources}")
    return MotionBatches(MotionClips.load(data.path), recipe)
