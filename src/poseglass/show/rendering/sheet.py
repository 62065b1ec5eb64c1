"""A contact sheet: a few frames of a motion in one picture, with the video, the 3D figures and the timeline."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.skeleton import Skeleton
from poseglass.show.rendering.draw import Bar, Picture, cv2, draw_bars, draw_flat, write_text
from poseglass.show.rendering.figure import FigureRenderer
from poseglass.show.rendering.renderer import bar_states
from poseglass.show.scene import AMBER, DIM, INK, NIGHT, SURE, Colour
from poseglass.show.stage import Figure, Stage

__all__ = ["draw_sheet", "pick_frames"]

COLUMNS, CELL, GAP, STRIP = 5, (320, 400), 8, 64  # number of columns; sizes in pixels
CLOSE_UP = 0.78  # share of a cell that the largest 2D poses fill


class _Pose(NamedTuple):
    """A 2D pose in pixels of the image, and which of its joints are drawn."""

    skeleton: Skeleton
    colours: tuple[Colour, Colour, Colour]
    points: Float[ndarray, "j 2"]
    shown: Bool[ndarray, " j"]


def pick_frames(stage: Stage, among: Sequence[int] | None = None) -> list[int]:
    """Choose up to five ticks of the clock, evenly spread over those in which a person was detected.

    Args:
        stage: The figures.
        among: The ticks to choose from; the nearest ones are chosen, which may be fewer. Default: all.
    """
    valid = bar_states(stage) != Bar.UNSEEN
    frames = np.flatnonzero(valid) if valid.any() else np.arange(len(stage))
    count = min(COLUMNS, len(frames))
    ideal = [int(frames[round((n + 0.5) * len(frames) / count - 0.5)]) for n in range(count)]
    if among is None:
        return ideal
    frames = np.intersect1d(frames, among)
    nearest = {int(frames[np.abs(frames - t).argmin()]) for t in ideal} if len(frames) else set()
    return sorted(nearest)


def draw_sheet(stage: Stage, frames: Sequence[int], images: Mapping[int, Picture | None]) -> Picture:
    """Draw the sheet of a few frames.

    Args:
        stage: The figures.
        frames: The frames (:func:`pick_frames`).
        images: The video's images by frame number; frames without an image are drawn without it.
    """
    width, height = CELL
    figures = FigureRenderer(stage, CELL)
    rows = [[figures.draw(t) for t in frames]]
    flat = [figure for figure in stage.figures if figure.motion.pose2d is not None]
    if flat or any(images.get(t) is not None for t in frames):
        rows.insert(0, _close_ups(frames, flat, images))
    sheet = np.empty((len(rows) * (height + GAP) + STRIP, len(frames) * (width + GAP) - GAP, 3), np.uint8)
    sheet[:] = NIGHT
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            top, left = row * (height + GAP), column * (width + GAP)
            sheet[top : top + height, left : left + width] = picture

    strip, states = sheet[-STRIP:], bar_states(stage)
    pruned = any(figure.kept is not None for figure in stage.figures)
    count = sum(int(figure.kept.sum()) for figure in stage.figures[:1] if figure.kept is not None)
    counts = f"{count} of {len(stage)} frames kept" if pruned and len(stage.figures) == 1 else f"{len(stage)} frames"
    size, line = 17, (STRIP - 22) // 2
    write_text(strip, f"{stage.times[-1] - stage.times[0] + 1 / stage.rate:.1f} s", (20, line), size, INK)
    write_text(strip, counts, (sheet.shape[1] - 20, line), size, AMBER if pruned else DIM, align=1)
    left, right = 90, sheet.shape[1] - 240
    if right - left > 20:
        draw_bars(strip, (left, right), states, list(frames), 1.4)
    return sheet


def _poses(figures: list[Figure], frame: int, width: int | None) -> list[_Pose]:
    """The 2D poses of a frame, in pixels of an image of this width."""
    poses = []
    for figure in figures:
        pose2d, row = figure.motion.pose2d, figure.rows[frame]
        if pose2d is not None and figure.shown[frame]:
            # The 2D points are pixels of the original image size. The images here may be smaller.
            scale = width / pose2d.size[0] if width and pose2d.size else 1.0
            shown = np.isfinite(pose2d.points[row]).all(-1) & (pose2d.confidence[row] >= SURE)
            poses.append(_Pose(pose2d.skeleton, figure.colours, pose2d.points[row] * scale, shown))
    return poses


def _close_ups(frames: Sequence[int], figures: list[Figure], images: Mapping[int, Picture | None]) -> list[Picture]:
    """Draw the part of the video around the people with their 2D skeletons, in all frames at the same scale."""
    cell = np.array(CELL)
    available = {t: image for t in frames if (image := images.get(t)) is not None}
    sizes = {t: np.array(image.shape[1::-1]) for t, image in available.items()}
    poses = {t: _poses(figures, t, int(sizes[t][0]) if t in sizes else None) for t in frames}
    boxes = {}
    for t in frames:
        drawn = np.concatenate([np.empty((0, 2)), *[pose.points[pose.shown] for pose in poses[t]]])
        if len(drawn):
            boxes[t] = drawn.min(0), drawn.max(0)
    span = max([float(((high - low) / cell).max()) for low, high in boxes.values()], default=0.0)
    pictures = []
    for t in frames:
        picture: Picture = np.full((CELL[1], CELL[0], 3), NIGHT, np.uint8)
        middle = sum(boxes[t]) / 2 if t in boxes else sizes[t] / 2 if t in sizes else np.zeros(2)
        zoom = CLOSE_UP / span if span else CELL[1] / sizes[t][1] if t in sizes else 1.0
        shift = cell / 2 - zoom * middle
        if t in sizes:
            # Near the edge of the video, the view is shifted so that it has no border.
            room = cell - zoom * sizes[t]
            shift = np.clip(shift, np.minimum(room, 0), np.maximum(room, 0))
            move = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
            picture = cv2.warpAffine(available[t], move, CELL, flags=cv2.INTER_LINEAR, borderValue=NIGHT)
        for pose in poses[t]:
            draw_flat(picture, pose.points * zoom + shift, pose.shown, pose.skeleton, pose.colours)
        pictures.append(picture)
    return pictures
