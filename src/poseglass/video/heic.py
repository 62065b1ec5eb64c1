"""HEIC images in tiles, as phones take them. FFmpeg does not join the tiles, so libheif reads them (pi-heif)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from poseglass.errors import VideoError
from poseglass.video.footage import Footage, TimedImage
from poseglass.video.info import VideoInfo

__all__ = ["TiledHeic", "is_cut_off"]

# What pi-heif raises for damaged files, tried with 15,000 of them.
DAMAGE = (OSError, ValueError, EOFError, IndexError, RuntimeError, SyntaxError, MemoryError)


class TiledHeic(Footage):
    """One HEIC image, upright.

    Args:
        path: The file.

    Raises:
        VideoError: It cannot be read, or pi-heif is missing.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pi_heif
        except ImportError as missing:
            raise VideoError(
                f'{path} is a HEIC image in tiles, which needs pi-heif: run pip install "poseglass[heic]", or save the '
                "image as JPEG"
            ) from missing
        try:
            # libheif turns and mirrors the image as the file says.
            self._image = pi_heif.open_heif(str(path), convert_hdr_to_8bit=True).to_pillow().convert("RGB")
        except DAMAGE as problem:
            raise VideoError(f"{path} cannot be read as a HEIC image ({problem}); save it as JPEG") from problem
        self.info = VideoInfo(self._image.size, 30.0, 1, None)
        self.fault = "some tiles are missing" if is_cut_off(path) else None  # libheif leaves them black

    def images(self, size: tuple[int, int]) -> Iterator[TimedImage]:
        """Yield the image; see :meth:`Footage.images`."""
        yield TimedImage(np.array(self._image if self._image.size == size else self._image.resize(size)), None)

    def close(self) -> None:
        """Nothing is open."""


def is_cut_off(path: Path) -> bool:
    """Whether a box ends beyond the file or is too short to be one.

    A box starts with its length and its name; after a length of 1, the real length follows (ISO 14496-12, 4.2).
    """
    size, start = path.stat().st_size, 0
    with path.open("rb") as file:
        while start < size:
            file.seek(start)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 0:  # until the end of the file
                return False
            if length == 1:
                length = int.from_bytes(head[8:], "big")
            if length < 8:
                return True
            start += length
    return start > size
