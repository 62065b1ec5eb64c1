"""Where commands print: results to standard output, everything else to standard error."""

import logging
import os
import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from poseglass.files.printable import printable

__all__ = ["Teller", "amount", "console", "fail", "interrupted", "tell", "wrong"]


console = Console(stderr=True)


class Teller(logging.Handler):
    """Prints what the library logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as a line."""
        head = "warning: " if record.levelno >= logging.WARNING else ""
        tell(record.getMessage(), head=head, style="yellow")


def tell(text: str, *, head: str = "", style: str = "") -> None:
    """Write to standard error.

    Control characters are escaped (:func:`poseglass.files.printable.printable`), and square brackets are not markup,
    because file names may contain both.
    """
    console.print(Text.assemble((head, style), printable(text)), soft_wrap=True)


def amount(size: int) -> str:
    """A number of bytes in words.

    Example:
        >>> amount(2_500_000), amount(700)
        ('2.5 MB', '0.7 kB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def fail(message: str) -> NoReturn:
    """Print an error and exit with 1."""
    tell(message, head="error: ", style="bold red")
    sys.exit(1)


def interrupted(code: int = 130) -> NoReturn:
    """Print that the command was interrupted and exit: with 130 after Ctrl-C, 143 after SIGTERM."""
    tell("interrupted; no file is left half-written")
    sys.stdout.flush()
    # Not sys.exit: it would wait for the workers of a training run, and an interrupted MediaPipe would crash in it.
    os._exit(code)


def wrong(option: str, message: str) -> NoReturn:
    """Refuse the value of an option: print the usage and exit with 2."""
    raise typer.BadParameter(printable(message), param_hint=f"'{option}'")
