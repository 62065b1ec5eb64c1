"""Keep the pictures of a video while it is lifted, so that drawing need not decode it again."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import IO, TypeAlias

from jaxtyping import UInt8
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.video.info import VideoInfo
from poseglass.video.pictures import packed, resized, unpacked
from poseglass.video.reading import Frame, VideoReader, size_within
from poseglass.video.stills import Stills

__all__ = ["Spool", "SpoolReader", "Video", "reader_of"]

WITHIN = (1080, 540)
"""Pixels that kept pictures fit in: as large as :func:`pg.render` shows them by default."""
QUALITY = 92
"""JPEG quality. A picture of 960 x 540 takes about 170 kB. Saving and loading it takes 3 ms on one core; decoding a
1768 x 994 VP9 video again takes 7 ms per frame."""
LARGEST = 4_000_000_000
"""The most bytes of a spool: about 15 minutes at 30 frames per second."""
SHARE = 0.5
"""The largest share of the free disk space that a spool may take."""


class Spool:
    """Pictures of a video for :func:`pg.render` and :func:`pg.view`, taken from the frames that were lifted.

    Every frame is kept as a small JPEG image in a temporary file, and a few at full size in memory, for contact sheets.
    Frames may come from several threads, in any order and repeatedly. If the file would grow too large, or the disk is
    full, the spool gives up its file, and drawing decodes the video again.

    The temporary file has no name, so it vanishes with the process, even if that is killed.

    Args:
        video: The video whose frames are added.
        every: Whether to keep every frame, for movies and pages.
        stills: Whether to keep a few frames at full size, for contact sheets.
        within: Width and height in pixels that the small pictures fit in.
        folder: Where the temporary file is. Default: the system's folder for temporary files.
        largest: The most bytes that the file may take. By default :data:`LARGEST`, and never more than a
            :data:`SHARE` of the free disk space.

    Attributes:
        video: The video.
        stills: The frames at full size; None if they are not kept.

    Example:
        >>> with VideoReader("walk.mp4") as video, Spool(video) as spool:  # doctest: +SKIP
        ...     motion = pg.Lifter().lift(video, on_frame=spool.add)
        ...     pg.render(motion, "walk-3d.mp4", video=spool)
    """

    def __init__(
        self,
        video: VideoReader,
        *,
        every: bool = True,
        stills: bool = False,
        within: tuple[int, int] = WITHIN,
        folder: str | PathLike[str] | None = None,
        largest: int = LARGEST,
    ) -> None:
        self.video = video
        self.stills = Stills(video.info.fps) if stills else None
        self._size = size_within(video.info.size, within)
        self._lock = Lock()
        self._places: dict[float, tuple[int, int]] = {}  # offset and length in the file, by the frame's time
        self._end, self._largest = 0, largest
        self._file: IO[bytes] | None = None
        if every:
            try:
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by close()
                self._largest = min(largest, int(SHARE * shutil.disk_usage(folder or tempfile.gettempdir()).free))
            except OSError:
                self.close()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the temporary file. The stills remain."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    @property
    def bytes(self) -> int:
        """The size of the temporary file; 0 if there is none."""
        return self._end if self._file is not None else 0

    def add(self, frame: Frame) -> None:
        """Keep a frame's picture. A frame of a time that is already kept is ignored."""
        if self.stills is not None:
            self.stills.add(frame)
        if self._file is None or frame.seconds in self._places:
            return
        picture = packed(resized(frame.image, self._size), QUALITY)
        with self._lock:
            if self._file is None or frame.seconds in self._places:
                return
            place = self._end, len(picture)
            try:
                if sum(place) > self._largest:
                    raise OSError("the spool is full")
                self._file.seek(place[0])
                self._file.write(picture)
            except OSError:
                self.close()
                return
            self._places[frame.seconds], self._end = place, sum(place)

    def reader(self, within: tuple[int, int] | None = None) -> "SpoolReader | VideoReader":
        """Read the pictures in the order of their times, or decode the video again if they were not kept.

        Args:
            within: Width and height in pixels that the images must fit in.

        Raises:
            VideoError: The pictures were not kept, and the video cannot be read.
        """
        if self._file is None:
            return self.video.again(within=within)
        size = self._size if within is None else size_within(self._size, within)
        return SpoolReader(self, self.video.path, self.video.info, size)

    def picture(self, seconds: float) -> UInt8[ndarray, "_ _ 3"]:
        """The small picture of the frame of this time.

        Raises:
            VideoError: The spool is closed, or the file cannot be read.
        """
        start, length = self._places[seconds]
        try:
            with self._lock:
                if self._file is None:
                    raise VideoError("the pictures of this spool are gone: draw before it is closed")
                self._file.seek(start)
                stored = self._file.read(length)
        except OSError as problem:
            raise VideoError(f"cannot read the kept pictures of {self.video.path}: {problem.strerror}") from problem
        return unpacked(stored)

    @property
    def times(self) -> list[float]:
        """The times of the frames kept so far, increasing."""
        return sorted(self._places)


@dataclass(frozen=True, eq=False)
class SpoolReader:
    """The pictures of a spool, read like the frames of a :class:`poseglass.video.reading.VideoReader`.

    Args:
        spool: The spool.
        path: The path of the video.
        info: What the video's header says.
        size: Width and height of the images in pixels.
    """

    spool: Spool
    path: Path
    info: VideoInfo
    size: tuple[int, int]

    def __enter__(self) -> "SpoolReader":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        for seconds in self.spool.times:
            yield Frame(resized(self.spool.picture(seconds), self.size), seconds)


Video: TypeAlias = str | PathLike[str] | Spool
"""A video to draw: its path, or the pictures of it that were kept while it was lifted."""


def reader_of(video: Video, *, within: tuple[int, int] | None = None) -> VideoReader | SpoolReader:
    """Read a video, or the pictures that were kept of it.

    Args:
        video: The path of the video, or a spool.
        within: Width and height in pixels that the images must fit in.

    Raises:
        VideoError: The video cannot be read.
    """
    return video.reader(within) if isinstance(video, Spool) else VideoReader(video, within=within)
