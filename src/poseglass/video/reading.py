"""Read a video, or a list of images, as frames with times."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.video.clock import FrameTimes
from poseglass.video.container import Container, TiledImageError
from poseglass.video.footage import Footage
from poseglass.video.heic import TiledHeic
from poseglass.video.image_files import ImageFiles, is_pattern
from poseglass.video.live import refuse_live
from poseglass.video.webp import AnimatedWebP, is_animated_webp

__all__ = ["Frame", "VideoReader", "size_within"]

LOWEST, HIGHEST = 0.01, 1000.0  # frames per second that may be given


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a video, RGB (height, width, 3), and the time it is shown at, in seconds since the first."""

    image: UInt8[ndarray, "_ _ 3"]
    seconds: float


class VideoReader:
    """The frames of a video, of a single image or of several images, upright and in order.

    Each iteration starts at the first frame. Times start at 0 and always increase, whatever the file says. A damaged
    file yields the frames that can be read, and :attr:`problem` says what was lost. Probing and the first iteration
    share one opening of the file; only later iterations open it again.

    Args:
        path: A video or an image of any kind that FFmpeg reads, an animated WebP, a folder of images, or a pattern of
            their names: ``frames/*.png``, ``frames/%04d.png``.
        within: Width and height in pixels that images must fit in. Larger images are scaled down during their
            conversion to RGB, which is cheaper than resizing them afterwards.
        threads: How many threads decode; 0 leaves it to FFmpeg.
        fps: Frames per second of several images or a raw stream, which have no clock.

    Attributes:
        info: What the header says.
        size: Width and height of the frames' images in pixels.
        problem: A sentence on what was lost in the last iteration; None if nothing was.

    Raises:
        VideoError: There is no such file, no frame in it can be read, or `fps` is given for a file with a clock.

    Example:
        >>> with VideoReader("walk.mp4", within=(960, 960)) as video:  # doctest: +SKIP
        ...     for frame in video:
        ...         print(frame.seconds, frame.image.shape)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        within: tuple[int, int] | None = None,
        threads: int = 0,
        fps: float | None = None,
    ) -> None:
        if within is not None and min(within) < 1:
            raise VideoError(f"within must be (width, height) in pixels, got {within}")
        if threads < 0:
            raise VideoError(f"threads must be 0 (FFmpeg decides) or more, got {threads}")
        if fps is not None and not LOWEST <= fps <= HIGHEST:
            raise VideoError(f"fps must be a number from {LOWEST:g} to {HIGHEST:g}, got {fps}")
        self.path = Path(path)
        self.problem: str | None = None
        self._threads, self._fps = threads, fps
        self._reading: Footage | None = None
        self._probed: Footage | None = self._open()  # until the first iteration takes it
        self.info = self._probed.info
        self.size = self.info.size if within is None else size_within(self.info.size, within)

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Another iteration opens it again."""
        for footage in (self._reading, self._probed):
            if footage is not None:
                footage.close()
        self._reading = self._probed = None

    def again(self, *, within: tuple[int, int] | None = None) -> "VideoReader":
        """Another reader of the same video.

        Args:
            within: Width and height in pixels that its images must fit in.

        Raises:
            VideoError: The video cannot be read any more.
        """
        return VideoReader(self.path, within=within, threads=self._threads, fps=self._fps)

    def __iter__(self) -> Iterator[Frame]:
        footage, self._probed, self.problem = self._probed, None, None
        if footage is None:
            self.close()
            footage = self._open()
        self._reading = footage
        clock = FrameTimes(self.info.fps)
        count, seconds = 0, 0.0
        try:
            for image, stamp in footage.images(self.size):
                seconds = clock.tick(stamp)
                count += 1
                yield Frame(image, seconds)
        finally:
            footage.close()
        self.problem = self._loss(count, seconds, footage)

    def _open(self) -> Footage:
        path = self.path
        refuse_live(path)
        if path.is_dir() or is_pattern(path):
            return ImageFiles(path, fps=self._fps, opened=partial(_opened, threads=self._threads))
        return _opened(path, threads=self._threads, fps=self._fps)

    def _loss(self, count: int, seconds: float, footage: Footage) -> str | None:
        """Say what was lost, if there was an error or the video ends well before the header says."""
        info, length = self.info, seconds + 1 / self.info.fps
        allowed = max(0.5, 2 / info.fps)
        short = info.duration is not None and max(length, footage.end) < info.duration - allowed
        if not footage.fault and not short:
            return None
        total = f" of {info.frames}" if info.frames and info.frames >= count else ""
        if short:
            where = f"it ends after frame {count}{total} ({length:.1f} of {info.duration:.1f} s)"
        else:
            where = f"some of its data could not be decoded; {count}{total} frames were read"
        return f"{self.path.name} is damaged or cut off: {where}" + (f": {footage.fault}" if footage.fault else "")


def size_within(size: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
    """The width and height of an image after scaling it down, if needed, to fit into another width and height.

    Example:
        >>> size_within((1920, 1080), (640, 640)), size_within((320, 180), (640, 640))
        ((640, 360), (320, 180))
    """
    shrink = min(1.0, within[0] / size[0], within[1] / size[1])
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def _opened(path: Path, *, threads: int = 0, fps: float | None = None) -> Footage:
    """Open one file with the first reader that can read it."""
    if not path.is_file():
        raise VideoError(f"there is no file {path}")
    if is_animated_webp(path):
        if fps is not None:
            raise VideoError(
                f"fps is for images and raw streams, which have no clock, but {path} has one; leave it out"
            )
        return AnimatedWebP(path)
    try:
        return Container(path, threads=threads, fps=fps)
    except TiledImageError:
        return TiledHeic(path)
