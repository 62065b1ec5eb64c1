"""Read a video file as frames with times."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.video._ffmpeg import InputContainer, VideoStream, av, reason
from poseglass.video.focal import focal_of_image, focal_of_tags

__all__ = ["Frame", "VideoInfo", "VideoReader", "size_within"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a video, RGB (height, width, 3), and the time it is shown at, in seconds since the first."""

    image: UInt8[ndarray, "_ _ 3"]
    seconds: float


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says. A damaged file may hold fewer frames than that.

    Args:
        size: Width and height in pixels as shown: upright, with square pixels.
        fps: Frames per second; the mean if they are not evenly spaced.
        frames: The number of frames, or None if unknown.
        duration: Seconds, or None if unknown or for a single image.
        focal: Focal length in pixels, or None if the metadata do not state it.
    """

    size: tuple[int, int]
    fps: float
    frames: int | None
    duration: float | None
    focal: float | None = None


class _Opened(NamedTuple):
    """An open file: its first frame, which was decoded to probe it, and the frames to come."""

    container: InputContainer
    stream: VideoStream
    first: av.VideoFrame
    rest: Iterator[av.VideoFrame]


class VideoReader:
    """The frames of a video, or of a single image, upright and in order.

    Each iteration starts at the first frame. Times start at 0 and always increase, whatever the file says. A damaged
    file yields the frames that can be read, and :attr:`problem` says what was lost. Probing and the first iteration
    share one opening of the file; only later iterations open it again.

    Args:
        path: A video or an image of any kind that FFmpeg reads.
        within: Width and height in pixels that images must fit in. Larger images are scaled down during their
            conversion to RGB, which is cheaper than resizing them afterwards.
        threads: How many threads decode; 0 leaves it to FFmpeg.

    Attributes:
        info: What the header says.
        size: Width and height of the frames' images in pixels.
        problem: A sentence on what was lost in the last iteration; None if nothing was.

    Raises:
        VideoError: There is no such file, or no frame in it can be read.

    Example:
        >>> with VideoReader("walk.mp4", within=(960, 960)) as video:  # doctest: +SKIP
        ...     for frame in video:
        ...         print(frame.seconds, frame.image.shape)
    """

    def __init__(
        self, path: str | os.PathLike[str], *, within: tuple[int, int] | None = None, threads: int = 0
    ) -> None:
        if within is not None and min(within) < 1:
            raise VideoError(f"within must be (width, height) in pixels, got {within}")
        if threads < 0:
            raise VideoError(f"threads must be 0 (FFmpeg decides) or more, got {threads}")
        self.path = Path(path)
        self.problem: str | None = None
        self._threads = threads
        self._fault: str | None = None  # FFmpeg's last error in this iteration
        self._reading: InputContainer | None = None
        self._probed: _Opened | None = self._open()  # until the first iteration takes it
        self.info, self._turns = _probe(self._probed, self.path)
        self.size = self.info.size if within is None else size_within(self.info.size, within)

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Another iteration opens it again."""
        probed, self._probed = self._probed, None
        for container in (self._reading, probed and probed.container):
            if container is not None:
                container.close()
        self._reading = None

    def __iter__(self) -> Iterator[Frame]:
        opened, self._probed, self.problem = self._probed, None, None
        if opened is None:
            self.close()
            opened = self._open()
        container = self._reading = opened.container
        clock = _FrameTimes(self.info.fps)
        base = opened.stream.time_base or 0
        ordered = container.format.name != "avi"  # AVI stores when a frame is decoded, not when it is shown
        count, seconds = 0, 0.0
        try:
            for frame in chain([opened.first], opened.rest):
                stamp = frame.pts if ordered else frame.dts
                image, seconds = self._image(frame), clock.tick(None if stamp is None else float(stamp * base))
                count += 1
                yield Frame(image, seconds)
        finally:
            container.close()
        self.problem = self._loss(count, seconds)

    def _open(self) -> _Opened:
        path = self.path
        if path.is_dir():
            raise VideoError(f"{path} is a folder; give a video file")
        if not path.is_file():
            raise VideoError(f"there is no file {path}")
        try:
            # Absolute, so that FFmpeg does not take a name such as "tcp:1.mp4" for an address.
            container = av.open(str(path.absolute()), metadata_errors="replace")
        except (av.FFmpegError, OSError) as problem:
            why = reason(problem) if path.stat().st_size else "it is empty"
            raise VideoError(
                f"{path} cannot be read as a video or image ({why}); check that it is one and that it is complete"
            ) from problem
        try:
            if container.format.name == "tty":  # FFmpeg draws any text file as a terminal would
                raise VideoError(f"{path} cannot be read as a video or image: it is text; give a video file")
            if not container.streams.video:
                kinds = " and ".join(sorted({stream.type for stream in container.streams})) or "nothing"
                raise VideoError(f"{path} holds no images, only {kinds}; give a video file")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = self._threads
            self._fault = None
            frames = self._decoded(container, stream)
            first = next(frames, None)
            if first is None:
                why = self._fault or "it is empty"
                raise VideoError(f"{path} holds no readable frame: {why}; export it again, for example as MP4")
        except BaseException:
            container.close()
            raise
        return _Opened(container, stream, first, frames)

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        """Yield every frame that can be decoded; store the last error instead of raising it."""
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as problem:
                self._fault = reason(problem)
                packet = None
            try:
                yield from stream.codec_context.decode(packet)
            except av.EOFError:
                pass  # the decoder has already reached the end
            except (av.FFmpegError, OSError) as problem:
                self._fault = reason(problem)
            if packet is None:
                return

    def _image(self, frame: av.VideoFrame) -> UInt8[ndarray, "_ _ 3"]:
        width, height = self.size[::-1] if self._turns % 2 else self.size
        image = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="BILINEAR")
        # Contiguous, because FFmpeg pads its rows, and an array with gaps is slow or, in MediaPipe, read wrongly.
        return np.ascontiguousarray(np.rot90(image, self._turns))

    def _loss(self, count: int, seconds: float) -> str | None:
        """Say what was lost, if there was an error or the video ends well before the header says."""
        info, length = self.info, seconds + 1 / self.info.fps
        short = info.duration is not None and length < info.duration - max(0.5, 2 / info.fps)
        if not self._fault and not short:
            return None
        total = f" of {info.frames}" if info.frames and info.frames >= count else ""
        if short:
            where = f"it ends after frame {count}{total} ({length:.1f} of {info.duration:.1f} s)"
        else:
            where = f"some of its data could not be decoded; {count}{total} frames were read"
        return f"{self.path.name} is damaged or cut off: {where}" + (f": {self._fault}" if self._fault else "")


