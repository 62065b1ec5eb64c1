"""Images in a folder, or whose names follow a pattern, as the frames of a video."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from poseglass.errors import VideoError
from poseglass.video.clock import GUESSED
from poseglass.video.footage import Footage, TimedImage
from poseglass.video.info import VideoInfo

__all__ = ["ImageFiles", "image_paths", "is_pattern"]

SUFFIXES = (".avif", ".bmp", ".heic", ".heif", ".jpeg", ".jpg", ".jxl", ".png", ".ppm", ".tif", ".tiff", ".webp")
RATE = 30.0
"""Frames per second of images, unless given."""
NUMBER = re.compile(r"%0?(\d{0,2})d")  # as in FFmpeg's patterns: %d, %4d or %04d


def is_pattern(path: Path) -> bool:
    """Whether a path stands for several files: ``frames/*.png`` or ``frames/%04d.png``, and is not itself a file.

    Example:
        >>> is_pattern(Path("frames/*.png")), is_pattern(Path("frames/%04d.png")), is_pattern(Path("walk.mp4"))
        (True, True, False)
    """
    name = path.name
    return ("*" in name or "?" in name or NUMBER.search(name) is not None) and not path.exists()


def image_paths(path: Path) -> list[Path]:
    """The images of a folder or a pattern in natural order, so that 9 comes before 10; empty if there are none.

    Hidden files are left out; of a folder, so are files whose suffix is not an image's.

    Example:
        >>> image_paths(Path("no_such_folder"))
        []
    """
    folder, name = (path, "*") if path.is_dir() else (path.parent, path.name)
    if not folder.is_dir():
        return []
    # Square brackets have no special meaning: they are common in names.
    pattern = re.escape(name).replace(r"\*", ".*").replace(r"\?", ".")
    number = NUMBER.search(name)
    if number is not None and "*" not in name:
        digits = rf"\d{{{int(number[1])},}}" if number[1] else r"\d+"
        pattern = re.escape(name[: number.start()]) + digits + re.escape(name[number.end() :])
    matching = re.compile(pattern)
    images = [
        file
        for file in folder.iterdir()
        if not file.name.startswith(".")
        and matching.fullmatch(file.name)
        and (path != folder or file.suffix.lower() in SUFFIXES)
        and file.is_file()
    ]
    return sorted(images, key=lambda file: _natural(file.name))


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by their value."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part.casefold()) for part in parts] + [
        (-1, name)
    ]


class ImageFiles(Footage):
    """Several image files of equal size, one frame each, evenly spaced. An unreadable one leaves a gap in the clock.

    Args:
        path: The folder or the pattern.
        fps: Frames per second. Default: 30, as a guess.
        opened: Opens one image.

    Raises:
        VideoError: There are no images, or the first cannot be read.
    """

    def __init__(self, path: Path, *, fps: float | None, opened: Callable[[Path], Footage]) -> None:
        self._paths = paths = image_paths(path)
        if not paths:
            raise VideoError(
                f"{path} is a folder without images; give a video file, or a folder of images"
                if path.is_dir()
                else f"there is no file {path}, and no image matches it"
            )
        self._opened, self._rate = opened, fps or RATE
        self._first: Footage | None = opened(paths[0])
        first = self._first.info
        if first.frames != 1:
            self._first.close()
            raise VideoError(f"{paths[0]} is not a single image; give one video file, or images only")
        guess = GUESSED.format(path=path, rate=RATE)
        self.info = VideoInfo(
            size=first.size,
            fps=self._rate,
            frames=len(paths),
            duration=len(paths) / self._rate,
            focal=first.focal,
            guesses=first.guesses if fps or len(paths) == 1 else (*first.guesses, guess),
        )

    def images(self, size: tuple[int, int]) -> Iterator[TimedImage]:
        """Yield the images; see :meth:`Footage.images`.

        Raises:
            VideoError: An image has another size.
        """
        for number, path in enumerate(self._paths):
            try:
                image, self._first = self._first or self._opened(path), None
            except VideoError as problem:
                self.fault = str(problem)
                continue
            try:
                if image.info.size != self.info.size:
                    one, other = ("{} x {}".format(*info.size) for info in (image.info, self.info))
                    raise VideoError(
                        f"images of one video must have the same size, but {path} has {one} pixels and "
                        f"{self._paths[0]} has {other}"
                    )
                for shown in image.images(size):
                    yield TimedImage(shown.image, number / self._rate)
                self.fault = image.fault or self.fault
            finally:
                image.close()

    def close(self) -> None:
        """Close the file that is open."""
        if self._first is not None:
            self._first.close()
            self._first = None
