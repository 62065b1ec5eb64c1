"""Draw single poses, write simple videos, and read colours."""

from pathlib import Path

import numpy as np

from poseglass import H36M_17, PoseSequence
from poseglass.show.rendering import Renderer
from poseglass.show.stage import set_stage
from poseglass.video.writing import VideoWriter


def near(colour: np.ndarray, expected: tuple[int, int, int], tolerance: int = 12) -> bool:
    return bool(np.abs(colour.astype(int) - expected).max() <= tolerance)


def side_of(colour: np.ndarray) -> str:
    """Whether a pixel has the left side's blue or the right side's red, in any shade."""
    red, _, blue = colour.astype(int)
    return "left" if blue > 1.3 * red else "right" if red > 1.3 * blue else "neither"


def draw_pose(
    pose: np.ndarray,
    *,
    pose2d: PoseSequence | None = None,
    image: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
    valid: bool = True,
    height: int = 540,
) -> np.ndarray:
    """The picture of a pose in camera space."""
    motion = PoseSequence(pose[None], H36M_17, "camera", fps=30, valid=np.array([valid]), pose2d=pose2d)
    return Renderer(set_stage(motion), size=size, height=height).draw(0, image)


def write_grey_video(path: Path, frames: int) -> Path:
    """Write a video whose frame t is a uniform grey of 20 + 4 t."""
    with VideoWriter(path, fps=30, size=(320, 180)) as video:
        for t in range(frames):
            video.write(np.full((180, 320, 3), 20 + 4 * t, np.uint8))
    return path
