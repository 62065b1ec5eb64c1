"""`Capture`: the newest frame of a camera, a network stream, or a file that plays at its own rate."""

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple

from jaxtyping import UInt8
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.video._ffmpeg import FAILURES, InputContainer, av, reason
from poseglass.video.live import ADDRESS, is_camera
from poseglass.video.reading import VideoReader

__all__ = ["Capture", "CapturedFrame"]

CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}:none"), "win32": ("dshow", "video={}")}
"""FFmpeg's input format of cameras, and the name of a camera, by `sys.platform`."""
PATIENCE = 10.0
"""Seconds to wait for a network stream."""


class CapturedFrame(NamedTuple):
    """An image, RGB (h w 3); its time in the source in seconds; and when it was decoded, by `time.monotonic`."""

    image: UInt8[ndarray, "_ _ 3"]
    seconds: float
    arrived: float


class Capture:
    """The frames of a live source. A frame that is not fetched before the next one arrives is dropped.

    A thread decodes, from the first iteration on, so frames do not queue up. A file is decoded no faster than it plays.

    Args:
        source: The number of a camera, its device (``/dev/video0``), an address that FFmpeg opens (``rtsp://...``), or
            the path of a video.

    Attributes:
        dropped: Frames that nobody fetched, so far.

    Raises:
        VideoError: The source cannot be opened.

    Example:
        >>> with closing(Capture("0")) as frames:  # doctest: +SKIP
        ...     for frame in frames:
        ...         print(frame.seconds, frame.image.shape)
    """

    def __init__(self, source: str) -> None:
        self.dropped = 0
        self._newest: CapturedFrame | None = None
        self._over = self._closed = False
        self._problem: Exception | None = None
        self._change = Condition()
        if is_camera(source):
            self._frames = _camera_frames(_opened(source), source)
        else:
            self._frames = _played(VideoReader(Path(source)))
        self._thread: Thread | None = None

    def close(self) -> None:
        """Stop decoding, and release the source."""
        with self._change:
            self._closed = True
        if self._thread is not None:
            self._thread.join(PATIENCE)
        else:
            self._frames.close()

    def __iter__(self) -> Iterator[CapturedFrame]:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="poseglass capture", daemon=True)
            self._thread.start()
        while True:
            with self._change:
                self._change.wait_for(lambda: self._newest is not None or self._over)
                frame, self._newest = self._newest, None
            if frame is None:
                break
            yield frame
        if self._problem is not None:
            raise self._problem

    def _run(self) -> None:
        try:
            with closing(self._frames) as frames:
                for frame in frames:
                    with self._change:
                        if self._closed:
                            return
                        self.dropped += self._newest is not None
                        self._newest = frame
                        self._change.notify()
        except Exception as problem:  # raised in the thread that fetches frames
            self._problem = problem
        finally:
            with self._change:
                self._over = True
                self._change.notify()


def _opened(source: str) -> InputContainer:
    try:
        if ADDRESS.match(source):
            return av.open(source, timeout=PATIENCE)
        if sys.platform not in CAMERAS:
            raise VideoError(f"cameras are not supported on {sys.platform}; give the address of a stream")
        kind, name = CAMERAS[sys.platform]
        return av.open(name.format(source) if source.isdigit() else source, format=kind)
    except FAILURES as problem:
        raise VideoError(
            f"{source} cannot be opened ({reason(problem)}); check that the camera or stream exists, and that no other "
            "program uses it"
        ) from problem


def _camera_frames(container: InputContainer, source: str) -> Generator[CapturedFrame, None, None]:
    """Yield the frames of a camera at the times of their arrival."""
    start = None
    with container:
        try:
            for image in container.decode(video=0):
                now = time.monotonic()
                start = now if start is None else start
                yield CapturedFrame(image.to_ndarray(format="rgb24"), now - start, now)
        except (*FAILURES, IndexError) as problem:
            raise VideoError(f"{source} has stopped: {reason(problem)}") from problem


def _played(video: VideoReader) -> Generator[CapturedFrame, None, None]:
    """Yield the frames of a file when they are due."""
    start = None
    with video:
        for frame in video:
            now = time.monotonic()
            start = now if start is None else start
            if (early := start + frame.seconds - now) > 0:
                time.sleep(early)
            yield CapturedFrame(frame.image, frame.seconds, time.monotonic())
