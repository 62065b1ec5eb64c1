"""Pictures of motion: the video with its 2D skeletons on the left, the 3D figures on the right, a timeline below.

:func:`render` writes motions as MP4 or PNG. A :class:`Renderer` draws single pictures. Importing this module needs
OpenCV.
"""

from contextlib import nullcontext
from dataclasses import replace
from os import PathLike
from pathlib import Path

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError
from poseglass.show.rendering.draw import Picture, write_png
from poseglass.show.rendering.movie import images_of, write_movie
from poseglass.show.rendering.renderer import Renderer as Renderer
from poseglass.show.rendering.sheet import draw_sheet, pick_frames
from poseglass.show.stage import Motions, Stage, set_stage
from poseglass.video.reading import VideoReader
from poseglass.video.spool import Spool, Video

__all__ = ["Renderer", "render"]


def render(
    motion: Motions,
    path: str | PathLike[str],
    *,
    video: Video | None = None,
    pose2d: PoseSequence | None = None,
    height: int = 540,
) -> Path:
    """Write a motion as a video, or as a sheet of a few frames if the path ends in ``.png``.

    A motion whose place in the world is known walks over the floor, and the camera follows it.

    Args:
        motion: The 3D motion, or those of several people.
        path: The file to write: ``.png``, or a video such as ``.mp4``.
        video: The video that the motion was lifted from, or the :class:`poseglass.video.spool.Spool` that kept its
            pictures. Its frame t belongs to row t of the motion. Frames after the motion's last row are ignored.
        pose2d: The 2D poses in pixels, for a single motion. Default: ``motion.pose2d``.
        height: Height of a video's pictures in pixels, without the timeline below them.

    Raises:
        PoseError: A motion is empty, entirely unknown or not 3D, or the 2D poses do not match it.
        VideoError: The video cannot be read or ends before the motion, or the file cannot be written.

    Example:
        >>> motion = pg.lift("walk.mp4")  # doctest: +SKIP
        >>> pg.render(motion, "walk-3d.mp4", video="walk.mp4")  # doctest: +SKIP
    """
    path = Path(path)
    if pose2d is not None:
        if not isinstance(motion, PoseSequence):
            raise PoseError("pose2d belongs to a single motion; those of several people are in their motions")
        if len(pose2d) != len(motion):
            raise PoseError(f"expected 2D poses for the motion's {len(motion)} frames, got {len(pose2d)}")
        motion = replace(motion, pose2d=pose2d)
    stage = set_stage(motion)
    for figure in stage.figures:
        figure.motion.require_known("draw")
        if (flat := figure.motion.pose2d) is not None and flat.space != "pixels":
            raise PoseError(f"expected 2D poses in pixels, got {flat.space}")
    if path.suffix.lower() != ".png":
        write_movie(stage, path, video=video, height=height)
        return path
    write_png(_sheet(stage, video), path)
    return path


def _sheet(stage: Stage, video: Video | None) -> Picture:
    """The sheet of a few frames: any of the video, or of the stills that were kept if those show the person."""
    ticks = pick_frames(stage)
    stills = video.stills if isinstance(video, Spool) else None
    if stills is not None and len(kept := pick_frames(stage, stills.frames)) == len(ticks):
        return draw_sheet(stage, kept, {t: stills.image(t) for t in kept})
    # Full size, unlike the pictures in a spool.
    reader = video.video.again() if isinstance(video, Spool) else None if video is None else VideoReader(video)
    with reader or nullcontext():
        images = zip(range(ticks[-1] + 1), images_of(reader), strict=False)
        return draw_sheet(stage, ticks, {t: image for t, image in images if t in ticks})
