"""Draw the frames that each pruner keeps of a real clip: python benchmarks/kept_frames.py VIDEO OUT.png [FIRST]

Each pruner runs in the backbone of the shipped model on one window of the video, from frame FIRST on. The timeline
highlights the kept frames; above it are thumbnails of as many of them as fit.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import torch

import poseglass as pg
from poseglass.clips.person import person_coordinates
from poseglass.show.rendering.draw import Bar, draw_bars, write_png, write_text
from poseglass.show.scene import DIM, INK, NIGHT  # the colours of the other pictures in the docs
from poseglass.video.reading import VideoReader
from poseglass.waist.prune import PRUNERS

WIDTH, LABEL, THUMB, BAR, GAP = 1600, 190, 72, 30, 14


def main(video: str, out: str, first: int = 0) -> None:
    model = pg.load("balanced")
    frames, (at, keep) = model.frames, next(iter(model.schedule.items()))
    motion = pg.Lifter(model).lift(video)
    window = motion.pose2d[first : first + frames]
    if len(window) < frames:
        raise SystemExit(
            f"{video} has fewer than {frames} frames from frame {first} on; choose a longer video or a smaller FIRST"
        )
    body = window.to_skeleton(pg.H36M_17)
    scores = np.where(body.validity[:, None], body.confidence, 0)
    clip = person_coordinates(torch.from_numpy(body.points), torch.from_numpy(scores))[None]
    images = [frame.image for t, frame in enumerate(VideoReader(video)) if first <= t < first + frames]
    thumbs = [thumbnail(image, points) for image, points in zip(images, window.points, strict=True)]

    rows = []
    step = (WIDTH - LABEL - GAP) / frames
    for name in PRUNERS:
        waist = pg.hourglass(model.backbone, keep=keep, at=at, prune=name).eval()
        with torch.inference_mode():
            kept = waist.trace(clip).kept[at][0].tolist()
        row = np.full((THUMB + BAR + GAP, WIDTH, 3), NIGHT, np.uint8)
        write_text(row, name, (GAP, THUMB // 2), 20, INK)
        write_text(row, f"{keep} of {frames} kept", (GAP, THUMB // 2 + 26), 15, DIM)
        free = LABEL - THUMB // 2
        for t in kept:
            left = round(LABEL + (t + 0.5) * step - THUMB / 2)
            if left >= free and left + THUMB <= WIDTH:
                row[:THUMB, left : left + THUMB] = thumbs[t]
                free = left + THUMB + 2
        states = np.where(np.isin(np.arange(frames), kept), Bar.KEPT, Bar.PRUNED)
        draw_bars(row[THUMB : THUMB + BAR], (LABEL, WIDTH - GAP), states, [], 1.0)
        rows.append(row)
    edge = np.full((GAP, WIDTH, 3), NIGHT, np.uint8)
    write_png(np.concatenate([edge, *rows]), Path(out))


def thumbnail(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A square cutout of the person, or of the middle of the image if no person is in view."""
    height, width = image.shape[:2]
    known = points[np.isfinite(points).all(-1)]
    low, high = (known.min(0), known.max(0)) if len(known) else (np.zeros(2), np.array([width, height]))
    half = max(0.6 * float((high - low).max()), 20.0)
    x, y = np.clip((low + high) / 2, half, np.maximum(np.array([width, height]) - half, half)).round().astype(int)
    part = image[max(0, int(y - half)) : int(y + half), max(0, int(x - half)) : int(x + half)]
    return cv2.resize(part, (THUMB, THUMB), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
