"""The output files of ``poseglass lift``: checked before the work, written after it, one per person where needed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from poseglass.commands.terminal import amount, console, tell, wrong
from poseglass.files.outputs import EXPORT, WRITERS, imported, suffix_of, writer_of
from poseglass.files.writing import check_writable

if TYPE_CHECKING:
    from poseglass.body.pose import PoseSequence
    from poseglass.lifting.stopwatch import Stopwatch

__all__ = ["checked_outputs", "person_path", "write_outputs"]


def checked_outputs(paths: Sequence[Path], source: Path) -> list[Path]:
    """The files to write, without repetitions; refused if they cannot be written.

    Pictures come last, so that the motion is written even if drawing fails.
    """
    outputs = sorted(dict.fromkeys(paths), key=_draws)
    for path in outputs:
        writer = writer_of(path)
        if writer is None:
            wrong("--out", f"{path} must end in one of {', '.join(WRITERS)}")
        _refuse_source(path, source)
        check_writable(path)
        if writer.contents != "the motion":
            writer.load()  # raises an error if it needs a missing package
    return outputs


def write_outputs(
    motions: "Sequence[PoseSequence]",
    outputs: Sequence[Path],
    source: Path,
    video: Path | None,
    stopwatch: "Stopwatch",
    *,
    embed: bool = False,
) -> None:
    """Write everybody to every file.

    Args:
        motions: The people, the most prominent first.
        outputs: The files. Where a format holds one person, the others get files of their own (:func:`person_path`).
        source: The file that was lifted, which is never overwritten.
        video: The video that it was lifted from, to draw on; None for keypoints.
        stopwatch: Counts the stages "write" and "draw".
        embed: Whether to store a small copy of the video in the files that can hold one.
    """
    exports: dict[int, Any] = {}  # by person, shared by all files that can, so that a rig is fitted once
    for path in outputs:
        writer = writer_of(path)
        assert writer is not None, "checked by checked_outputs"
        together = writer.several and len(motions) > 1
        for number, motion in enumerate(motions, 1):
            target = path if together else person_path(path, number)
            _refuse_source(target, source)
            with stopwatch.timing("draw" if writer.draws else "write"), console.status(Text(f"writing {target}")):
                content: Any = motions if together else motion
                if writer.exports:
                    content = exports[number] = exports.get(number) or imported(EXPORT)(motion)
                if writer.draws or (writer.embeds and embed):
                    writer.load()(content, target, video=video)
                else:
                    writer.load()(content, target)
            tell(f"wrote {target} ({amount(target.stat().st_size)})")
            if together:
                break


def person_path(path: Path, number: int) -> Path:
    """The file of a person, where a format holds one: the first keeps the name, the others get numbers.

    Example:
        >>> person_path(Path("walk.csv"), 1).name, person_path(Path("walk.amass.npz"), 2).name
        ('walk.csv', 'walk-2.amass.npz')
    """
    if number == 1:
        return path
    suffix = suffix_of(path)
    return path.with_name(f"{path.name.removesuffix(suffix)}-{number}{suffix}")


def _draws(path: Path) -> bool:
    writer = writer_of(path)
    return writer is not None and writer.draws


def _refuse_source(path: Path, source: Path) -> None:
    if path.exists() and source.exists() and path.samefile(source):
        wrong("--out", f"{path} is the file to lift; choose another name")
