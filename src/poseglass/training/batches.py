"""What a run draws from: the protocol of a source of batches, and the source that a recipe names.

There are two sources: motion capture seen by virtual cameras (:mod:`poseglass.training.motion_batches`) and prepared
recordings (:mod:`poseglass.training.recorded_batches`). A source of another kind is a class that follows
:class:`Batches`, and a line in :func:`batches`.
"""

from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from poseglass.clips.sample import Sample
from poseglass.data.clips import MotionClips
from poseglass.data.recordings.index import INDEX
from poseglass.data.recordings.store import Recordings
from poseglass.errors import DataError
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.recipe import Recipe
from poseglass.training.recorded_batches import RecordedBatches

__all__ = ["Batches", "batches"]


@runtime_checkable
class Batches(Protocol):
    """A source of batches. Its constructor's arguments and the recipe alone decide what is drawn."""

    @property
    def coordinates(self) -> Literal["person", "screen"]:
        """What x and y of the 2D poses are; see :class:`poseglass.models.Card`."""

    @property
    def keypoints(self) -> str:
        """Which 2D poses they are; see :class:`poseglass.models.Card`."""

    @property
    def epoch(self) -> int:
        """Steps in which all data are seen once."""

    def draw(self, step: int, rank: int) -> Sample:
        """One worker's share of a step's batch."""

    def validation(self) -> dict[str, Sample]:
        """Validation batches by name, the same for every run of the same recipe."""

    def about(self) -> dict[str, Any]:
        """What the batches are made from, in plain values. Its `kind` and `fingerprint` identify the data."""


def batches(recipe: Recipe) -> Batches:
    """The source that the recipe names.

    Raises:
        DataError: The recipe names none, or the data are missing or not what training needs.
    """
    data = recipe.data
    if not data.path:
        raise DataError(
            "the recipe names no data; set data.path=clips.npz for motion clips, or data.path=FOLDER and "
            "data.keypoints for prepared recordings"
        )
    if data.keypoints:
        return RecordedBatches(Recordings.open(data.path), recipe)
    if (Path(data.path) / INDEX).is_file():
        sources = ", ".join(Recordings.open(data.path).sources)
        raise DataError(f"{data.path} holds recordings: set data.keypoints to one of their 2D poses, {sources}")
    return MotionBatches(MotionClips.load(data.path), recipe)
