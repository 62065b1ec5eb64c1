"""Video files as frames with times."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.video._ffmpeg import InputContainer, VideoStream, av, reason

__all__ = ["Frame", "VideoInfo", "VideoReader"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a video, (h w 3) RGB, and when it is shown: seconds since the first."""

    image: UInt8[ndarray, "h w 3"]
    seconds: float


@dataclass(frozen=True)
class VideoInfo:
    """What a video says of itself; a broken one may hold less.

    Args:
        size: Width and height in pixels as it is shown: upright, with square pixels.
        fps: Frames a second; the mean where they are not evenly spaced.
        frames: How many there are, or None if the file does not say.
        duration: Seconds, or None if the file does not say; None for a single image.
    """

    size: tuple[int, int]
    fps: float
    frames: int | None
    duration: float | None


class VideoReader:
    """The frames of a video, or of a single image, upright and in order.

    Every iteration starts at the first frame. Times start at 0 and always increase, whatever the file says. Where the
    file is damaged, what can be read is given, and :attr:`problem` says what was lost.

    Args:
        path: A video or an image of any kind that FFmpeg reads.
        max_side: Longest side of the images in pixels: larger ones are made smaller while they are converted, which
            is cheaper than afterwards. :attr:`size` says what comes of it.
        threads: How many threads decode; 0 leaves it to FFmpeg.

    Attributes:
        info: What the file says of itself.
        size: Width and height of the images that are given.
        problem: A sentence on what was lost in the last iteration, None if all is well.

    Raises:
        VideoError: There is no such file, or no frame in it can be read.

    Example:
        >>> with VideoReader("walk.mp4", max_side=960) as video:  # doctest: +SKIP
        ...     for frame in video:
        ...         print(frame.seconds, frame.image.shape)
    """

    def __init__(self, path: str | os.PathLike[str], *, max_side: int | None = None, threads: int = 0) -> None:
        if max_side is not None and max_side < 1:
            raise VideoError(f"max_side must be a number of pixels, got {max_side}")
        if threads < 0:
            raise VideoError(f"threads must be 0 (as many as FFmpeg likes) or more, got {threads}")
        self.path = Path(path)
        self.problem: str | None = None
        self._threads = threads
        self._container: InputContainer | None = None
        self.info, self._turns = self._probe()
        shrink = 1.0 if max_side is None else min(1.0, max_side / max(self.info.size))
        self.size = (max(1, round(self.info.size[0] * shrink)), max(1, round(self.info.size[1] * shrink)))

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, where an iteration was left half way."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def __iter__(self) -> Iterator[Frame]:
        self.close()
        self.problem = None
        container, stream = self._open()
        self._container = container
        clock = _Clock(self.info.fps)
        base = stream.time_base or 0
        ordered = container.format.name != "avi"  # AVI only knows when a frame is decoded, not when it is shown
        read, seconds = 0, 0.0
        try:
            for frame in self._decoded(container, stream):
                stamp = frame.pts if ordered else frame.dts
                image, seconds = self._image(frame), clock.tick(None if stamp is None else float(stamp * base))
                read += 1
                yield Frame(image, seconds)
        finally:
            container.close()
        self._judge(read, seconds)

    def _open(self) -> tuple[InputContainer, VideoStream]:
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
            raise VideoError(f"{path} cannot be read as a video or image ({why}); is it one, and whole?") from problem
        if container.format.name == "tty":  # FFmpeg draws any text file as a terminal would
            container.close()
            raise VideoError(f"{path} cannot be read as a video or image: it is text")
        if not container.streams.video:
            kinds = " and ".join(sorted({stream.type for stream in container.streams})) or "nothing"
            container.close()
            raise VideoError(f"{path} holds no pictures, only {kinds}; give a video file")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = self._threads
        return container, stream

    def _probe(self) -> tuple[VideoInfo, int]:
        """What the file says, and how many quarter turns to the left put its first frame upright."""
        container, stream = self._open()
        with container:
            first = next(self._decoded(container, stream), None)
            if first is None:
                why = self.problem or "it is empty"
                raise VideoError(f"{self.path} holds no frame that can be read: {why}; export it anew, perhaps as MP4")
            turns = round(first.rotation / 90) % 4
            shape = float(stream.sample_aspect_ratio or 1)  # of a pixel: width over height
            size = (max(1, round(first.width * shape)), first.height)
            rate = stream.average_rate or stream.guessed_rate
            image = container.format.name.endswith("_pipe") or container.format.name == "image2"
            lengths = [float(stream.duration * (stream.time_base or 0))] if stream.duration else []
            lengths += [container.duration / av.time_base] if container.duration else []
            info = VideoInfo(
                size=size[::-1] if turns % 2 else size,
                fps=float(rate) if rate else 30.0,
                frames=1 if image else stream.frames or None,
                duration=min(lengths) if lengths and not image else None,
            )
        self.problem = None
        return info, turns

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        """Every frame that can be decoded; the last error becomes the problem instead of an exception."""
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as problem:
                self.problem = reason(problem)
                packet = None
            try:
                yield from stream.codec_context.decode(packet)
            except av.EOFError:
                pass  # the decoder was already told that this is the end
            except (av.FFmpegError, OSError) as problem:
                self.problem = reason(problem)
            if packet is None:
                return

    def _image(self, frame: av.VideoFrame) -> UInt8[ndarray, "h w 3"]:
        width, height = self.size[::-1] if self._turns % 2 else self.size
        image = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="BILINEAR")
        # Contiguous, because FFmpeg pads its rows and what is not contiguous is slow or, in MediaPipe, read wrongly.
        return np.ascontiguousarray(np.rot90(image, self._turns))

    def _judge(self, read: int, seconds: float) -> None:
        """Say what was lost, if an error was met or the video ends well before it should."""
        length = seconds + 1 / self.info.fps
        short = self.info.duration is not None and length < self.info.duration - max(0.5, 2 / self.info.fps)
        if self.problem or short:
            total = f" of {self.info.frames}" if self.info.frames and self.info.frames >= read else ""
            whole = f" of {self.info.duration:.1f}" if self.info.duration else ""
            where = f"it ends after frame {read}{total} ({length:.1f}{whole} s)"
            if not short and self.problem:
                where = f"some of its data could not be decoded; {read}{total} frames were read"
            reason = f": {self.problem}" if self.problem else ""
            self.problem = f"{self.path.name} is damaged or cut off: {where}{reason}"


class _Clock:
    """Seconds since the first frame that always increase.

    A frame without a time comes one frame after the last. Where time stands still or jumps back, as in files that
    were joined, it runs on from there.
    """

    def __init__(self, fps: float) -> None:
        self._step = 1 / fps
        self._last = -self._step
        self._start: float | None = None

    def tick(self, told: float | None) -> float:
        """The time of the next frame, of which the file says `told`."""
        seconds = self._last + self._step
        if told is not None:
            if self._start is None or told - self._start <= self._last:
                self._start = told - seconds
            seconds = told - self._start
        self._last = seconds
        return seconds
