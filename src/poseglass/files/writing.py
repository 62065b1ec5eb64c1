"""Atomic writes, and a per-folder lock."""

import errno
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poseglass.errors import PoseglassError

__all__ = ["check_writable", "folder_lock", "writing"]

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
        folder = next(folder for folder in path.absolute().parents if folder.exists())
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
    replaces `path` if the block succeeds, and is removed if it fails. Missing folders are created.

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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{secrets.token_hex(8)}{path.suffix}"
        temporary.touch(exist_ok=False)  # with the permissions of an ordinary new file, unlike one of `tempfile`
    except OSError as problem:
        raise _cannot(path, problem, error) from None
    try:
        yield temporary
        temporary.replace(path)
    except OSError as problem:
        raise _cannot(path, problem, error) from problem
    finally:
        temporary.unlink(missing_ok=True)


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


def _cannot(path: Path, problem: OSError, error: type[PoseglassError]) -> PoseglassError:
    remedy = "free some space, or choose another place" if problem.errno in NO_SPACE else "choose another place"
    return error(f"cannot write {path}: {problem.strerror or problem}; {remedy}")
