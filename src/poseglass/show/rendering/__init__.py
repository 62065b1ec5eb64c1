"""Pictures of motion: the video with its 2D skeleton on the left, the 3D figure on the right, a timeline below.

:func:`render` writes a motion as MP4 or PNG. A :class:`Renderer` draws single frames. Importing this module needs
OpenCV.
"""

from contextlib import nullcontext
from dataclasses import replace
from os import PathLike
from pathlib import Path

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError
from poseglass.show.rendering.draw import write_png
from poseglass.show.rendering.movie import images_of, write_movie
from poseglass.show.rendering.renderer import Renderer as Renderer
from poseglass.show.rendering.sheet import draw_sheet, pick_frames
from poseglass.show.scene import on_stage
from poseglass.video.reading import VideoReader

__all__ = ["Renderer", "render"]


def render(
    motion: PoseSequence,
    path: str | PathLike[str],
    *,
    video: str | PathLike[str] | None = None,
    pose2d: PoseSequence | None = None,
    height: int = 540,
) -> Path:
    """Write a motion as a video, or as a sheet of a few frames if the path ends in ``.png``.

    Args:
        motion: The 3D motion.
        path: The file to write: ``.png``, or a video such as ``.mp4``.
        video: The video that the motion was lifted from. Its frame t belongs to row t of the motion. Frames after the
            motion's last row are ignored.
        pose2d: The 2D poses in pixels. Default: ``motion.pose2d``.
        height: Height of a video's pictures in pixels, without the timeline below them.

    Raises:
        PoseError: The motion is empty or not 3D, or the 2D poses do not match it.
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
            f"expected 2D poses in pixels for the motion's {len(motion)} frames, got {len(pose2d)} in {pose2d.space}"
        )
    motion = replace(motion, pose2d=pose2d)
    if path.suffix.lower() != ".png":
        write_movie(motion, path, video=video, height=height)
        return path
    frames = pick_frames(motion)
    with nullcontext() if video is None else VideoReader(video) as reader:
        images = zip(range(frames[-1] + 1), images_of(reader), strict=False)
        pictures = {t: image for t, image in images if t in frames}
    write_png(draw_sheet(motion, points, pose2d, pictures), path)
    return path
