"""A contact sheet: a few frames of a motion in one picture, with the video, the 3D figure and the timeline."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.show.rendering.draw import Bar, Picture, cv2, draw_bars, draw_flat, write_text
from poseglass.show.rendering.figure import FigureRenderer
from poseglass.show.scene import AMBER, DIM, INK, NIGHT, SURE, GroundLevel

__all__ = ["draw_sheet", "pick_frames"]

COLUMNS, CELL, GAP, STRIP = 5, (320, 400), 8, 64  # number of columns; sizes in pixels
CLOSE_UP = 0.78  # share of a cell that the largest 2D pose fills


def pick_frames(motion: PoseSequence) -> list[int]:
    """Choose a few frames, evenly spread over those in which the person was detected."""
    frames = np.flatnonzero(motion.validity) if motion.validity.any() else np.arange(len(motion))
    count = min(COLUMNS, len(frames))
    return [int(frames[round((n + 0.5) * len(frames) / count - 0.5)]) for n in range(count)]


def draw_sheet(
    motion: PoseSequence,
    points: Float[ndarray, "f j 3"],
    pose2d: PoseSequence | None,
    images: Mapping[int, Picture | None],
) -> Picture:
    """Draw the sheet of the frames that :func:`pick_frames` chooses.

    Args:
        motion: The motion.
        points: Its points in metres: x right, y down, z away.
        pose2d: Its 2D poses in pixels, if any.
        images: The video's images by frame number; frames without an image are drawn without it.
    """
    frames, (width, height) = pick_frames(motion), CELL
    figure, ground = FigureRenderer(motion.skeleton, CELL), GroundLevel(motion.rate)
    grounds = [ground(pose) for pose in points]
    rows = [[figure.draw(points[t], grounds[t], dim=not motion.validity[t]) for t in frames]]
    pictured = any(images.get(t) is not None for t in frames)
    if pictured or pose2d is not None:
        rows.insert(0, _close_ups(frames, pose2d, images))
    sheet = np.empty((len(rows) * (height + GAP) + STRIP, len(frames) * (width + GAP) - GAP, 3), np.uint8)
    sheet[:] = NIGHT
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            top, left = row * (height + GAP), column * (width + GAP)
            sheet[top : top + height, left : left + width] = picture

    strip = sheet[-STRIP:]
    states = np.where(motion.validity, Bar.PRUNED, Bar.UNSEEN)
    if motion.kept is not None:
        states = np.where(motion.kept & motion.validity, Bar.KEPT, states)
    counts = f"{len(motion)} frames" if motion.kept is None else f"{motion.kept.sum()} of {len(motion)} frames kept"
    size, line = 17, (STRIP - 22) // 2
    write_text(strip, f"{motion.duration:.1f} s", (20, line), size, INK)
    write_text(strip, counts, (sheet.shape[1] - 20, line), size, DIM if motion.kept is None else AMBER, align=1)
    left, right = 90, sheet.shape[1] - 240
    if right - left > 20:
        draw_bars(strip, (left, right), states, frames, 1.4)
    return sheet


def _close_ups(frames: list[int], pose2d: PoseSequence | None, images: Mapping[int, Picture | None]) -> list[Picture]:
    """Draw the part of the video around the person with the 2D skeleton, in all frames at the same scale."""
    cell = np.array(CELL)
    available = {t: image for t in frames if (image := images.get(t)) is not None}
    sizes = {t: np.array(image.shape[1::-1]) for t, image in available.items()}
    poses, boxes = {}, {}
    if pose2d is not None:
        for t in frames:
            # The 2D points are pixels of the original image size. The images here may be smaller.
            scale = sizes[t][0] / pose2d.size[0] if t in sizes and pose2d.size else 1.0
            shown = np.isfinite(pose2d.points[t]).all(-1) & (pose2d.confidence[t] >= SURE)
            poses[t] = pose2d.points[t] * scale, shown
            if shown.any():
                boxes[t] = poses[t][0][shown].min(0), poses[t][0][shown].max(0)
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
        if pose2d is not None:
            points, shown = poses[t]
            draw_flat(picture, points * zoom + shift, shown, pose2d.skeleton)
        pictures.append(picture)
    return pictures
