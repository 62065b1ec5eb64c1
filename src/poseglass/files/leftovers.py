"""Temporary files and folders that a later run removes if the run that created them was killed.

Their names start with :data:`PREFIX`, and the run that works on one holds a lock on it. The operating system releases
the lock when the run ends, even if it is killed. Windows and some network drives have no such locks; there, nothing is
removed.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

__all__ = ["PREFIX", "remove_leftovers", "temporary_file", "temporary_folder"]

PREFIX = ".poseglass-"
"""How the names of temporary files and folders start. A random number and the suffix of the final name follow."""

CLOSED = -1
"""No file descriptor: a descriptor that was closed may by then be that of another file."""


def temporary_file(folder: Path, suffix: str = "") -> AbstractContextManager[Path]:
    """An empty file for the block, with the permissions of an ordinary new file. It may be renamed within the block.

    Leftovers of killed runs in the folder are removed first.

    Args:
        folder: Where to create it.
        suffix: How its name ends.

    Raises:
        OSError: It cannot be created.

    Example:
        >>> with temporary_file(Path(), ".txt") as path:
        ...     path.exists(), path.suffix
        (True, '.txt')
    """
    return _held(folder, suffix, create=_new_file, remove=lambda path: path.unlink(missing_ok=True))


def temporary_folder(parent: Path) -> AbstractContextManager[Path]:
    """An empty folder for the block. It may be renamed within the block, and is removed after it otherwise.

    Leftovers of killed runs beside it are removed first.

    Raises:
        OSError: It cannot be created.
    """
    return _held(parent, "", create=_new_folder, remove=lambda path: shutil.rmtree(path, ignore_errors=True))


@contextmanager
def _held(
    folder: Path, suffix: str, *, create: Callable[[Path], int], remove: Callable[[Path], None]
) -> Iterator[Path]:
    """A new path that is locked for the block and removed after it; `create` returns its file descriptor."""
    remove_leftovers(folder)
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(8)}{suffix}"
        handle = create(path)
        try:
            if not _locked(handle, path):
                continue
            yield path
            return
        finally:
            _close(handle)
            remove(path)


def _new_file(path: Path) -> int:
    handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o666)
    if sys.platform == "win32":  # which renames no open file
        os.close(handle)
        return CLOSED
    return handle


def _new_folder(path: Path) -> int:
    path.mkdir()
    return CLOSED if sys.platform == "win32" else os.open(path, os.O_RDONLY)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders in a folder that no process works on any more.

    Nothing else is touched, and what cannot be removed stays.
    """
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(folder) as entries:
        left = [Path(entry.path) for entry in entries if entry.name.startswith(PREFIX) and not entry.is_symlink()]
        for path in left:
            _remove_unless_held(path)


def _remove_unless_held(path: Path) -> None:
    import fcntl

    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe of that name would block
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        finally:
            os.close(handle)


def _locked(handle: int, path: Path) -> bool:
    """Lock a new file or folder; False if another run took it for a leftover and removed it just before."""
    if sys.platform == "win32":
        return True
    import fcntl

    with suppress(OSError):  # this drive has no locks
        fcntl.flock(handle, fcntl.LOCK_EX)
    return path.exists()


def _close(handle: int) -> None:
    if handle != CLOSED:
        os.close(handle)
