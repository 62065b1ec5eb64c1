"""The formats in which a motion can be written, by file suffix (:data:`WRITERS`)."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["PLAYER", "READER", "WRITERS", "Writer", "imported", "writers_in_words"]


class Writer(NamedTuple):
    """One kind of output file. Functions are given as ``module:name`` and imported on first use.

    Args:
        contents: What the file contains, in the words of ``poseglass lift --help``.
        home: The function that writes the file, completely or not at all, given the motion and the path.
        draws: Whether it draws pictures. If so, it also takes `video`: the path of the video that the motion was lifted
            from, or None.
        several: Whether one file holds several people. If so, the function also takes a list of motions.
    """

    contents: str
    home: str
    draws: bool = False
    several: bool = False


WRITERS: dict[str, Writer] = {
    ".npz": Writer("the motion", "body.pose_file:write_npz"),
    ".json": Writer("the motion", "body.pose_file:write_json", several=True),
    ".csv": Writer("the motion", "motion.table_file:write_table"),
    ".mp4": Writer("pictures", "show.rendering:render", draws=True, several=True),
    ".png": Writer("pictures", "show.rendering:render", draws=True, several=True),
    ".html": Writer("a 3D player", "show.viewer:write_page", several=True),
}

READER = "body.pose_file:read_pose_file"
"""The function that reads a motion's own files, ``.npz`` and ``.json``, back."""


PLAYER = "show.viewer:frame_for_notebook"
"""The function that gives a motion's player as an HTML element for a notebook."""


def imported(home: str) -> Callable[..., Any]:
    """Import a function given as ``module:name``. Importing fails if a package that it needs is missing."""
    module, _, name = home.partition(":")
    function: Callable[..., Any] = getattr(import_module(f"poseglass.{module}"), name)
    return function


def writers_in_words() -> str:
    """The suffixes and what the files contain, for ``--help``.

    Example:
        >>> writers_in_words()
        '.npz .json .csv (the motion), .mp4 .png (pictures), .html (a 3D player)'
    """
    groups: dict[str, list[str]] = {}
    for suffix, writer in WRITERS.items():
        groups.setdefault(writer.contents, []).append(suffix)
    return ", ".join(f"{' '.join(suffixes)} ({contents})" for contents, suffixes in groups.items())
