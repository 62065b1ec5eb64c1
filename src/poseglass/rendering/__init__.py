"""Motion as pictures: the video with its 2D skeleton on the left, the 3D figure on the right, a timeline below.

:func:`render` writes an MP4 or a PNG of a whole motion; a :class:`Renderer` draws frame after frame of a motion that
is still being made. Importing this needs OpenCV.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import repeat
from os import PathLike
from pathlib import Path

from jaxtyping import Float, UInt8
from numpy import ndarray

from poseglass._scene import on_stage
from poseglass.ahead import ahead
from poseglass.errors import PoseError, VideoError
from poseglass.pose import PoseSequence
from poseglass.rendering.draw import write_png
from poseglass.rendering.renderer import Renderer
from poseglass.rendering.sheet import draw_sheet, pick_frames
from poseglass.video import VideoReader, VideoWriter

__all__ = ["Renderer", "render"]


def render(
    motion: PoseSequence,
    path: str | PathLike[str],
    *,
    video: str | PathLike[str] | None = None,
    pose2d: PoseSequence | None = None,
    height: int = 540,
) -> Path:
    """Write a motion as a video, every frame of it, or as a sheet of a few frames where the path ends in ``.png``.

    Args:
        motion: The 3D motion.
        path: Where to write: ``.png``, or a video's suffix such as ``.mp4``.
        video: The video that the motion was lifted from: its frame t goes with row t of the motion. What it shows
            after the motion's end is left out.
        pose2d: The 2D poses in pixels; ``motion.pose2d`` where they are not given.
        height: Height of the pictures of a video in pixels, before the timeline comes below them.

    Raises:
        PoseError: The motion is empty or not 3D, or the 2D poses do not go with it.
        VideoError: The video cannot be read or ends before the motion, or the file cannot be written.

    Example:
        >>> motion = pg.lift("walk.mp4")  # doctest: +SKIP
        >>> pg.render(motion, "walk-3d.mp4", video="walk.mp4")  # doctest: +SKIP
    """
    path, pose2d = Path(path), motion.pose2d if pose2d is None else pose2d
    points = on_stage(motion)
    if not len(motion):
        raise PoseError("expected a motion of at least one frame, got an empty one")
    if pose2d is not None and (pose2d.space != "pixels" or len(pose2d) != len(motion)):
        raise PoseError(
            f"expected 2D poses in pixels of the motion's {len(motion)} frames, got {len(pose2d)} in {pose2d.space}"
        )
    sheet = path.suffix.lower() == ".png"
    with ExitStack() as stack:
        reader = None
        if video is not None:
            # A sheet shows the person close up; for a video, reading no larger than it will be shown saves time.
            reader = stack.enter_context(VideoReader(video, max_side=None if sheet else 2 * height))
        if sheet:
            wanted = pick_frames(motion)
            pictures = {t: image for t, image in enumerate(_images(reader, wanted[-1] + 1)) if t in wanted}
            write_png(draw_sheet(motion, points, pose2d, pictures), path)
            return path
        size = (
            (None if pose2d is None else pose2d.size) or motion.size or (None if reader is None else reader.info.size)
        )
        renderer = Renderer(
            motion.skeleton,
            size=None if reader is None and pose2d is None else size,
            skeleton2d=None if pose2d is None else pose2d.skeleton,
            fps=motion.rate,
            frames=len(motion),
            height=height,
        )
        writer = stack.enter_context(VideoWriter(path, fps=motion.rate, size=renderer.size))
        # Decoding, drawing and encoding work side by side.
        images = ahead(_images(reader, len(motion)))
        for picture in ahead(_pictures(renderer, images, motion, points, pose2d)):
            writer.write(picture)
    return path


def _pictures(
    renderer: Renderer,
    images: Iterable[UInt8[ndarray, "h w 3"] | None],
    motion: PoseSequence,
    points: Float[ndarray, "f j 3"],
    pose2d: PoseSequence | None,
) -> Iterator[UInt8[ndarray, "h w 3"]]:
    """Every frame of the motion, drawn; `points` are the motion's as they stand on the stage."""
    for t, image in enumerate(images):
        yield renderer.draw(
            image,
            None if pose2d is None else pose2d.points[t],
            points[t],
            valid=bool(motion.validity[t]),
            kept=None if motion.kept is None else bool(motion.kept[t]),
            scores2d=None if pose2d is None else pose2d.confidence[t],
        )


def _images(reader: VideoReader | None, frames: int) -> Iterator[UInt8[ndarray, "h w 3"] | None]:
    """The first frames of a video, or nothing as often; an error where the video has fewer."""
    if reader is None:
        yield from repeat(None, frames)
        return
    count = 0
    for count, frame in enumerate(reader, 1):
        yield frame.image
        if count == frames:
            return
    raise VideoError(
        f"{reader.path} ends after {count} frames and the motion has {frames}; is it the video it was lifted from?"
    )
