"""`Movie`: an MP4 of a motion that is still being made."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain, repeat
from os import PathLike
from pathlib import Path
from queue import Full, Queue
from time import perf_counter
from types import TracebackType

from jaxtyping import UInt8
from numpy import ndarray

from poseglass._scene import on_stage
from poseglass.ahead import ahead
from poseglass.errors import PoseError, VideoError
from poseglass.pose import PoseSequence
from poseglass.rendering.renderer import Renderer
from poseglass.video import VideoReader, VideoWriter

__all__ = ["Movie", "images_of"]


class _AbandonedError(Exception):
    """The block was left by an error: there shall be no file."""


class Movie:
    """Draws and encodes chunks of a motion in the background, in the order in which they come.

    The file appears when the block ends well; what went wrong in the background is raised there. Memory stays bounded:
    :meth:`add` waits while the drawing is behind.

    Args:
        path: The video to write, such as an ``.mp4``.
        video: The video that the motion is lifted from: its frame t goes with row t of the motion.
        height: Height of the pictures in pixels, before the timeline comes below them.
        frames: How many frames there will be, as far as known.

    Attributes:
        seconds: How long drawing and encoding took.

    Raises:
        PoseError: A chunk is not 3D, or its 2D poses are not in pixels.
        VideoError: The video cannot be read or ends before the motion, or the file cannot be written.

    Example:
        >>> with Movie("walk-3d.mp4", video="walk.mp4") as movie:  # doctest: +SKIP
        ...     motion = lifter.lift("walk.mp4", each=movie.add)
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        video: str | PathLike[str] | None = None,
        height: int = 540,
        frames: int | None = None,
    ) -> None:
        self.path, self.seconds = Path(path), 0.0
        self._video, self._height, self._frames = video, height, frames
        self._chunks: Queue[PoseSequence | None] = Queue(2)  # None: that was all
        self._left = False

    def __enter__(self) -> "Movie":
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="poseglass-movie")
        self._made: Future[None] = self._worker.submit(self._make)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left = kind is not None
        try:
            self._put(None)
            if kind is None:
                self._made.result()
        except BaseException:  # Ctrl-C while it waits
            self._left = True
            raise
        finally:
            self._put(None)
            self._worker.shutdown()

    def add(self, motion: PoseSequence) -> None:
        """The next frames, with the 2D poses that they were lifted from in `pose2d`, if they are to be shown."""
        if len(motion):
            self._put(motion)

    def _put(self, chunk: PoseSequence | None) -> None:
        while not self._made.done():  # once drawing has failed, nobody takes chunks any more
            try:
                self._chunks.put(chunk, timeout=0.1)
            except Full:
                continue
            return

    def _taken(self) -> Iterator[PoseSequence]:
        """The chunks, until the block ends."""
        while True:
            start = perf_counter()
            chunk = self._chunks.get()
            self.seconds -= perf_counter() - start
            if chunk is None:
                return
            yield chunk

    def _make(self) -> None:
        """Everything that happens in the background."""
        start = perf_counter()
        chunks = self._taken()
        try:
            first = next(chunks, None)
            if first is None:
                raise PoseError("expected a motion of at least one frame, got an empty one")
            with ExitStack() as stack:
                reader = None if self._video is None else VideoReader(self._video)
                renderer = self._renderer(first, reader)
                if self._video is not None and reader is not None:
                    # Made as small as they are shown while they are decoded, images cost least.
                    side = renderer.shown(max(reader.info.size))
                    reader = stack.enter_context(VideoReader(self._video, max_side=side))
                writer = stack.enter_context(VideoWriter(self.path, fps=first.rate, size=renderer.size))
                # Decoding, drawing and encoding work side by side.
                for picture in ahead(_pictures(renderer, ahead(images_of(reader)), chain([first], chunks))):
                    writer.write(picture)
                    if self._left:
                        raise _AbandonedError
                if self._left:
                    raise _AbandonedError
        except _AbandonedError:
            pass
        finally:
            self.seconds += perf_counter() - start

    def _renderer(self, motion: PoseSequence, reader: VideoReader | None) -> Renderer:
        pose2d = motion.pose2d
        size = (
            (None if pose2d is None else pose2d.size) or motion.size or (None if reader is None else reader.info.size)
        )
        return Renderer(
            motion.skeleton,
            size=None if reader is None and pose2d is None else size,
            skeleton2d=None if pose2d is None else pose2d.skeleton,
            fps=motion.rate,
            frames=self._frames,
            height=self._height,
        )


def images_of(reader: VideoReader | None) -> Iterator[UInt8[ndarray, "h w 3"] | None]:
    """The images of a video, or nothing for ever; an error to whoever asks for more than there are."""
    if reader is None:
        yield from repeat(None)
        return
    count = 0
    for count, frame in enumerate(reader, 1):  # noqa: B007
        yield frame.image
    raise VideoError(
        f"{reader.path} ends after {count} frames and the motion goes on; is it the video it was lifted from?"
    )


def _pictures(
    renderer: Renderer, images: Iterator[UInt8[ndarray, "h w 3"] | None], chunks: Iterable[PoseSequence]
) -> Iterator[UInt8[ndarray, "h w 3"]]:
    """Every frame of the motion, drawn beside its image."""
    for motion in chunks:
        points, pose2d = on_stage(motion), motion.pose2d
        if pose2d is not None and pose2d.space != "pixels":
            raise PoseError(f"expected 2D poses in pixels, got {pose2d.space}")
        for t in range(len(motion)):
            yield renderer.draw(
                next(images),
                None if pose2d is None else pose2d.points[t],
                points[t],
                valid=bool(motion.validity[t]),
                kept=None if motion.kept is None else bool(motion.kept[t]),
                scores2d=None if pose2d is None else pose2d.confidence[t],
            )
