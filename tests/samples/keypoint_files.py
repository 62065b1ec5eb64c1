"""Write keypoint files of several formats, following the formats' descriptions, and locate the real samples."""

import json
from pathlib import Path

import numpy as np

SAMPLES = Path(__file__).parent
SIZE = (640, 480)


def person(joints: int, *, x: float = 100, y: float = 100, height: float = 200, score: float = 0.9) -> np.ndarray:
    """Joints scattered over a person's box, as rows of x, y, score."""
    spread = np.random.default_rng(joints).uniform(0, 1, (joints, 2))
    return np.concatenate([spread * [height / 3, height] + [x, y], np.full((joints, 1), score)], 1).round(3)


def write(path: Path, data: object) -> Path:
    """Write text unchanged, and anything else as JSON."""
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def coco(frames: dict[int, list[np.ndarray]], **fields: object) -> list[dict[str, object]]:
    """COCO results for the people of every frame, with additional fields in each entry."""
    return [
        {"image_id": frame, "category_id": 1, "keypoints": joints.reshape(-1).tolist(), "score": 0.9, **fields}
        for frame, crowd in frames.items()
        for joints in crowd
    ]
