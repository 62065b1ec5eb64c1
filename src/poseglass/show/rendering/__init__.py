"""Motion as pictures: the video with its 2D skeleton on the left, the 3D figure on the right, a timeline below.

:func:`render` writes an MP4 or a PNG of a whole motion, a :class:`Movie` an MP4 of one that is still being made, and a
:class:`Renderer` draws frame after frame. Importing this needs OpenCV.
"""

from contextlib import nullcontext
from dataclasses import replace
from os import PathLike
from pathlib import Path

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError
from poseglass.show.rendering.draw import write_png
from poseglass.show.rendering.movie import Movie as Movie
from poseglass.show.rendering.movie import images_of
from poseglass.show.rendering.renderer import Renderer as Renderer
from poseglass.show.rendering.sheet import draw_sheet, pick_frames
from poseglass.show.scene import on_stage
from poseglass.video.reading import VideoReader

__all__ = ["Movie", "Renderer", "render"]


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
    motion = replace(motion, pose2d=pose2d)
    if path.suffix.lower() != ".png":
        with Movie(path, video=video, height=height, frames=len(motion)) as movie:
            movie.add(motion)
        return path
    wanted = pick_frames(motion)
    with nullcontext() if video is None else VideoReader(video) as reader:
        images = zip(range(wanted[-1] + 1), images_of(reader), strict=False)
        pictures = {t: image for t, image in images if t in wanted}
    write_png(draw_sheet(motion, points, pose2d, pictures), path)
    return path
