"""`Renderer`: draws the pictures of a movie: the video, the figures, and a timeline."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from poseglass.errors import PoseError
from poseglass.show.rendering.draw import Bar, Picture, draw_bars, draw_flat, write_text
from poseglass.show.rendering.figure import FigureRenderer
from poseglass.show.scene import AMBER, DIM, INK, LEFT, NIGHT, RIGHT, ROSE, SURE, mix
from poseglass.show.stage import Stage
from poseglass.video.pictures import resized

__all__ = ["Renderer", "bar_states"]

LONGEST = 360  # maximum frames on the timeline; for a longer motion it scrolls


class Layout(NamedTuple):
    """The parts of a picture, in pixels.

    Args:
        height: Height of the video and the figures.
        flat: Width of the video.
        deep: Width of the figures.
        used: Height of the video's image; less than `height` for a very wide video, which gets bars above and below.
        scale: Size of the image in the picture, as a multiple of the video's.
        strip: Height of the timeline.
    """

    height: int
    flat: int
    deep: int
    used: int
    scale: float
    strip: int


def layout(size: tuple[int, int] | None, height: int) -> Layout:
    """Arrange a video of this width and height, or none, beside the figures."""
    height += height % 2  # video codecs need even sides
    strip = 2 * round(22 * height / 540)
    if size is None:
        return Layout(height, 0, 2 * round(height * 8 / 9), 0, 1.0, strip)
    scale = min(height / size[1], 2 * height / size[0])
    flat = 2 * max(1, round(scale * size[0] / 2))
    return Layout(height, flat, height, min(max(1, round(scale * size[1])), height), scale, strip)


def bar_states(stage: Stage) -> Int[ndarray, " f"]:
    """The :class:`Bar` of each tick: whether anybody was detected, and whether the frame was kept for anybody."""
    kept = False if stage.kept is None else stage.kept
    states: ndarray = np.where(stage.valid, np.where(kept, Bar.KEPT, Bar.PRUNED), Bar.UNSEEN)
    return states


class Renderer:
    """Draws the pictures of a stage.

    The video and the 2D skeletons are on the left, the figures on the right. The timeline below highlights kept frames
    and marks frames in which nobody was detected.

    Args:
        stage: The figures.
        size: Width and height of the video in pixels, the unit of the 2D points. Without it, there is no left side.
        height: Height of the two pictures in pixels, without the timeline below them.

    Raises:
        PoseError: The height or the size is out of range.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> from poseglass.show.rendering import Renderer
        >>> from poseglass.show.stage import set_stage
        >>> motion = pg.PoseSequence(np.random.default_rng(0).normal(0, 0.4, (5, 17, 3)), pg.H36M_17, "camera")
        >>> Renderer(set_stage(motion), height=360).draw(0).shape
        (390, 640, 3)
    """

    def __init__(self, stage: Stage, *, size: tuple[int, int] | None = None, height: int = 540) -> None:
        if not 64 <= height <= 4320:
            raise PoseError(f"height must be 64 to 4320 pixels, got {height}")
        if size is not None and min(size) < 1:
            raise PoseError(f"size must be the width and height of the video in pixels, got {size}")
        self._stage, self._parts = stage, layout(size, height)
        self._unit = self._parts.height / 540
        self._figures = FigureRenderer(stage, (self._parts.deep, self._parts.height))
        self._states = bar_states(stage)
        self._counts = None
        if all(figure.kept is not None for figure in stage.figures):
            self._counts = np.cumsum(self._states == Bar.KEPT)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures in pixels. Both are even."""
        parts = self._parts
        return parts.flat + parts.deep, parts.height + parts.strip

    def draw(self, tick: int, image: Picture | None = None) -> Picture:
        """Draw the picture of a tick of the stage's clock, RGB.

        Args:
            tick: The tick.
            image: The frame of the video, RGB. Without it, the left side stays dark.
        """
        canvas = np.empty((self.size[1], self.size[0], 3), np.uint8)
        flat, height = self._parts.flat, self._parts.height
        if flat:
            self._draw_video(canvas[:height, :flat], tick, image)
        canvas[:height, flat:] = self._figures.draw(tick)
        self._write_labels(canvas[:height, flat:], tick)
        self._draw_timeline(canvas[height:], tick)
        return canvas

    def _draw_video(self, canvas: Picture, tick: int, image: Picture | None) -> None:
        height, width = canvas.shape[:2]
        used = self._parts.used
        top = (height - used) // 2
        if image is None or used < height:
            canvas[:] = NIGHT
        if image is not None:
            canvas[top : top + used] = resized(image, (width, used))
        for figure in self._stage.figures:
            pose2d, row = figure.motion.pose2d, figure.rows[tick]
            if pose2d is not None and figure.shown[tick]:
                shown = np.isfinite(pose2d.points[row]).all(-1) & (pose2d.confidence[row] >= SURE)
                places = pose2d.points[row] * self._parts.scale + [0, top]
                draw_flat(canvas, places, shown, pose2d.skeleton, figure.colours)

    def _write_labels(self, canvas: Picture, tick: int) -> None:
        size, edge = round(15 * self._unit), round(16 * self._unit)
        line, across = canvas.shape[0] - edge - round(1.2 * size), edge
        figures = self._stage.figures
        alone = len(figures) == 1
        words = [("left", LEFT), ("right", RIGHT)] if alone else [(f.name, f.colours[0]) for f in figures]
        for word, colour in words[:6]:
            write_text(canvas, word, (across, line), size, colour)
            across += round((0.55 * len(word) + 0.7) * size)
        if alone and not figures[0].valid[tick]:
            write_text(canvas, "not detected: filled in", (edge, edge), size, mix(ROSE, INK, 0.4))

    def _draw_timeline(self, strip: Picture, tick: int) -> None:
        strip[:] = NIGHT
        size, edge = round(15 * self._unit), round(16 * self._unit)
        line = (strip.shape[0] - round(1.25 * size)) // 2
        seconds = float(self._stage.times[tick] - self._stage.times[0])
        write_text(strip, f"{int(seconds // 60):02d}:{seconds % 60:05.2f}", (edge, line), size, INK)
        lit = self._counts is not None and self._states[tick] == Bar.KEPT
        counts = f"frame {tick}" if self._counts is None else f"{self._counts[tick]} of {tick + 1} kept"
        write_text(strip, counts, (strip.shape[1] - edge, line), size, AMBER if lit else DIM, align=1)
        left, right = edge + round(4.6 * size), strip.shape[1] - edge - 9 * size
        if right - left < 20:
            return
        frames = len(self._states)
        states = np.full(min(frames, LONGEST), Bar.AHEAD)
        past = self._states[max(0, tick + 1 - LONGEST) : tick + 1]
        states[: len(past)] = past
        draw_bars(strip, (left, right), states, [len(past) - 1], self._unit)
        if frames > LONGEST:  # the bars scroll, so a thin line shows the position in the motion
            end = left + round((right - left) * (tick + 1) / frames)
            strip[-max(2, round(2 * self._unit)) :, left:end] = DIM
