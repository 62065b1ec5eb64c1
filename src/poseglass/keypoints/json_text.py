"""Parse JSON in bounded memory: lists of numbers become arrays as soon as they are read.

Python's own lists take 32 bytes per number, arrays 8. A list at the top or one level below, which most tools write with
one item per frame or person, is read item by item, so its text is never held as a whole. Of a list at the top, items
can be taken one by one, so that only what is needed of each is kept.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from poseglass.errors import FormatError

__all__ = ["encoding_of", "is_list", "json_items", "parse_json"]

CHUNK = 1 << 20
"""Characters read at a time."""
DELIMITERS = tuple(" \t\n\r,]}")
LONG = 8
"""Lists of at least this many numbers, or rows of numbers, become arrays. Shorter ones are boxes and sizes."""


def encoding_of(path: Path) -> str:
    """The encoding of a text file: UTF-16 if its byte-order mark says so, as Windows PowerShell writes; else UTF-8."""
    with path.open("rb") as file:
        start = file.read(2)
    return "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def parse_json(path: Path, place: str) -> Any:
    """The whole content of a JSON file. Long lists of numbers are numpy arrays in the result, in which null is NaN.

    Args:
        path: The file.
        place: What error messages call it.

    Raises:
        FormatError: The file cannot be read or is not valid JSON. The message gives the line and column.
    """
    with _opened(path, place) as parser:
        return parser.content()


def json_items(path: Path, place: str) -> Iterator[Any]:
    """Yield the items of a list in a JSON file one by one, or the values of a ``.jsonl`` file with one value per line.

    Args:
        path: The file; :func:`is_list` must be true for it.
        place: What error messages call it.

    Raises:
        FormatError: As for :func:`parse_json`, when the damaged place is reached.
    """
    with _opened(path, place) as parser:
        yield from parser.items()


def is_list(path: Path, place: str) -> bool:
    """Whether a JSON file holds a list, or a value per line; only the start of the file is read.

    Raises:
        FormatError: The file cannot be read or is empty.
    """
    with _opened(path, place) as parser:
        return parser.is_list()


@contextmanager
def _opened(path: Path, place: str) -> Iterator["_Parser"]:
    """A parser of the file, whose errors are turned into sentences about the place."""
    try:
        with path.open(encoding=encoding_of(path)) as file:
            yield _Parser(file, lines=path.suffix.lower() == ".jsonl")
    except _InvalidError as problem:
        raise FormatError(f"{place} is not valid JSON: {problem}") from None
    except UnicodeError:
        raise FormatError(f"{place} is not valid JSON: it is not UTF-8 text") from None
    except RecursionError:
        raise FormatError(f"{place} nests lists more deeply than any keypoint file does") from None
    except (OSError, ValueError) as problem:  # ValueError: a number with thousands of digits
        raise FormatError(f"{place} cannot be read: {problem}") from None


class _InvalidError(Exception):
    """The text is not JSON."""


class _Parser:
    """Parses a stream, of which it holds only what is not parsed yet.

    Args:
        file: The stream.
        lines: Whether the values stand alone, one per line, and not in a list.
    """

    def __init__(self, file: TextIO, *, lines: bool) -> None:
        self._file, self._lines = file, lines
        self._decoder = json.JSONDecoder(object_hook=_compact_object)
        self._text, self._position, self._ended = "", 0, False
        self._line, self._column = 0, 0  # of the start of the text held

    def is_list(self) -> bool:
        """Whether the stream holds a list."""
        if (start := self._next()) == "" and not self._lines:
            raise _InvalidError("it is empty")
        return self._lines or start == "["

    def items(self) -> Iterator[Any]:
        """The items of the list that the stream holds."""
        if not self._lines:
            self.is_list()
            self._position += 1
        yield from self._values(end="" if self._lines else "]")
        self._check_end()

    def content(self) -> Any:
        """The content of the whole stream."""
        if self.is_list():
            return _compact(list(self.items()))
        value = self._object() if self._next() == "{" else self._value()
        self._check_end()
        return value

    def _object(self) -> dict[str, Any]:
        """An object, of which lists are read item by item."""
        self._position += 1
        content: dict[str, Any] = {}
        while (letter := self._next()) != "}":
            if content:
                if letter != ",":
                    raise self._problem("Expecting ',' delimiter", self._position)
                self._position += 1
                letter = self._next()
            if letter != '"':
                raise self._problem("Expecting property name enclosed in double quotes", self._position)
            key = self._value()
            if self._next() != ":":
                raise self._problem("Expecting ':' delimiter", self._position)
            self._position += 1
            if self._next() == "[":
                self._position += 1
                content[key] = _compact(list(self._values(end="]")))
            else:
                content[key] = self._value()
        self._position += 1
        return content

    def _check_end(self) -> None:
        if self._next() != "":
            raise self._problem("Extra data", self._position)

    def _values(self, end: str) -> Iterator[Any]:
        """The values up to the end of the list, or of the stream if `end` is empty."""
        first = True
        while (letter := self._next()) != end:
            if not self._lines and not first:
                if letter != ",":
                    raise self._problem("Expecting ',' delimiter", self._position)
                self._position += 1
                self._next()
            yield _compact(self._value())
            first = False
        self._position += len(end)

    def _value(self) -> Any:
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._position)
            except json.JSONDecodeError as problem:
                if self._ended:
                    raise self._problem(problem.msg, problem.pos) from None
            else:
                if self._ended or self._text[end : end + 1] in DELIMITERS:  # else a number may go on
                    self._position = end
                    return value
            self._fill()

    def _next(self) -> str:
        """The next letter that is not white space; empty at the end of the stream."""
        while True:
            rest = len(self._text)
            while self._position < rest and self._text[self._position] in " \t\n\r":
                self._position += 1
            if self._position < rest:
                return self._text[self._position]
            if self._ended:
                return ""
            self._fill()

    def _fill(self) -> None:
        """Read on, at least as much again as is held, so that a long value is not parsed again too often."""
        done, rest = self._text[: self._position], self._text[self._position :]
        self._line, self._column = self._place(done)
        chunk = self._file.read(max(CHUNK, len(rest)))
        self._text, self._position, self._ended = rest + chunk, 0, not chunk

    def _place(self, done: str) -> tuple[int, int]:
        lines = done.count("\n")
        return self._line + lines, len(done) - done.rfind("\n") - 1 if lines else self._column + len(done)

    def _problem(self, message: str, position: int) -> _InvalidError:
        line, column = self._place(self._text[:position])
        return _InvalidError(
            f"{message} at line {line + 1}, column {column + 1}; was the file cut off while it was written?"
        )


def _compact_object(value: dict[str, Any]) -> dict[str, Any]:
    for key, item in value.items():
        if isinstance(item, list) and len(item) >= LONG:
            value[key] = _compact(item)
    return value


def _compact(value: Any) -> Any:
    """A long list of numbers, or of short rows of numbers, as an array. Anything else is returned unchanged."""
    if not isinstance(value, list) or len(value) < LONG:
        return value
    first = value[0]
    row = first if isinstance(first, list) and len(first) in (1, 2, 3) else [first]
    if not all(item is None or isinstance(item, int | float) for item in row):
        return value
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):  # not numbers only, or rows of different lengths
        return value
    return array if array.ndim == 1 or array.size <= math.prod(array.shape[:2]) * 3 else value
