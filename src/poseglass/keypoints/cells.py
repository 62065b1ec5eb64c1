"""Cells of delimited text: commas, semicolons or tabs, decimal points or decimal commas, any byte-order mark."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from poseglass.errors import FormatError
from poseglass.keypoints.json_text import encoding_of

__all__ = ["number", "read_lines"]

SEPARATORS = (",", ";", "\t")
LONGEST = 1 << 20
"""Characters of the first line that are searched for the separator."""

_WORDS = {
    **dict.fromkeys(("", "nan", "na", "n/a", "none", "null", "-", "--"), np.nan),
    "true": 1.0,
    "false": 0.0,
}


def read_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line that is not empty, from 1, and its cells.

    The separator is the one that the first line with content has most of. If it is not the comma, commas in numbers
    become decimal points.

    Raises:
        FormatError: The file is not text, or a cell is damaged.
    """
    try:
        with path.open(newline="", encoding=encoding_of(path)) as file:
            first = file.readline(LONGEST)
            while first and not first.strip():
                first = file.readline(LONGEST)
            file.seek(0)
            separator = max(SEPARATORS, key=first.count)
            reader = csv.reader(file, delimiter=separator)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells if separator == "," else [cell.replace(",", ".") for cell in cells]
    except (OSError, UnicodeError, csv.Error) as problem:
        raise FormatError(f"cannot read the table: {problem}") from None


def number(cells: Sequence[str], index: int, line: int) -> float:
    """The number in a cell: NaN if it is empty or says so in words, 1 for true and 0 for false.

    Raises:
        FormatError: The cell holds something else.
    """
    cell = cells[index]
    try:
        return float(cell)
    except ValueError as problem:
        value = _WORDS.get(cell.strip().lower())
        if value is None:
            raise FormatError(f"line {line}: {problem}") from None
        return value
