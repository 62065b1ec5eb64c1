"""Format tables as aligned text, Markdown or CSV. Every table that this package prints is formatted here.

A table is a list of rows of cells. The first row is the heading, and all rows have the same length. Control characters
are escaped in text and Markdown (:func:`poseglass.files.printable.printable`).
"""

import csv
import io
from collections.abc import Sequence

from poseglass.files.printable import printable

__all__ = ["Rows", "csv_table", "markdown_table", "text_table"]

Rows = Sequence[Sequence[str]]


def text_table(rows: Rows, *, left: int = 1) -> str:
    """Format a table as text with aligned columns.

    Args:
        rows: The heading and the rows below it.
        left: The number of columns that are aligned to the left. The others are aligned to the right.

    Example:
        >>> print(text_table([["", "frames"], ["Walking", "1,200"], ["Sitting", "90"]]))
                 frames
        Walking   1,200
        Sitting      90
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown_table(rows: Rows) -> str:
    r"""Format a table as Markdown. A ``|`` within a cell is escaped.

    Example:
        >>> print(markdown_table([["model", "mm"], ["a|b", "44.4"]]))
        | model | mm |
        |---|---|
        | a\|b | 44.4 |
    """
    columns = [*zip(*rows, strict=True)]
    head, *body = ["| " + " | ".join(printable(cell).replace("|", r"\|") for cell in row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(columns), *body])


def csv_table(rows: Sequence[Sequence[object]]) -> str:
    """Format a table as CSV (RFC 4180, lines end in a line feed). Numbers keep all their digits.

    Example:
        >>> csv_table([["name", "mm"], ["Walking, 2", 0.1]])
        'name,mm\\n"Walking, 2",0.1\\n'
    """
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