def size_within(size: tuple[int, int], within: tuple[int, int]) -> tuple[int, int]:
    """The width and height of an image after scaling it down, if needed, to fit into another width and height.

    Example:
        >>> size_within((1920, 1080), (640, 640)), size_within((320, 180), (640, 640))
        ((640, 360), (320, 180))
    """
    shrink = min(1.0, within[0] / size[0], within[1] / size[1])
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def _probe(opened: _Opened, path: Path) -> tuple[VideoInfo, int]:
    """The header's facts, and the number of quarter turns to the left that put the first frame upright."""
    container, stream, first = opened.container, opened.stream, opened.first
    turns = round(first.rotation / 90) % 4
    shape = float(stream.sample_aspect_ratio or 1)  # of a pixel: width over height
    size = (max(1, round(first.width * shape)), first.height)
    rate = stream.average_rate or stream.guessed_rate
    image = container.format.name.endswith("_pipe") or container.format.name == "image2"
    lengths = [float(stream.duration * (stream.time_base or 0))] if stream.duration else []
    lengths += [container.duration / av.time_base] if container.duration else []
    upright = size[::-1] if turns % 2 else size
    tags = {**container.metadata, **stream.metadata}
    info = VideoInfo(
        size=upright,
        fps=float(rate) if rate else 30.0,
        frames=1 if image else stream.frames or None,
        duration=min(lengths) if lengths and not image else None,
        focal=focal_of_image(path, upright) if image else focal_of_tags(tags, upright),
    )
    return info, turns


class _FrameTimes:
    """Turns the file's time stamps into seconds since the first frame that always increase.

    A frame without a time stamp comes one frame after the last. Where the stamps stand still or jump back, as in joined
    files, the clock continues from its last time.
    """

    def __init__(self, fps: float) -> None:
        self._step = 1 / fps
        self._last = -self._step
        self._start: float | None = None

    def tick(self, stamp: float | None) -> float:
        """The time of the next frame, which the file gives as `stamp`."""
        seconds = self._last + self._step
        if stamp is not None:
            if self._start is None or stamp - self._start <= self._last:
                self._start = stamp - seconds
            seconds = stamp - self._start
        self._last = seconds
        return seconds
