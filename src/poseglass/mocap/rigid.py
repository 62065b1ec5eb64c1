"""`Mocap`: a recorded body of rigid bones, and where its joints are. The readers are in `bvh` and `acclaim`.

BVH and Acclaim's ASF/AMC say the same: bones of fixed length hang in a tree, and every frame turns each of them. They
differ in what turns a bone: its parent joint's angles in BVH, its own in ASF. Here a bone's rotation is kept in the
world, so both fit.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["Lines", "Mocap", "turn", "turns"]


@dataclass(frozen=True, eq=False)
class Mocap:
    """A body of rigid bones in motion.

    Args:
        names: Joint names.
        parents: The parent of each joint, -1 for the root; a parent stands before its children.
        offsets: From the parent to each joint, in the bone's own frame (f j 3); for the root its path in the world.
        rotations: From the frame of the bone that leads to each joint to the world (f j 3 3).
        fps: Frames a second.
        unit: Metres in one unit of length, where the file says so.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[ndarray, "f j 3"]
    rotations: Float[ndarray, "f j 3 3"]
    fps: float
    unit: float | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    @cached_property
    def positions(self) -> Float[ndarray, "f j 3"]:
        """Where the joints are (f j 3), in the file's unit: forward kinematics, all frames at once."""
        places: Float[ndarray, "f j 3"] = np.einsum("fjab,fjb->fja", self.rotations, self.offsets)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                places[:, joint] += places[:, parent]
        return places

    def joint(self, name: str) -> Float[ndarray, "f 3"]:
        """The path of one joint, in the file's unit.

        Raises:
            FormatError: There is no joint of that name; the message lists those there are.
        """
        if name not in self.names:
            raise FormatError(f"there is no joint {name!r}; there are {', '.join(self.names)}")
        return self.positions[:, self.names.index(name)]

    def with_offsets(self, offsets: Mapping[str, Float[ndarray, "axes=3"]]) -> "Mocap":
        """The same motion with other bones: for a joint's name, the bone that leads to it from its parent."""
        changed = np.array(self.offsets)
        for name, offset in offsets.items():
            changed[:, self.names.index(name)] = offset
        return replace(self, offsets=changed)


def turn(axis: str, angles: Float[ndarray, " f"]) -> Float[ndarray, "f 3 3"]:
    """Rotation matrices about ``x``, ``y`` or ``z``, of angles in radians, for column vectors."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrices = np.zeros((len(angles), 3, 3))
    matrices[:] = np.eye(3)
    matrices[:, first, first] = matrices[:, second, second] = np.cos(angles)
    matrices[:, second, first] = np.sin(angles)
    matrices[:, first, second] = -matrices[:, second, first]
    return matrices


def turns(axes: Sequence[str], angles: Float[ndarray, "f n"]) -> Float[ndarray, "f 3 3"]:
    """The product of rotations in the order of `axes`: the last one acts first on a vector."""
    product = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for number, axis in enumerate(axes):
        product = product @ turn(axis, angles[:, number])
    return product


class Lines:
    """The words of a text file line by line, braces apart, with errors that name the line.

    Raises:
        FormatError: The file cannot be read.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.number = 0
        try:
            # Some old exporters wrote names in a code page of their own; none of them matters here.
            self._text = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as problem:
            raise FormatError(f"cannot read {self.path}: {problem.strerror or problem}") from None
        self._words = self._split()

    def _split(self) -> Iterator[list[str]]:
        for number, line in enumerate(self._text, 1):
            self.number = number
            for piece in re.split(r"([{}])", line.partition("#")[0]) if "{" in line or "}" in line else (line,):
                if (words := piece.split()) and not words[0].startswith("#"):
                    yield words

    def __iter__(self) -> Iterator[list[str]]:
        return self._words

    def error(self, text: str) -> FormatError:
        """An error at the line that was read last."""
        return FormatError(f"{self.path}, line {self.number}: {text}")

    def expect(self, word: str) -> list[str]:
        """The next line, which must begin with a word; what follows the word is returned."""
        words = next(self._words, None)
        if words is None:
            raise self.error(f"the file ends where {word!r} should stand")
        if words[0] != word:
            raise self.error(f"{word!r} is expected, got {' '.join(words)[:60]!r}")
        return words[1:]

    def numbers(self, words: Sequence[str], count: int) -> Float[ndarray, " n"]:
        """Words as so many finite numbers."""
        try:
            values = np.array(words, dtype=np.float64)
        except ValueError:
            raise self.error(f"numbers are expected, got {' '.join(words)[:60]!r}") from None
        if len(values) != count or not np.isfinite(values).all():
            raise self.error(f"{count} finite numbers are expected, got {len(values)}: {' '.join(words)[:60]!r}")
        return values
