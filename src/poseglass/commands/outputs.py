"""The output files of ``poseglass lift``: checked before the work, written after it, one per person where needed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from poseglass.commands.terminal import amount, console, tell, wrong
from poseglass.files.outputs import EXPORT, WRITERS, Writer, imported, suffix_of, writer_of
from poseglass.files.printable import printable
from poseglass.files.writing import check_writable, is_pipe

if TYPE_CHECKING:
    from poseglass.body.pose import PoseSequence
    from poseglass.lifting.source import Keypoints
    from poseglass.lifting.stopwatch import Stopwatch
    from poseglass.video.reading import VideoReader
    from poseglass.video.spool import Spool

__all__ = ["checked_outputs", "person_path", "spooling", "write_outputs"]


def checked_outputs(paths: Sequence[Path], source: Path) -> list[Path]:
    """The files to write, without repetitions; refused if they cannot be written.

    Pictures come last, so that the motion is written even if drawing fails.
    """
    outputs = sorted(dict.fromkeys(paths), key=lambda path: _writer(path).draws is not None)
    for path in outputs:
        writer = _writer(path)
        _refuse_source(path, source)
        check_writable(path)
        if writer.contents != "the motion":
            writer.load()  # raises an error if it needs a missing package
    return outputs


@contextmanager
def spooling(outputs: Sequence[Path], source: "Keypoints | VideoReader", *, embed: bool) -> "Iterator[Spool | None]":
    """Keep the pictures of a video that the outputs need, so that it is decoded only once; None if they need none.

    Args:
        outputs: The files to write. The pictures of movies are kept in the folder of the first one.
        source: The video or the keypoints to lift.
        embed: Whether to store a small copy of the video in the files that can hold one.
    """
    from poseglass.lifting.source import Keypoints

    writers = {path: _writer(path) for path in outputs}
    movies = [path for path, writer in writers.items() if writer.draws == "movie" or (writer.embeds and embed)]
    sheets = any(writer.draws == "sheet" for writer in writers.values())
    if isinstance(source, Keypoints) or not (movies or sheets):
        yield None
        return
    from poseglass.video.spool import Spool

    folder = next((folder for path in movies for folder in path.absolute().parents if folder.exists()), None)
    with Spool(source, every=bool(movies), stills=sheets, folder=folder) as spool:
        yield spool


def write_outputs(
    motions: "Sequence[PoseSequence]",
    outputs: Sequence[Path],
    source: Path,
    video: "Spool | None",
    stopwatch: "Stopwatch",
    *,
    embed: bool = False,
) -> None:
    """Write everybody to every file.

    Args:
        motions: The people, the most prominent first.
        outputs: The files. Where a format holds one person, the others get files of their own (:func:`person_path`).
        source: The file that was lifted, which is never overwritten.
        video: The pictures of the video that it was lifted from, to draw on; None for keypoints.
        stopwatch: Counts the stages "write" and "draw".
        embed: Whether to store a small copy of the video in the files that can hold one.
    """
    files = [
        (target, shown)
        for path in outputs
        for target, shown in (
            [(path, list(motions))]
            if _writer(path).several
            else [(person_path(path, number), [motion]) for number, motion in enumerate(motions, 1)]
        )
    ]
    for target, _ in files:
        _refuse_source(target, source)
    exports: dict[int, Any] = {}  # by person, shared by all files that can, so that a rig is fitted once
    for target, shown in files:
        writer = _writer(target)
        with (
            stopwatch.timing("draw" if writer.draws else "write"),
            console.status(Text(printable(f"writing {target}"))),
        ):
            content: Any = shown if len(shown) > 1 else shown[0]
            if writer.exports:
                key = shown[0].person or 1
                content = exports[key] = exports.get(key) or imported(EXPORT)(content)
            if writer.draws or (writer.embeds and embed):
                writer.load()(content, target, video=video)
            else:
                writer.load()(content, target)
        size = f" ({amount(target.stat().st_size)})" if target.is_file() else ""  # a pipe has none
        tell(f"wrote {target}{size}")


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


def _writer(path: Path) -> Writer:
    """The row of :data:`WRITERS` for a file. Another suffix is refused, except that a pipe gets JSON."""
    writer = writer_of(path) or (WRITERS[".json"] if is_pipe(path) else None)
    if writer is None:
        wrong("--out", f"{path} must end in one of {', '.join(WRITERS)}")
    return writer


def _refuse_source(path: Path, source: Path) -> None:
    if path.exists() and source.exists() and path.samefile(source):
        wrong("--out", f"{path} is the file to lift; choose another name")
