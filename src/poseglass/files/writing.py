"""Files that are written whole or not at all, and folders that one process at a time works in."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poseglass.errors import PoseglassError

__all__ = ["alone", "as_created", "check_place", "writing"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_place(path: str | os.PathLike[str], error: type[PoseglassError] = PoseglassError) -> None:
    """Say now, before the work that leads to it, that a file cannot be written; nothing is made or changed.

    Raises:
        PoseglassError: (or the `error` given) It is a folder, or its folder is none or cannot be written to.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        folder = next(folder for folder in path.absolute().parents if folder.exists())
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{folder} is a file, not a folder")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        raise _cannot(path, problem, error) from None


@contextmanager
def writing(path: str | os.PathLike[str], error: type[PoseglassError] = PoseglassError) -> Iterator[Path]:
    """A temporary path beside `path`, moved onto it when the block ends well and removed when it does not.

    The temporary name keeps the suffix, so that writers which look at it choose the same format.

    Raises:
        PoseglassError: (or the `error` given) The folder cannot be written to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as problem:
        raise _cannot(path, problem, error) from None
    temporary = Path(name)
    try:
        yield temporary
        as_created(temporary, 0o666)
        temporary.replace(path)
    except OSError as problem:
        raise _cannot(path, problem, error) from problem
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def alone(folder: str | os.PathLike[str], error: type[PoseglassError] = PoseglassError) -> Iterator[None]:
    """Be the only process that works in a folder, which is made where it is not there.

    The system lets go of it when the process ends, however that is; nothing is left in the folder. Where there are no
    such locks (Windows, some network drives) nobody is kept out.

    Raises:
        PoseglassError: (or the `error` given) Another process works in it, or it cannot be made.
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
            raise error(f"another process works in {folder}; wait for it, end it, or choose another folder") from None
        except OSError:
            pass
        yield
    finally:
        os.close(handle)


def as_created(path: Path, mode: int) -> None:
    """Give a temporary file or folder, which is private, the permissions that an ordinary new one would have."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(mode & ~umask)


def _cannot(path: Path, problem: OSError, error: type[PoseglassError]) -> PoseglassError:
    do = "make room, or choose another place" if problem.errno in FULL else "choose another place"
    return error(f"cannot write {path}: {problem.strerror or problem}; {do}")
