"""Atomic writes, early checks of output paths, and a per-folder lock."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from poseglass.errors import PoseglassError
from poseglass.files.leftovers import temporary_file

__all__ = ["check_writable", "folder_lock", "is_pipe", "writing"]

STANDARD = ("/dev/stdout", "/dev/stderr")
"""Names of streams, which may be files. A process that has them open expects them to be written, not replaced."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_writable(path: str | os.PathLike[str], error: type[PoseglassError] = PoseglassError) -> None:
    """Raise an error now, before long work, if a file could not be written later. Nothing is created or changed.

    Args:
        path: The file.
        error: The class of the error.

    Raises:
        PoseglassError: (or `error`) The path is a folder, or files cannot be created in its folder.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "expected a file, but this is a folder")
        if is_pipe(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        folder = next(folder for folder in _target(path).absolute().parents if folder.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{folder} is a file, not a folder")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        raise _cannot(path, problem, error) from None


@contextmanager
def writing(path: str | os.PathLike[str], error: type[PoseglassError] = PoseglassError) -> Iterator[Path]:
    """Write a file completely or not at all.

    The block gets a temporary path in the same folder and with the same suffix, and writes to it. The temporary file
    replaces `path` if the block succeeds, and is removed if it fails. Missing folders are created. If `path` is a
    symbolic link, its target is replaced. A pipe or device gets the content after the block. Temporary files of killed
    runs in the folder are removed (:mod:`poseglass.files.leftovers`).

    Args:
        path: The file.
        error: The class of the error.

    Raises:
        PoseglassError: (or `error`) The file cannot be written.

    Example:
        >>> with writing("notes.txt") as temporary:
        ...     _ = temporary.write_text("complete")
        >>> Path("notes.txt").read_text()
        'complete'
    """
    path = Path(path)
    pipe = is_pipe(path)
    target = _target(path)
    with ExitStack() as stack:
        try:
            if pipe:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poseglass-")))
            else:
                folder = target.parent
                folder.mkdir(parents=True, exist_ok=True)
            temporary = stack.enter_context(temporary_file(folder, path.suffix))
        except OSError as problem:
            raise _cannot(path, problem, error) from None
        try:
            yield temporary
            if pipe:
                with temporary.open("rb") as content, path.open("wb") as out:
                    shutil.copyfileobj(content, out)
            else:
                temporary.replace(target)
        except OSError as problem:
            raise _cannot(path, problem, error) from problem


@contextmanager
def folder_lock(folder: str | os.PathLike[str], error: type[PoseglassError] = PoseglassError) -> Iterator[None]:
    """Lock a folder so that only this process works in it during the block. A missing folder is created.

    The operating system releases the lock when the process ends, even if it is killed. No file is left in the folder.
    Windows and some network drives have no such locks; there, the folder is not protected.

    Args:
        folder: The folder.
        error: The class of the error.

    Raises:
        PoseglassError: (or `error`) Another process holds the lock, or the folder cannot be created.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise _cannot(folder, problem, error) from None
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise error(
                f"another process is working in {folder}; wait for it, stop it, or choose another folder"
            ) from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


def is_pipe(path: Path) -> bool:
    """Whether this is a pipe, a terminal or another device, or a name of an open file such as ``/dev/stdout``.

    Example:
        >>> is_pipe(Path("/dev/null")), is_pipe(Path("walk.npz"))
        (True, False)
    """
    where = path.absolute()
    names_open_file = str(where) in STANDARD or any(where.is_relative_to(folder) for folder in ("/dev/fd", "/proc"))
    return path.exists() and not path.is_dir() and (names_open_file or not path.is_file())


def _target(path: Path) -> Path:
    """The file that a symbolic link leads to, whether it exists or not; any other path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _cannot(path: Path, problem: OSError, error: type[PoseglassError]) -> PoseglassError:
    remedy = "free some space, or choose another place" if problem.errno in NO_SPACE else "choose another place"
    return error(f"cannot write {path}: {problem.strerror or problem}; {remedy}")
