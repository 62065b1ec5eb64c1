"""Video files as frames with times, and frames as video files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from poseglass._files import writing
from poseglass.errors import VideoError

try:
    import av
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream
except ImportError as missing:
    raise VideoError('videos are read and written by PyAV; pip install "poseglass[video]"') from missing

__all__ = ["Frame", "VideoInfo", "VideoReader", "VideoWriter", "check_suffix"]


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
            reason = _reason(problem) if path.stat().st_size else "it is empty"
            raise VideoError(
                f"{path} cannot be read as a video or image ({reason}); is it one, and whole?"
            ) from problem
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
                self.problem = _reason(problem)
                packet = None
            try:
                yield from stream.codec_context.decode(packet)
            except av.EOFError:
                pass  # the decoder was already told that this is the end
            except (av.FFmpegError, OSError) as problem:
                self.problem = _reason(problem)
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


def check_suffix(path: Path) -> None:
    """Raises :class:`VideoError` unless a video can be written under such a name."""
    if path.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        raise VideoError(f"cannot write {path}: end the name in .mp4, .m4v or .mov")


class VideoWriter:
    """An MP4 that any player shows (H.264, or MPEG-4 where PyAV lacks it), written whole or not at all.

    Args:
        path: The file, which ends in ``.mp4``, ``.m4v`` or ``.mov``; it appears when the block ends well.
        fps: Frames a second.
        size: Width and height of the images in pixels. The codec wants even numbers: an odd side is made one longer,
            with its last row or column twice.

    Raises:
        VideoError: The name ends otherwise, an image has another size, none came, or the place cannot be written.

    Example:
        >>> with VideoWriter("grey.mp4", fps=30, size=(64, 48)) as video:  # doctest: +SKIP
        ...     video.write(np.full((48, 64, 3), 128, np.uint8))
    """

    def __init__(self, path: str | os.PathLike[str], *, fps: float, size: tuple[int, int]) -> None:
        self.path = Path(path)
        check_suffix(self.path)
        if not 0 < fps <= 1000:
            raise VideoError(f"fps must be a number from 0 to 1000, got {fps}")
        if min(size) < 1:
            raise VideoError(f"size must be (width, height) in pixels, got {size}")
        self.fps = fps
        self.size = size
        self.frames = 0
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._session = self._writing()

    def __enter__(self) -> "VideoWriter":
        self._session.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.__exit__(kind, problem, trace)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with writing(self.path, VideoError) as temporary:
            try:
                with av.open(str(temporary.absolute()), "w", options={"movflags": "+faststart"}) as container:
                    self._container, self._stream = container, self._add_stream(container)
                    yield
                    if not self.frames:
                        raise VideoError(f"cannot write {self.path}: it got no frame; write at least one")
                    container.mux(self._stream.encode(None))
            except av.FFmpegError as problem:
                raise VideoError(f"cannot write {self.path}: {_reason(problem)}") from problem
            finally:
                self._container = self._stream = None

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        # 1001, because television's 29.97 frames a second are 30000/1001.
        stream = container.add_stream(codec, rate=Fraction(self.fps).limit_denominator(1001))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = (side + side % 2 for side in self.size)
        stream.pix_fmt = "yuv420p"
        if codec == "libx264":
            stream.options = {"preset": "superfast", "crf": "22"}
        else:
            stream.bit_rate = max(500_000, int(0.2 * stream.width * stream.height * self.fps))
        return stream

    def write(self, image: UInt8[ndarray, "h w 3"]) -> None:
        """Add one frame."""
        if self._container is None or self._stream is None:
            raise VideoError("a video is written inside its block: with VideoWriter(...) as video: video.write(image)")
        width, height = self.size
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            raise VideoError(f"expected uint8 images of shape {(height, width, 3)}, got {image.dtype} {image.shape}")
        if width % 2 or height % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        self._container.mux(self._stream.encode(frame))
        self.frames += 1


def _reason(problem: Exception) -> str:
    """FFmpeg's own words, without its error number and the path."""
    return str(getattr(problem, "strerror", None) or problem)
