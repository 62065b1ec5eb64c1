"""The output files of ``poseglass lift``: checked before the work, written after it, one per person where needed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from poseglass.commands.terminal import amount, console, tell, wrong
from poseglass.files.outputs import WRITERS, imported
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
        writer = WRITERS.get(path.suffix.lower())
        if writer is None:
            wrong("--out", f"{path} must end in one of {', '.join(WRITERS)}")
        _refuse_source(path, source)
        check_writable(path)
        if writer.contents != "the motion":
            imported(writer.home)  # raises an error if it needs a missing package
    return outputs


def write_outputs(
    motions: "Sequence[PoseSequence]", outputs: Sequence[Path], source: Path, video: Path | None, stopwatch: "Stopwatch"
) -> None:
    """Write everybody to every file.

    Args:
        motions: The people, the most prominent first.
        outputs: The files. Where a format holds one person, the others get files of their own (:func:`person_path`).
        source: The file that was lifted, which is never overwritten.
        video: The video that it was lifted from, to draw on; None for keypoints.
        stopwatch: Counts the stages "write" and "draw".
    """
    for path, content in _files(motions, outputs):
        _refuse_source(path, source)
        writer = WRITERS[path.suffix.lower()]
        with stopwatch.timing("draw" if writer.draws else "write"), console.status(Text(f"writing {path}")):
            if writer.draws:
                imported(writer.home)(content, path, video=video)
            else:
                imported(writer.home)(content, path)
        tell(f"wrote {path} ({amount(path.stat().st_size)})")


def person_path(path: Path, number: int) -> Path:
    """The file of a person, where a format holds one: the first keeps the name, the others get numbers.

    Example:
        >>> person_path(Path("walk.csv"), 1).name, person_path(Path("walk.csv"), 2).name
        ('walk.csv', 'walk-2.csv')
    """
    return path if number == 1 else path.with_stem(f"{path.stem}-{number}")


def _files(
    motions: "Sequence[PoseSequence]", outputs: Sequence[Path]
) -> "Iterator[tuple[Path, PoseSequence | Sequence[PoseSequence]]]":
    for path in outputs:
        if len(motions) == 1 or WRITERS[path.suffix.lower()].several:
            yield path, motions[0] if len(motions) == 1 else motions
        else:
            for number, motion in enumerate(motions, 1):
                yield person_path(path, number), motion


def _draws(path: Path) -> bool:
    writer = WRITERS.get(path.suffix.lower())
    return writer is not None and writer.draws


def _refuse_source(path: Path, source: Path) -> None:
    if path.exists() and source.exists() and path.samefile(source):
        wrong("--out", f"{path} is the file to lift; choose another name")
