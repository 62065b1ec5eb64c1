"""The formats in which a motion can be written, by file suffix (:data:`WRITERS`)."""

from collections.abc import Callable
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple

from poseglass.files.extras import require

__all__ = [
    "EXPORT",
    "PLAYER",
    "READER",
    "WRITERS",
    "Writer",
    "imported",
    "suffix_of",
    "writer_of",
    "writers_in_words",
]


class Writer(NamedTuple):
    """One kind of output file. Functions are given as ``module:name`` and imported on first use.

    Args:
        contents: What the file contains, in the words of ``poseglass lift --help``.
        home: The function that writes the file, completely or not at all, given the motion and the path.
        draws: What it draws, if it draws pictures: every frame (a movie), or a few (a sheet). If so, it also takes
            `video`: the video that the motion was lifted from, a spool of its pictures, or None.
        embeds: Whether it can store a small copy of the video. If so, it also takes `video`.
        several: Whether one file holds several people. If so, the function also takes a list of motions.
        exports: Whether it also takes an :data:`EXPORT` instead of the motion. Several such files then share the work.
        package: An optional package that it needs.
    """

    contents: str
    home: str
    draws: Literal["movie", "sheet"] | None = None
    several: bool = False
    embeds: bool = False
    exports: bool = False
    package: str | None = None

    def load(self) -> Callable[..., Any]:
        """Import the function.

        Raises:
            PoseglassError: A package that it needs is not installed.
        """
        if self.package is not None:
            require(self.package)
        return imported(self.home)


WRITERS: dict[str, Writer] = {
    ".npz": Writer("the motion", "body.pose_file:write_npz"),
    ".json": Writer("the motion", "body.pose_file:write_json", several=True),
    ".csv": Writer("the motion", "motion.table_file:write_table"),
    ".bvh": Writer("an animated skeleton", "motion.exporting:write_bvh", exports=True),
    ".glb": Writer("an animated skeleton", "motion.exporting:write_glb", exports=True),
    ".amass.npz": Writer("rotations for SMPL", "motion.exporting:write_amass", exports=True),
    ".trc": Writer("points", "motion.exporting:write_trc", exports=True),
    ".c3d": Writer("points", "motion.exporting:write_c3d", exports=True, package="c3d"),
    ".mot": Writer("joint angles", "motion.exporting:write_mot", exports=True),
    ".mp4": Writer("pictures", "show.rendering:render", draws="movie", several=True),
    ".png": Writer("pictures", "show.rendering:render", draws="sheet", several=True),
    ".html": Writer("a 3D player", "show.viewer:write_page", several=True, embeds=True),
}

READER = "body.pose_file:read_pose_file"
"""The function that reads a motion's own files, ``.npz`` and ``.json``, back."""

EXPORT = "motion.exporting:Export"
"""The class that prepares a motion for other programs: upright, with a rig and angles, each computed once."""


PLAYER = "show.viewer:frame_for_notebook"
"""The function that gives a motion's player as an HTML element for a notebook."""


def imported(home: str) -> Callable[..., Any]:
    """Import a function or class given as ``module:name``. Importing fails if a package that it needs is missing."""
    module, _, name = home.partition(":")
    function: Callable[..., Any] = getattr(import_module(f"poseglass.{module}"), name)
    return function


def suffix_of(path: str | PathLike[str]) -> str:
    """The longest suffix of :data:`WRITERS` in which a file's name ends, as it is spelled in the name; "" if none.

    Example:
        >>> suffix_of("walk.amass.npz"), suffix_of("walk.v2.NPZ"), suffix_of("walk.fbx")
        ('.amass.npz', '.NPZ', '')
    """
    name = Path(path).name
    length = max((len(suffix) for suffix in WRITERS if name.lower().endswith(suffix)), default=0)
    return name[len(name) - length :]


def writer_of(path: str | PathLike[str]) -> Writer | None:
    """The row of :data:`WRITERS` for a file; None if its suffix is unknown."""
    return WRITERS.get(suffix_of(path).lower())


def writers_in_words() -> str:
    """The suffixes and what the files contain, for ``--help``.

    Example:
        >>> writers_in_words()[:62]
        '.npz .json .csv (the motion), .bvh .glb (an animated skeleton)'
    """
    groups: dict[str, list[str]] = {}
    for suffix, writer in WRITERS.items():
        groups.setdefault(writer.contents, []).append(suffix)
    return ", ".join(f"{' '.join(suffixes)} ({contents})" for contents, suffixes in groups.items())
