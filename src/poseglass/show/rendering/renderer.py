"""`Renderer`: draws the picture of one frame after another, for videos of any length."""

from collections import deque

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.errors import PoseError
from poseglass.show.rendering.draw import Bar, Picture, cv2, draw_bars, draw_flat, write_text
from poseglass.show.rendering.figure import FigureRenderer
from poseglass.show.scene import AMBER, DIM, INK, LEFT, NIGHT, RIGHT, ROSE, SURE, GroundLevel, mix

__all__ = ["Renderer", "picture_size"]

LONGEST = 360  # maximum frames on the timeline; for a longer video it scrolls


def picture_size(size: tuple[int, int], height: int) -> tuple[int, int]:
    """Width and height in pixels at which a :class:`Renderer` of this height shows a video of this size."""
    height += height % 2
    scale = _scale(size, height)
    return 2 * max(1, round(scale * size[0] / 2)), min(max(1, round(scale * size[1])), height)


def fit(image: Picture, size: tuple[int, int]) -> Picture:
    """Scale an image to a width and height."""
    if image.shape[1::-1] == size:
        return image
    # If an image shrinks a lot, averaging keeps thin objects from flickering; otherwise interpolation is faster.
    how = cv2.INTER_AREA if image.shape[0] >= 1.9 * size[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how))


def _scale(size: tuple[int, int], height: int) -> float:
    return min(height / size[1], 2 * height / size[0])  # a very wide video gets bars above and below


