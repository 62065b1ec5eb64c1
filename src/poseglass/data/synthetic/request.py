"""`Request`: the data to generate, and the randomness and motion that follow from it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from rich.progress import track

from poseglass.data.synthetic.people import STYLES, move
from poseglass.errors import DataError
from poseglass.files.writing import writing

__all__ = ["Request", "save_npz"]

Item = TypeVar("Item")


class Request(NamedTuple):
    """The arguments of a generator of synthetic data.

    Args:
        folder: The folder to write into.
        frames: Frames per take.
        subjects: The subjects.
        seed: The same seed gives the same motion.
        progress: Show a progress bar.
    """

    folder: Path
    frames: int
    subjects: Sequence[str]
    seed: int
    progress: bool

    def track(self, items: Sequence[Item]) -> Iterator[Item]:
        """Iterate over the items, with a progress bar if requested."""
        return iter(track(items, "Generating", disable=not self.progress))

    def generator(self, subject: str, *numbers: int) -> Generator:
        """The source of randomness for one take, which does not depend on what else is generated."""
        return np.random.default_rng([self.seed, *subject.encode(), *numbers])

    def motion(self, rng: Generator, subject: str, action: str, frames: int) -> Float[ndarray, "f 17 3"]:
        """A take's motion (f 17 3), metres, z up. A subject has the same bones in all takes."""
        scale = 1 + 0.06 * np.random.default_rng([*subject.encode()]).uniform(-1, 1)
        return move(rng, STYLES[action], frames, scale=scale)


def save_npz(path: Path, **members: Any) -> Path:
    """Write a compressed npz file atomically and return its path."""
    with writing(path, DataError) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **members)
    return path
