"""A contact sheet: a few moments of a motion in one picture, the video above, the 3D figure below, and the timeline."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.show.rendering.draw import Bar, cv2, draw_bars, draw_flat, write_text
from poseglass.show.rendering.stage import Stage
from poseglass.show.scene import AMBER, DIM, INK, NIGHT, SURE, Floor

__all__ = ["draw_sheet", "pick_frames"]

COLUMNS, CELL, GAP, STRIP = 5, (320, 400), 8, 64


def pick_frames(motion: PoseSequence) -> list[int]:
    """A few frames, evenly spread over those in which the person was seen."""
    frames = np.flatnonzero(motion.validity) if motion.validity.any() else np.arange(len(motion))
    count = min(COLUMNS, len(frames))
    return [int(frames[round((n + 0.5) * len(frames) / count - 0.5)]) for n in range(count)]


def draw_sheet(
    motion: PoseSequence,
    points: Float[ndarray, "f j 3"],
    pose2d: PoseSequence | None,
    images: Mapping[int, UInt8[ndarray, "h w 3"] | None],
) -> UInt8[ndarray, "height width 3"]:
    """The sheet of the frames of :func:`pick_frames`.

    Args:
        motion: The motion.
        points: Its points, in metres: x right, y down, z away.
        pose2d: Its 2D poses in pixels.
        images: The frames of the video that are there.
    """
    frames, (width, height) = pick_frames(motion), CELL
    stage, floor = Stage(motion.skeleton, CELL), Floor(motion.rate)
    floors = [floor(pose) for pose in points]
    rows = [[stage.draw(points[t], floors[t], dim=not motion.validity[t]) for t in frames]]
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
    unseen = np.where(motion.validity, Bar.PRUNED, Bar.UNSEEN)
    states = unseen if motion.kept is None else np.where(motion.kept & motion.validity, Bar.KEPT, unseen)
    told = f"{len(motion)} frames" if motion.kept is None else f"{motion.kept.sum()} of {len(motion)} frames kept"
    size, line = 17, (STRIP - 22) // 2
    write_text(strip, f"{motion.duration:.1f} s", (20, line), size, INK)
    write_text(strip, told, (sheet.shape[1] - 20, line), size, DIM if motion.kept is None else AMBER, align=1)
    left, right = 90, sheet.shape[1] - 240
    if right - left > 20:
        draw_bars(strip, (left, right), states, frames, 1.4)
    return sheet


def _close_ups(
    frames: list[int], pose2d: PoseSequence | None, images: Mapping[int, UInt8[ndarray, "h w 3"] | None]
) -> list[UInt8[ndarray, "height width 3"]]:
    """The video around the person, at one scale, with the 2D skeleton."""
    cell = np.array(CELL)
    there = {t: image for t in frames if (image := images.get(t)) is not None}
    sizes = {t: np.array(image.shape[1::-1]) for t, image in there.items()}
    poses, boxes = {}, {}
    if pose2d is not None:
        for t in frames:
            # The 2D points count in pixels of their own size, which the images may have been scaled from.
            scale = sizes[t][0] / pose2d.size[0] if t in sizes and pose2d.size else 1.0
            shown = np.isfinite(pose2d.points[t]).all(-1) & (pose2d.confidence[t] >= SURE)
            poses[t] = pose2d.points[t] * scale, shown
            if shown.any():
                boxes[t] = poses[t][0][shown].min(0), poses[t][0][shown].max(0)
    span = max([float(((high - low) / cell).max()) for low, high in boxes.values()], default=0.0)
    pictures = []
    for t in frames:
        picture: UInt8[ndarray, "height width 3"] = np.full((CELL[1], CELL[0], 3), NIGHT, np.uint8)
        middle = sum(boxes[t]) / 2 if t in boxes else sizes[t] / 2 if t in sizes else np.zeros(2)
        zoom = 0.78 / span if span else CELL[1] / sizes[t][1] if t in sizes else 1.0
        shift = cell / 2 - zoom * middle
        if t in sizes:
            # Near its edge the picture is moved, rather than bordered.
            room = cell - zoom * sizes[t]
            shift = np.clip(shift, np.minimum(room, 0), np.maximum(room, 0))
            move = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
            picture = cv2.warpAffine(there[t], move, CELL, flags=cv2.INTER_LINEAR, borderValue=NIGHT)
        if pose2d is not None:
            points, shown = poses[t]
            draw_flat(picture, points * zoom + shift, shown, pose2d.skeleton)
        pictures.append(picture)
    return pictures
