"""Text files as lines of words (BVH, Acclaim) or as tables of numbers (TRC, CSV), with errors that name the lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = ["NumberTable", "WordLines"]

SHOWN_LINES = 5  # bad lines listed in an error
SHOWN_TEXT = 60  # characters of a bad line quoted in an error


class WordLines:
    """The words of a text file, line by line; a brace is a line of its own and comments (#) are skipped.

    Raises:
        FormatError: The file cannot be read.

    Example:
        >>> _ = Path("tree.bvh").write_text("HIERARCHY\\nROOT hips { OFFSET 0 0 0 }\\n")
        >>> list(WordLines("tree.bvh"))
        [['HIERARCHY'], ['ROOT', 'hips'], ['{'], ['OFFSET', '0', '0', '0'], ['}']]
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.number = 0
        try:
            # Some old exporters wrote comments and names in a local code page; keywords are always ASCII.
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
        """An error that names the file and the last line read."""
        return FormatError(f"{self.path}, line {self.number}: {text}")

    def unexpected(self, expected: str, words: Sequence[str]) -> FormatError:
        """An error that says what was expected and quotes the words that were given instead."""
        return self.error(f"expected {expected}, got {' '.join(words)[:SHOWN_TEXT]!r}")

    def expect(self, word: str) -> list[str]:
        """Read the next line, which must start with `word`, and return the rest of it.

        Raises:
            FormatError: The line starts with another word, or the file ends.
        """
        words = next(self._words, None)
        if words is None:
            raise self.error(f"expected {word!r}, got the end of the file; was it cut off?")
        if words[0] != word:
            raise self.unexpected(repr(word), words)
        return words[1:]

    def numbers(self, words: Sequence[str], count: int) -> Float[ndarray, " _"]:
        """Convert words to exactly `count` finite numbers.

        Raises:
            FormatError: A word is not a finite number, or the number of words differs.
        """
        try:
            values = np.array(words, dtype=np.float64)
        except ValueError:
            raise self.unexpected("numbers", words) from None
        if len(values) != count or not np.isfinite(values).all():
            raise self.unexpected(f"{count} finite numbers", words)
        return values


@dataclass
class NumberTable:
    """Rows of numbers, all of one width; an empty cell is NaN. Bad lines are collected and reported together.

    Args:
        path: The file, for the error.
        width: Numbers per row.

    Example:
        >>> table = NumberTable(Path("walk.csv"), 3)
        >>> table.add(1, ["0", "", "2.5"])
        >>> table.array().tolist()
        [[0.0, nan, 2.5]]
    """

    path: Path
    width: int
    rows: list[Float[ndarray, " _"]] = field(default_factory=list)
    bad_lines: list[str] = field(default_factory=list)

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Parse the cells of one line and append them, or note why the line is bad."""
        if len(cells) != self.width:
            self.bad_lines.append(f"line {line} has {len(cells)} cells, not {self.width}")
            return
        try:
            self.rows.append(np.array([float(cell) if cell.strip() else np.nan for cell in cells]))
        except ValueError as problem:
            self.bad_lines.append(f"line {line}: {problem}")

    def array(self) -> Float[ndarray, "_ _"]:
        """All rows, one per line.

        Raises:
            FormatError: Some lines are bad, or there are no lines.
        """
        if self.bad_lines:
            hidden = len(self.bad_lines) - SHOWN_LINES
            rest = f"; and {hidden} more" if hidden > 0 else ""
            raise FormatError(f"{self.path}: {'; '.join(self.bad_lines[:SHOWN_LINES])}{rest}")
        if not self.rows:
            raise FormatError(f"{self.path}: expected at least one line of numbers, got none; was it cut off?")
        return np.stack(self.rows)
