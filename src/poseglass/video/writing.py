"""Write frames to a video file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.files.writing import writing
from poseglass.video._ffmpeg import OutputContainer, VideoStream, av, reason

__all__ = ["VideoWriter", "check_suffix"]

TICKS = 1000
"""Ticks per second of the clock of unevenly spaced frames."""
EVEN = 0.25
"""Frames count as evenly spaced if each is displaced by less than this share of a step between frames."""
LONGEST = 3600
"""The most seconds for which a frame is shown: MP4's clock cannot count the days of a broken time stamp."""


def check_suffix(path: Path) -> None:
    """Raise :class:`VideoError` unless a video with this suffix can be written."""
    if path.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        raise VideoError(f"cannot write {path}: end the name in .mp4, .m4v or .mov")


class VideoWriter:
    """Writes an MP4 that any player can show (H.264, or MPEG-4 if PyAV lacks it). An incomplete file is never left.

    Args:
        path: The file, ending in ``.mp4``, ``.m4v`` or ``.mov``. It appears when the block ends without an error.
        fps: Frames per second; the mean if they are not evenly spaced.
        times: Times of the frames in seconds, increasing. Default: evenly spaced.
        size: Width and height of the images in pixels. The codec needs even sides: an odd one grows by one, with its
            last row or column repeated.

    Raises:
        VideoError: The suffix is not one of these, an image has another size, no image was written, or the file
            cannot be written.

    Example:
        >>> with VideoWriter("grey.mp4", fps=30, size=(64, 48)) as video:  # doctest: +SKIP
        ...     video.write(np.full((48, 64, 3), 128, np.uint8))
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fps: float,
        size: tuple[int, int],
        times: Float[ndarray, " f"] | None = None,
    ) -> None:
        self.path = Path(path)
        check_suffix(self.path)
        if not 0 < fps <= 1000:
            raise VideoError(f"fps must be above 0 and at most 1000, got {fps}")
        if min(size) < 1:
            raise VideoError(f"size must be (width, height) in pixels, got {size}")
        self.fps = fps
        self.size = size
        self.frames = 0
        self._ticks = None if times is None else _ticks(times, fps)  # None: evenly spaced
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
                        raise VideoError(f"cannot write {self.path}: it has no frames; write at least one")
                    container.mux(self._stream.encode(None))
            except av.FFmpegError as problem:
                raise VideoError(f"cannot write {self.path}: {reason(problem)}") from problem
            finally:
                self._container = self._stream = None

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        # 1001, because NTSC's 29.97 frames per second are 30000/1001.
        rate = Fraction(self.fps).limit_denominator(1001) or Fraction(1, 1001)
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = (side + side % 2 for side in self.size)
        stream.pix_fmt = "yuv420p"
        if self._ticks is not None:
            stream.codec_context.time_base = Fraction(1, TICKS)
        if codec == "libx264":
            # Without pictures predicted from both sides: 2 of 7 ms less per picture, and the file grows by 16 %.
            stream.options = {"preset": "superfast", "crf": "22", "bf": "0"}
        else:
            stream.bit_rate = max(500_000, int(0.2 * stream.width * stream.height * self.fps))
        return stream

    def write(self, image: UInt8[ndarray, "_ _ 3"]) -> None:
        """Add one frame."""
        if self._container is None or self._stream is None:
            raise VideoError("write frames inside the block: with VideoWriter(...) as video: video.write(image)")
        width, height = self.size
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            raise VideoError(f"expected uint8 images of shape {(height, width, 3)}, got {image.dtype} {image.shape}")
        if width % 2 or height % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        # Not copied: the encoder converts the picture at once.
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), format="rgb24")
        if self._ticks is not None:
            if self.frames >= len(self._ticks):
                raise VideoError(f"expected {len(self._ticks)} images, one for each time, got more")
            frame.pts, frame.time_base = self._ticks[self.frames], Fraction(1, TICKS)
        self._container.mux(self._stream.encode(frame))
        self.frames += 1


def _ticks(times: Float[ndarray, " f"], fps: float) -> list[int] | None:
    """The frames' times as whole ticks that increase; None if they are evenly spaced (:data:`EVEN`)."""
    seconds = times - times[:1]
    if not len(seconds) or np.abs(seconds - np.arange(len(seconds)) / fps).max() < EVEN / fps:
        return None
    steps = np.clip(np.diff(np.rint(seconds * TICKS)), 1, LONGEST * TICKS)
    ticks: list[int] = np.concatenate([[0], np.cumsum(steps)]).astype(np.int64).tolist()
    return ticks
