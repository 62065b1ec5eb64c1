"""Draw a motion as a video: decoding, drawing and encoding overlap, and memory stays bounded."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, nullcontext
from itertools import repeat
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.show.rendering.renderer import Renderer
from poseglass.show.stage import Stage
from poseglass.video.ahead import ahead
from poseglass.video.reading import VideoReader
from poseglass.video.spool import SpoolReader, Video, reader_of
from poseglass.video.writing import VideoWriter, check_suffix

__all__ = ["images_of", "write_movie"]


def write_movie(stage: Stage, path: Path, *, video: Video | None, height: int) -> None:
    """Draw figures beside the video they were lifted from, and write the pictures as a video.

    Args:
        stage: The figures. Their 2D poses, if any, are shown on the video.
        path: The file to write, such as an ``.mp4``.
        video: The video, or a spool of its pictures. Its frame t belongs to tick t of the stage.
        height: Height of the pictures in pixels, without the timeline below them.

    Raises:
        VideoError: The video cannot be read or ends before the motion, or the file cannot be written.
    """
    check_suffix(path)
    with ExitStack() as stack:
        # Shrinking images during their conversion costs least.
        reader = None if video is None else reader_of(video, within=(2 * height, height))
        stack.enter_context(reader or nullcontext())
        sizes = [pose2d.size for figure in stage.figures if (pose2d := figure.pose2d) is not None]
        size = sizes[0] if sizes else None if reader is None else stage.figures[0].motion.size or reader.info.size
        renderer = Renderer(stage, size=size, height=height)
        writer = stack.enter_context(VideoWriter(path, fps=stage.rate, size=renderer.size, times=stage.times))
        # Decoding, drawing and encoding run in parallel, and finish before their files are closed.
        images = stack.enter_context(closing(ahead(images_of(reader))))
        drawn = (renderer.draw(tick, image) for tick, image in zip(range(len(stage)), images, strict=False))
        for picture in stack.enter_context(closing(ahead(drawn))):
            writer.write(picture)


def images_of(reader: VideoReader | SpoolReader | None) -> Iterator[UInt8[ndarray, "_ _ 3"] | None]:
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
