"""Draw a motion as a video: decoding, drawing and encoding overlap, and memory stays bounded."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import repeat
from os import PathLike
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.errors import VideoError
from poseglass.show.rendering.renderer import Renderer
from poseglass.show.scene import on_stage
from poseglass.video.ahead import ahead
from poseglass.video.reading import VideoReader
from poseglass.video.writing import VideoWriter, check_suffix

__all__ = ["images_of", "write_movie"]


def write_movie(motion: PoseSequence, path: Path, *, video: str | PathLike[str] | None, height: int) -> None:
    """Draw a motion beside the video it was lifted from, and write the pictures as a video.

    Args:
        motion: The 3D motion. Its `pose2d`, if any, is shown on the video.
        path: The file to write, such as an ``.mp4``.
        video: The video. Its frame t belongs to row t of the motion.
        height: Height of the pictures in pixels, without the timeline below them.

    Raises:
        VideoError: The video cannot be read or ends before the motion, or the file cannot be written.
    """
    check_suffix(path)
    with ExitStack() as stack:
        # Shrinking images during their conversion costs least.
        reader = None if video is None else stack.enter_context(VideoReader(video, within=(2 * height, height)))
        renderer = _renderer(motion, reader, height)
        writer = stack.enter_context(VideoWriter(path, fps=motion.rate, size=renderer.size))
        # Decoding, drawing and encoding run in parallel, and finish before their files are closed.
        images = stack.enter_context(closing(ahead(images_of(reader))))
        for picture in stack.enter_context(closing(ahead(_drawn(renderer, images, motion)))):
            writer.write(picture)


def _renderer(motion: PoseSequence, reader: VideoReader | None, height: int) -> Renderer:
    pose2d = motion.pose2d
    size = (None if pose2d is None else pose2d.size) or motion.size or (None if reader is None else reader.info.size)
    return Renderer(
        motion.skeleton,
        size=None if reader is None and pose2d is None else size,
        skeleton2d=None if pose2d is None else pose2d.skeleton,
        fps=motion.rate,
        frames=len(motion),
        height=height,
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
    renderer: Renderer, images: Iterator[UInt8[ndarray, "_ _ 3"] | None], motion: PoseSequence
) -> Iterator[UInt8[ndarray, "_ _ 3"]]:
    """Yield every frame of the motion, drawn beside its image."""
    points, pose2d = on_stage(motion), motion.pose2d
    for t in range(len(motion)):
        yield renderer.draw(
            next(images),
            None if pose2d is None else pose2d.points[t],
            points[t],
            valid=bool(motion.validity[t]),
            kept=None if motion.kept is None else bool(motion.kept[t]),
            scores2d=None if pose2d is None else pose2d.confidence[t],
        )
