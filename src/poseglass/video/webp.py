"""Animated WebP, which FFmpeg does not read. Pillow decodes the images; each is shown for its own delay."""

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import numpy as np

from poseglass.errors import VideoError
from poseglass.video.clock import mean_rate
from poseglass.video.footage import Footage, TimedImage
from poseglass.video.info import VideoInfo

__all__ = ["AnimatedWebP", "is_animated_webp"]

BLINK = 0.1  # seconds that an image without a delay is shown, as in browsers
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, MemoryError)  # what Pillow raises


def is_animated_webp(path: Path) -> bool:
    """Whether a file is a WebP with several images: a ``VP8X`` chunk with the animation bit (RFC 9649, 2.7)."""
    with path.open("rb") as file:
        start = file.read(21)
    return len(start) == 21 and start[:4] == b"RIFF" and start[8:16] == b"WEBPVP8X" and bool(start[20] & 2)


class AnimatedWebP(Footage):
    """An animated WebP file.

    Args:
        path: The file.

    Raises:
        VideoError: It cannot be read, or Pillow is missing.
    """

    def __init__(self, path: Path) -> None:
        try:
            from PIL import Image
        except ImportError as missing:
            raise VideoError(f'{path} needs Pillow; run pip install "poseglass[video]"') from missing
        try:
            self._image: Image.Image = Image.open(path, formats=["WEBP"])
            delays = _delays(path)
        except (*DAMAGE, Image.DecompressionBombError) as problem:
            raise VideoError(
                f"{path} cannot be read as an animated WebP ({problem}); check that it is complete"
            ) from problem
        self._stamps = [0.0, *accumulate(delays)]
        count = getattr(self._image, "n_frames", 1)
        duration = self._stamps[-1] if len(delays) == count else None
        self.info = VideoInfo(self._image.size, mean_rate(self._stamps) or 1 / BLINK, count, duration)

    def images(self, size: tuple[int, int]) -> Iterator[TimedImage]:
        """Yield the images; see :meth:`Footage.images`."""
        for number in range(self.info.frames or 1):
            try:
                self._image.seek(number)
                image = self._image.convert("RGB")
            except DAMAGE as problem:
                self.fault = str(problem)
                return
            stamp = self._stamps[number] if number < len(self._stamps) else None
            yield TimedImage(np.array(image if image.size == size else image.resize(size)), stamp)

    def close(self) -> None:
        """Close the file."""
        self._image.close()


def _delays(path: Path) -> list[float]:
    """Seconds that each image is shown: from the ``ANMF`` chunks (RFC 9649, 2.7.1.1)."""
    delays, end = list[float](), path.stat().st_size
    with path.open("rb") as file:
        file.seek(12)
        while file.tell() + 8 <= end:
            kind, length = file.read(4), int.from_bytes(file.read(4), "little")
            after = file.tell() + length + length % 2
            if kind == b"ANMF":
                delays.append(int.from_bytes(file.read(16)[12:15], "little") / 1000 or BLINK)
            file.seek(after)
    return delays
