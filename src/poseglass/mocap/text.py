"""Text files as words (BVH), lines of words (Acclaim) or tables of numbers (TRC, CSV); errors name the lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError

__all__ = [
    "SHOWN_TEXT",
    "NumberTable",
    "WordLines",
    "WordStream",
    "numbers",
    "read_content",
    "read_text",
    "refuse_underscores",
]

SHOWN_LINES = 5  # bad lines listed in an error
SHOWN_TEXT = 60  # characters of a bad line quoted in an error
WORD = re.compile(r"[{}]|[^\s{}]+")


def read_content(path: str | PathLike[str]) -> bytes:
    """The bytes of a file.

    Raises:
        FormatError: The file cannot be read.

    Example:
        >>> _ = Path("two.c3d").write_bytes(b"ab")
        >>> read_content("two.c3d")
        b'ab'
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise FormatError(f"there is no file {path}") from None
    except OSError as problem:
        raise FormatError(f"cannot read {path}: {problem.strerror or problem}") from None


def read_text(path: str | PathLike[str]) -> str:
    r"""The text of a file, without byte-order mark, and without what follows DOS's end of file (Ctrl-Z).

    Characters that are not UTF-8 become U+FFFD, because some old exporters wrote names in a local code page. Files
    that start with the byte-order mark of UTF-16 are read as such. All line ends become ``\n``.

    Raises:
        FormatError: The file cannot be read.

    Example:
        >>> _ = Path("dos.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n\x1a")
        >>> read_text("dos.txt")
        'one\ntwo\n'
    """
    content = read_content(path)
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = content.decode(encoding, errors="replace").partition("\x1a")[0]
    return text.replace("\r\n", "\n").replace("\r", "\n")


class WordStream:
    r"""The words of a text file one after the other; a brace is a word of its own.

    A word that starts with ``#`` is a comment: the rest of its line is skipped.

    Raises:
        FormatError: The file cannot be read.

    Example:
        >>> _ = Path("tree.bvh").write_text("HIERARCHY\nROOT hips{OFFSET 0 0 0 } # done\n")
        >>> words = WordStream("tree.bvh")
        >>> words.until("{"), words.until("}")
        (['HIERARCHY', 'ROOT', 'hips'], ['OFFSET', '0', '0', '0'])
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.text = read_text(path)
        self.position = 0
        self._next = 0

    def take(self) -> str | None:
        """Read the next word; None at the end of the file."""
        while match := WORD.search(self.text, self._next):
            self.position, self._next = match.span()
            if not match[0].startswith("#"):
                return match[0]
            self._next = _line_end(self.text, self._next)
        self.position = self._next = len(self.text)
        return None

    def until(self, stop: str) -> list[str]:
        """Read the words up to `stop`, which is read too but not returned.

        Raises:
            FormatError: The file ends before.
        """
        words: list[str] = []
        while (word := self.take()) != stop:
            if word is None:
                raise self.error(f"expected {stop!r}, got the end of the file; was it cut off?")
            words.append(word)
        return words

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read text that matches a pattern at the current position; None, reading nothing, if it does not match."""
        if (match := pattern.match(self.text, self._next)) is not None:
            self.position, self._next = match.span()
        return match

    def rest(self) -> tuple[int, list[str]]:
        """Read the rest of the file.

        Returns:
            The number of the first line, and the lines without comments.
        """
        number, text = self.text.count("\n", 0, self._next) + 1, self.text[self._next :]
        self.position = self._next = len(self.text)
        return number, [line.partition("#")[0] for line in text.split("\n")]

    def error(self, text: str, line: int | None = None) -> FormatError:
        """An error that names the file and a line, by default that of the last word read."""
        if line is None:
            line = self.text.count("\n", 0, self.position) + 1
        return FormatError(f"{self.path}, line {line}: {text}")


class WordLines:
    r"""The words of a text file, line by line; comments (#) are skipped.

    Raises:
        FormatError: The file cannot be read.

    Example:
        >>> _ = Path("07.asf").write_text(":name VICON\n# units\n:units\n")
        >>> list(WordLines("07.asf"))
        [[':name', 'VICON'], [':units']]
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.number = 0
        self._text = read_text(path).split("\n")
        self._words = self._split()

    def _split(self) -> Iterator[list[str]]:
        for number, line in enumerate(self._text, 1):
            self.number = number
            if (words := line.split()) and not words[0].startswith("#"):
                yield words

    def __iter__(self) -> Iterator[list[str]]:
        return self._words

    def error(self, text: str) -> FormatError:
        """An error that names the file and the last line read."""
        return FormatError(f"{self.path}, line {self.number}: {text}")

    def unexpected(self, expected: str, words: Sequence[str]) -> FormatError:
        """An error that says what was expected and quotes the words that were given instead."""
        return self.error(f"expected {expected}, got {' '.join(words)[:SHOWN_TEXT]!r}")

    def numbers(self, words: Sequence[str], count: int) -> Float[ndarray, " _"]:
        """Convert words to exactly `count` finite numbers.

        Raises:
            FormatError: A word is not a finite number, or the number of words differs.
        """
        try:
            return numbers(words, count)
        except ValueError as problem:
            raise self.unexpected(str(problem), words) from None


def numbers(words: Sequence[str], count: int) -> Float[ndarray, " _"]:
    """Convert words to exactly `count` finite numbers.

    Raises:
        ValueError: A word is not a finite number, or the number of words differs. The message says what was expected.

    Example:
        >>> numbers(["1", "2.5"], 2).tolist()
        [1.0, 2.5]
    """
    try:
        refuse_underscores(*words)
        values = np.array(words, dtype=np.float64)
    except ValueError:
        raise ValueError("numbers") from None
    if len(values) != count or not np.isfinite(values).all():
        raise ValueError(f"{count} finite numbers")
    return values


def refuse_underscores(*texts: str) -> None:
    """Raise a ValueError for ``1_000``, which Python takes for a number.

    Example:
        >>> refuse_underscores("1.5", "2")
    """
    if wrong := next((text for text in texts if "_" in text), None):
        raise ValueError(f"could not convert string to float: {wrong!r}")


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


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
            refuse_underscores(*cells)
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
