"""Zip archives, checked before anything in them is unpacked."""

import zipfile
from os import PathLike
from pathlib import Path

from poseglass.errors import FormatError

__all__ = ["check_archive"]

MOST_GROWTH = 100
"""Bytes unpacked per byte of the archive. Arrays of numbers shrink to a tenth at best, unless they are constant."""
UNSUSPICIOUS = 1 << 28
"""Bytes that any archive may unpack to: 256 MiB."""


def check_archive(archive: zipfile.ZipFile, path: str | PathLike[str]) -> None:
    """Refuse an archive that unpacks to far more than its size, by its own directory.

    No member is ever read beyond the size that the directory states, so the directory cannot understate it.

    Args:
        archive: The open archive.
        path: Its file.

    Raises:
        FormatError: It would unpack to more than 256 MiB and a hundred times the size of the file.

    Example:
        >>> import numpy as np
        >>> np.savez_compressed("walk.npz", points=np.zeros(1000))
        >>> with zipfile.ZipFile("walk.npz") as archive:
        ...     check_archive(archive, "walk.npz")
    """
    unpacked, size = sum(member.file_size for member in archive.infolist()), Path(path).stat().st_size
    if unpacked > max(UNSUSPICIOUS, MOST_GROWTH * size):
        raise FormatError(
            f"the archive of {size / 1e6:.1f} MB would unpack to {unpacked / 1e6:.0f} MB, which no file of arrays does"
        )
