"""What a motion can be written as, by the suffix of the file: :data:`WRITERS` is the one list of it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["WRITERS", "Writer", "load_writer", "writers_in_words"]


class Writer(NamedTuple):
    """One kind of output file. Functions and classes are named ``module:name`` and imported on first use.

    Args:
        contents: What is in the file, as ``poseglass lift --help`` says it.
        home: Writes the whole file or nothing, given the motion and the path.
        draws: Whether it draws pictures. It then also takes the path of the video the motion was lifted from, or None,
            as `video`.
        live: Draws the motion while it is still being lifted: a class like
            :class:`poseglass.show.rendering.movie.Movie`.
    """

    contents: str
    home: str
    draws: bool = False
    live: str | None = None


WRITERS: dict[str, Writer] = {
    ".npz": Writer("the motion", "body.pose:write_npz"),
    ".json": Writer("the motion", "body.pose:write_json"),
    ".csv": Writer("the motion", "body.pose:write_csv"),
    ".mp4": Writer("pictures", "show.rendering:render", draws=True, live="show.rendering:Movie"),
    ".png": Writer("pictures", "show.rendering:render", draws=True),
    ".html": Writer("a 3D player", "show.viewer:write_page"),
}


def load_writer(home: str) -> Callable[..., Any]:
    """Import what a :class:`Writer` names; raises its error if it needs a package that is missing."""
    module, _, name = home.partition(":")
    writer: Callable[..., Any] = getattr(import_module(f"poseglass.{module}"), name)
    return writer


def writers_in_words() -> str:
    """The suffixes and what is in the files, as for ``--help``.

    Example:
        >>> writers_in_words()
        '.npz .json .csv (the motion), .mp4 .png (pictures), .html (a 3D player)'
    """
    groups: dict[str, list[str]] = {}
    for suffix, writer in WRITERS.items():
        groups.setdefault(writer.contents, []).append(suffix)
    return ", ".join(f"{' '.join(suffixes)} ({contents})" for contents, suffixes in groups.items())
