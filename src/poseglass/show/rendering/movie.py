"""`Movie`: an MP4 of a motion that is still being made."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from itertools import chain, repeat
from os import PathLike
from pathlib import Path
from queue import Full, Queue
from time import perf_counter
from types import TracebackType

from jaxtyping import UInt8
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError, VideoError
from poseglass.files.writing import check_place
from poseglass.show.rendering.renderer import Renderer
from poseglass.show.scene import on_stage
from poseglass.video.ahead import ahead
from poseglass.video.reading import VideoReader
from poseglass.video.writing import VideoWriter, check_suffix

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
        VideoError: The video cannot be read or ends before the motion, or the file cannot be written. What can be
            told of them beforehand is told at once.

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
        check_suffix(self.path)
        check_place(self.path, VideoError)
        self._reader = None if video is None else VideoReader(video)
        self._height, self._frames = height, frames
        self._chunks: Queue[PoseSequence | None] = Queue(2)  # None: that was all
        self._left = False
        self._made: Future[None] | None = None  # None outside the block

    def __enter__(self) -> "Movie":
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="poseglass-movie")
        self._made = self._worker.submit(self._make)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        made, self._made = self._made, None
        assert made is not None
        self._left = kind is not None
        try:
            self._put(None, made)
            # In short waits, for Python sees a Ctrl-C that came to another thread only between them.
            while kind is None and not made.done():
                wait([made], timeout=0.1)
        except BaseException:  # Ctrl-C while it waits
            self._left = True
            raise
        finally:
            self._put(None, made)
            self._worker.shutdown()
        if kind is None:
            made.result()

    def add(self, motion: PoseSequence) -> None:
        """The next frames, with the 2D poses that they were lifted from in `pose2d`, if they are to be shown.

        Raises:
            VideoError: It is called outside the `with` block.
        """
        if self._made is None:
            raise VideoError(
                f"{self.path} takes frames inside its block only: with Movie(...) as movie: movie.add(...)"
            )
        if len(motion):
            self._put(motion, self._made)

    def _put(self, chunk: PoseSequence | None, made: Future[None]) -> None:
        while not made.done():  # once drawing has failed, nobody takes chunks any more
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
                renderer, reader = self._renderer(first), self._reader
                if reader is not None:
                    # Made as small as they are shown while they are decoded, images cost least.
                    side = renderer.shown(max(reader.info.size))
                    reader = stack.enter_context(VideoReader(reader.path, max_side=side))
                writer = stack.enter_context(VideoWriter(self.path, fps=first.rate, size=renderer.size))
                # Decoding, drawing and encoding work side by side, and end before what they work with is closed.
                images = stack.enter_context(closing(ahead(images_of(reader))))
                pictures = stack.enter_context(closing(ahead(_pictures(renderer, images, chain([first], chunks)))))
                for picture in pictures:
                    writer.write(picture)
                    if self._left:
                        raise _AbandonedError
                if self._left:
                    raise _AbandonedError
        except _AbandonedError:
            pass
        finally:
            self.seconds += perf_counter() - start

    def _renderer(self, motion: PoseSequence) -> Renderer:
        pose2d, reader = motion.pose2d, self._reader
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
