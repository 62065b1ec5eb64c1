"""`Movie`: write an MP4 of a motion while it is being lifted."""

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
from poseglass.files.writing import check_writable
from poseglass.show.rendering.pictures import WaitingPictures
from poseglass.show.rendering.renderer import Renderer, picture_size
from poseglass.show.scene import on_stage
from poseglass.video.ahead import ahead
from poseglass.video.reading import Frame, VideoReader
from poseglass.video.writing import VideoWriter, check_suffix

__all__ = ["Movie", "images_of"]


class _AbandonedError(Exception):
    """The block was left by an error, so the file must not appear."""


class Movie:
    """Draws and encodes chunks of a motion in the background, in the order in which they come.

    The file appears when the block ends without an error. Errors in the background are raised at the end of the block.
    Memory stays bounded: :meth:`add` waits while drawing lags behind.

    The video can be shown beside the motion in two ways: decoded here (`video`), or passed frame by frame to
    :meth:`watch` (`size`), which saves decoding it again after detection. Frame t belongs to row t of the motion.

    Args:
        path: The video to write, such as an ``.mp4``.
        video: The video file that the motion is lifted from.
        size: Width and height of the video whose frames are passed to :meth:`watch`.
        height: Height of the pictures in pixels, without the timeline below them.
        frames: The expected number of frames, if known.

    Raises:
        PoseError: A chunk is not 3D, or its 2D poses are not in pixels.
        VideoError: The video cannot be read or ends before the motion, the file cannot be written, or both `video` and
            `size` are given. The constructor raises those that can be foreseen.

    Example:
        >>> with Movie("walk-3d.mp4", size=(1920, 1080)) as movie:  # doctest: +SKIP
        ...     motion = lifter.lift("walk.mp4", on_frame=movie.watch, each=movie.add)
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        video: str | PathLike[str] | None = None,
        size: tuple[int, int] | None = None,
        height: int = 540,
        frames: int | None = None,
    ) -> None:
        self.path = Path(path)
        check_suffix(self.path)
        check_writable(self.path, VideoError)
        if video is not None and size is not None:
            raise VideoError("give the video to decode, or the size of the frames to pass to watch(); not both")
        # Shrinking images during their conversion costs least.
        self._reader = None if video is None else VideoReader(video, within=(2 * height, height))
        self._size = size if self._reader is None else self._reader.info.size
        self._pictures = None if size is None else WaitingPictures(picture_size(size, height))
        self._height, self._frames = height, frames
        self._chunks: Queue[PoseSequence | None] = Queue(2)  # None marks the end
        self._abandoned = False
        self._work: Future[None] | None = None  # None outside the block
        self._drawing = self._shrinking = 0.0

    @property
    def seconds(self) -> float:
        """Seconds spent on drawing and encoding so far."""
        return self._drawing + self._shrinking

    def __enter__(self) -> "Movie":
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="poseglass-movie")
        self._work = self._worker.submit(self._draw)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        work, self._work = self._work, None
        assert work is not None
        self._abandoned = kind is not None
        try:
            self._put(None, work)
            # Short waits, because Python handles a Ctrl-C that another thread received only between them.
            while kind is None and not work.done():
                wait([work], timeout=0.1)
        except BaseException:  # Ctrl-C while it waits
            self._abandoned = True
            raise
        finally:
            self._put(None, work)
            self._worker.shutdown()
            if self._reader is not None:
                self._reader.close()
        if kind is None:
            work.result()

    def watch(self, frame: Frame) -> None:
        """Add the next frame of the video. A shrunken copy is held until its row of the motion comes.

        Raises:
            VideoError: The movie was created without the `size` of the video.
        """
        if self._pictures is None:
            raise VideoError("watch() needs the size of the video: Movie(..., size=(width, height))")
        start = perf_counter()
        self._pictures.put(frame.image)
        self._shrinking += perf_counter() - start

    def add(self, motion: PoseSequence) -> None:
        """Add the next frames of the motion. Their `pose2d`, if any, is shown on the video.

        Raises:
            VideoError: The method is called outside the `with` block.
        """
        if self._work is None:
            raise VideoError(
                f"{self.path} takes frames inside its block only: with Movie(...) as movie: movie.add(...)"
            )
        if len(motion):
            self._put(motion, self._work)

    def _put(self, chunk: PoseSequence | None, work: Future[None]) -> None:
        while not work.done():  # after drawing has failed, nothing takes chunks
            try:
                self._chunks.put(chunk, timeout=0.1)
            except Full:
                continue
            return

    def _taken(self) -> Iterator[PoseSequence]:
        """Yield the chunks until the block ends."""
        while True:
            start = perf_counter()
            chunk = self._chunks.get()
            self._drawing -= perf_counter() - start
            if chunk is None:
                return
            yield chunk

    def _draw(self) -> None:
        """Decode, draw and encode; runs in the background."""
        start = perf_counter()
        chunks = self._taken()
        try:
            first = next(chunks, None)
            if first is None:
                raise PoseError("expected a motion of at least one frame, got an empty one")
            with ExitStack() as stack:
                renderer = self._renderer(first)
                writer = stack.enter_context(VideoWriter(self.path, fps=first.rate, size=renderer.size))
                # Decoding, drawing and encoding run in parallel, and finish before their files are closed.
                images: Iterator[UInt8[ndarray, "_ _ 3"] | None] = self._watched()
                if self._pictures is None:
                    images = stack.enter_context(closing(ahead(images_of(self._reader))))
                pictures = stack.enter_context(closing(ahead(_drawn(renderer, images, chain([first], chunks)))))
                for picture in pictures:
                    writer.write(picture)
                    if self._abandoned:
                        raise _AbandonedError
                if self._abandoned:
                    raise _AbandonedError
        except _AbandonedError:
            pass
        finally:
            self._drawing += perf_counter() - start

    def _watched(self) -> Iterator[UInt8[ndarray, "_ _ 3"]]:
        """Yield the frames passed to :meth:`watch`."""
        count = 0
        while self._pictures:
            yield self._pictures.take()
            count += 1
        raise VideoError(f"watch() got {count} frames but the motion is longer; pass it every frame of the video")

    def _renderer(self, motion: PoseSequence) -> Renderer:
        pose2d = motion.pose2d
        size = (None if pose2d is None else pose2d.size) or motion.size or self._size
        return Renderer(
            motion.skeleton,
            size=None if self._size is None and pose2d is None else size,
            skeleton2d=None if pose2d is None else pose2d.skeleton,
            fps=motion.rate,
            frames=self._frames,
            height=self._height,
        )


def images_of(reader: VideoReader | None) -> Iterator[UInt8[ndarray, "_ _ 3"] | None]:
    """Yield the images of a video, then raise an error if more are needed; without a video, yield None forever."""
    if reader is None:
        yield from repeat(None)
        return
    count = 0
    for count, frame in enumerate(reader, 1):  # noqa: B007
        yield frame.image
    raise VideoError(
        f"{reader.path} ends after {count} frames but the motion is longer; give the video that it was lifted from"
    )


def _drawn(
    renderer: Renderer, images: Iterator[UInt8[ndarray, "_ _ 3"] | None], chunks: Iterable[PoseSequence]
) -> Iterator[UInt8[ndarray, "_ _ 3"]]:
    """Yield every frame of the motion, drawn beside its image."""
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