class Renderer:
    """Draws one frame after another, in the order of the video.

    The video and the 2D skeleton are on the left, the 3D figure is on the right. The timeline below highlights kept
    frames and marks frames in which the person was not detected. It scrolls, so the length of the video may be unknown.

    Args:
        skeleton: The skeleton of the 3D poses.
        size: Width and height of the video in pixels, the unit of the 2D points. Without it, there is no left side.
        skeleton2d: The skeleton of the 2D poses. Default: that of the 3D poses.
        fps: Frames per second.
        frames: The number of frames to come, if known.
        height: Height of the two pictures in pixels, without the timeline below them.

    Raises:
        PoseError: The height, the size or the frame rate is out of range.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> from poseglass.show.rendering import Renderer
        >>> renderer = Renderer(pg.H36M_17, height=360)
        >>> renderer.draw(None, None, np.random.default_rng(0).normal(0, 0.4, (17, 3)), valid=True).shape
        (390, 640, 3)
    """

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        size: tuple[int, int] | None = None,
        skeleton2d: Skeleton | None = None,
        fps: float = 30.0,
        frames: int | None = None,
        height: int = 540,
    ) -> None:
        if not 64 <= height <= 4320:
            raise PoseError(f"height must be 64 to 4320 pixels, got {height}")
        if not 0 < fps < float("inf"):
            raise PoseError(f"fps must be a positive number, got {fps}")
        if size is not None and min(size) < 1:
            raise PoseError(f"size must be the width and height of the video in pixels, got {size}")
        height += height % 2  # video codecs need even sides
        self._scale, flat, deep, self._used = 1.0, 0, 2 * round(height * 8 / 9), 0
        if size is not None:
            self._scale = _scale(size, height)
            (flat, self._used), deep = picture_size(size, height), height
        self._flat, self._unit = (flat, height), height / 540
        self._skeletons = skeleton2d or skeleton, skeleton
        self._figure, self._ground = FigureRenderer(skeleton, (deep, height)), GroundLevel(fps)
        self._fps, self._frames, self._count, self._lit = fps, frames, 0, 0
        self._strip = np.full((2 * round(22 * self._unit), flat + deep, 3), NIGHT, np.uint8)
        self._past: deque[int] = deque(maxlen=max(1, min(frames or LONGEST, LONGEST)))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures in pixels. Both are even."""
        return self._flat[0] + self._figure.size[0], self._flat[1] + len(self._strip)

    def draw(
        self,
        image: Picture | None,
        points2d: Float[ndarray, "_ 2"] | None,
        points3d: Float[ndarray, "j 3"],
        *,
        valid: bool,
        kept: bool | None = None,
        scores2d: Float[ndarray, " _"] | None = None,
    ) -> Picture:
        """Draw the picture of the next frame, RGB.

        Args:
            image: The frame of the video, RGB. Without it, the left side stays dark.
            points2d: 2D joints in pixels of the video's `size`. Joints that are NaN or have a score below 0.3 are not
                drawn.
            points3d: 3D joints in metres: x right, y down, z away from the camera. The ground is estimated.
            valid: Whether the person was detected. A filled-in pose is drawn in pale colours, with a label.
            kept: Whether the model kept the frame in its middle layers; None if the model does not prune.
            scores2d: Confidence of the 2D joints.

        Raises:
            PoseError: The points do not match the skeletons.
        """
        for points, skeleton, axes in zip((points2d, points3d), self._skeletons, (2, 3), strict=True):
            if points is not None and points.shape != (len(skeleton), axes):
                raise PoseError(
                    f"points of {skeleton.name} in {axes}D must have shape {(len(skeleton), axes)}, got {points.shape}"
                )
        canvas = np.empty((self.size[1], self.size[0], 3), np.uint8)
        flat, height = self._flat
        if flat:
            self._draw_video(canvas[:height, :flat], image, points2d, scores2d)
        canvas[:height, flat:] = self._figure.draw(points3d, self._ground(points3d), dim=not valid)
        self._write_labels(canvas[:height, flat:], valid)
        self._past.append(Bar.UNSEEN if not valid else Bar.KEPT if kept else Bar.PRUNED)
        self._count, self._lit = self._count + 1, self._lit + bool(kept)
        self._draw_timeline(canvas[height:], kept)
        return canvas

    def _draw_video(
        self,
        canvas: Picture,
        image: Picture | None,
        points: Float[ndarray, "j 2"] | None,
        scores: Float[ndarray, " j"] | None,
    ) -> None:
        height, width = canvas.shape[:2]
        used = self._used
        top = (height - used) // 2
        if image is None or used < height:
            canvas[:] = NIGHT
        if image is not None:
            canvas[top : top + used] = fit(image, (width, used))
        if points is not None:
            shown = np.isfinite(points).all(-1) & (True if scores is None else scores >= SURE)
            draw_flat(canvas, points * self._scale + [0, top], shown, self._skeletons[0])

    def _write_labels(self, canvas: Picture, valid: bool) -> None:
        size, edge = round(15 * self._unit), round(16 * self._unit)
        line = canvas.shape[0] - edge - round(1.2 * size)
        write_text(canvas, "left", (edge, line), size, LEFT)
        write_text(canvas, "right", (edge + round(2.2 * size), line), size, RIGHT)
        if not valid:
            write_text(canvas, "not detected: filled in", (edge, edge), size, mix(ROSE, INK, 0.4))

    def _draw_timeline(self, strip: Picture, kept: bool | None) -> None:
        strip[:] = self._strip
        size, edge = round(15 * self._unit), round(16 * self._unit)
        line = (strip.shape[0] - round(1.25 * size)) // 2
        seconds = (self._count - 1) / self._fps
        write_text(strip, f"{int(seconds // 60):02d}:{seconds % 60:05.2f}", (edge, line), size, INK)
        counts = f"frame {self._count - 1}" if kept is None else f"{self._lit} of {self._count} kept"
        write_text(strip, counts, (strip.shape[1] - edge, line), size, AMBER if kept else DIM, align=1)
        left, right = edge + round(4.6 * size), strip.shape[1] - edge - 9 * size
        if right - left < 20:
            return
        assert self._past.maxlen is not None
        states = np.full(self._past.maxlen, Bar.AHEAD)
        states[: len(self._past)] = self._past
        draw_bars(strip, (left, right), states, [len(self._past) - 1], self._unit)
        if self._frames and self._frames > LONGEST:  # the bars scroll, so a thin line shows the position in the video
            end = left + round((right - left) * min(1.0, self._count / self._frames))
            strip[-max(2, round(2 * self._unit)) :, left:end] = DIM
