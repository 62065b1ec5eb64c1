"""`MotionSource`: the motion files of a folder, each with its subject, take and split, and their description."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path

from poseglass.data.checks.findings import Findings
from poseglass.errors import DataError
from poseglass.mocap.formats import READERS
from poseglass.own.description import FILE, MotionDescription, TakeEntry
from poseglass.own.motion_toml import read_description

__all__ = ["MotionFile", "MotionSource", "action_of", "open_source"]


@dataclass(frozen=True, eq=False)
class MotionFile:
    """A motion file and what is known about it before it is read.

    Args:
        path: The file.
        subject: The person who moves.
        take: The name of the take, unique per subject.
        action: What the person does.
        split: ``train``, ``val`` or ``test``.
        entry: Its entry in the description.
        is_cmu: Whether it is one of CMU's recordings, whose subject and take follow from the file name.
    """

    path: Path
    subject: str
    take: str
    action: str
    split: str
    entry: TakeEntry
    is_cmu: bool = False


@dataclass(frozen=True, eq=False)
class MotionSource:
    """A motion file, or a folder of them, with its description.

    Args:
        path: The folder or file.
        description: The description; the default one if there is none.
        described: Whether there is a description.
        files: The motion files, in the order in which they are read.
        findings: Errors in the description.
    """

    path: Path
    description: MotionDescription
    described: bool
    files: tuple[MotionFile, ...]
    findings: Findings = field(default_factory=Findings)

    def is_crossed(self, file: MotionFile) -> bool:
        """Whether the description says that limbs are crossed in a file."""
        return any(_matches(self.path, file.path, pattern) for pattern in self.description.crossed)

    @property
    def folder(self) -> Path:
        """The folder that paths in the description are relative to."""
        return self.path if self.path.is_dir() else self.path.parent


def open_source(path: str | PathLike[str], about: str | PathLike[str] | None = None) -> MotionSource:
    """Find the motion files of a folder, or open a single file.

    Without a description, the subject is the first folder below `path` and the take is the file's name.

    Args:
        path: A folder with or without a ``motion.toml``, a ``motion.toml``, or a motion file.
        about: Path of another description, used instead of the folder's.

    Raises:
        DataError: There is no such folder or file, it holds no motion, or the description cannot be read.

    Example:
        >>> Path("studio/anna").mkdir(parents=True)
        >>> Path("studio/anna/walk 1.csv").touch()
        >>> (file,) = open_source("studio").files
        >>> file.subject, file.take, file.action, file.split
        ('anna', 'walk 1', 'walk', 'train')
    """
    path = Path(path)
    if path.name == FILE:
        path, about = path.parent, path
    if not path.exists():
        raise DataError(f"there is no folder or file {path}")
    if about is None and path.is_dir() and (path / FILE).is_file():
        about = path / FILE
    description, findings = (MotionDescription(), Findings()) if about is None else read_description(about)
    files = tuple(_files(path, description))
    for pattern in description.crossed:
        if not any(_matches(path, file.path, pattern) for file in files):
            findings.error(f"{about}, crossed", f"there is no motion file {pattern!r}")
    return MotionSource(path, description, about is not None, files, findings)


def _matches(source: Path, file: Path, pattern: str) -> bool:
    """Whether a pattern, relative to the source's folder, matches a file."""
    folder = source if source.is_dir() else source.parent
    return file.is_relative_to(folder) and fnmatchcase(file.relative_to(folder).as_posix(), pattern)


def _files(path: Path, description: MotionDescription) -> Iterator[MotionFile]:
    if path.is_file():
        if path.suffix.lower() not in READERS:
            raise DataError(f"{path} has an unknown format; expected one of {', '.join(READERS)}")
        yield _motion_file(path, TakeEntry(path.name), path.stem, path.stem, description)
    elif description.takes:
        for entry in description.takes:
            *folders, _ = Path(entry.file).parts
            subject = folders[0] if folders else path.resolve().name
            file = path / entry.file
            yield _motion_file(file, entry, subject, file.stem, description)
    else:
        files = [file for file in path.rglob("*") if file.suffix.lower() in READERS and file.is_file()]
        if not files:
            raise DataError(f"there are no motion files ({', '.join(READERS)}) in {path} or its subfolders")
        # If two files hold the same take, the first is used. AMC files have all bones; CMU's BVH files lack some.
        for file in sorted(files, key=lambda file: (file.suffix.lower() != ".amc", str(file))):
            *folders, _ = file.relative_to(path).parts
            subject = folders[0] if folders else path.resolve().name
            take = " ".join([*folders[1:], file.stem])
            yield _motion_file(file, TakeEntry(file.name), subject, take, description)


def _motion_file(path: Path, entry: TakeEntry, subject: str, take: str, description: MotionDescription) -> MotionFile:
    """A motion file whose entry overrides the subject and take that follow from its path."""
    subject, take = entry.subject or subject, entry.take or take
    return MotionFile(path, subject, take, entry.action or action_of(take), description.split_of(subject), entry)


def action_of(take: str) -> str:
    """What a take shows: its name without a number at the end.

    Example:
        >>> action_of("walk 1"), action_of("12")
        ('walk', '12')
    """
    return re.sub(r"[\s_.-]*\d+$", "", take) or take
