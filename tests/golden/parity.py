"""Comparison of a model with the independent computation in ``tests/oracle``."""

from collections.abc import Callable

import numpy as np
import torch
from numpy import ndarray

from poseglass.models import PoseTransformer
from poseglass.waist.hourglass import Funnel, Hourglass


def assert_same_poses(
    model: PoseTransformer | Hourglass | Funnel, slow: Callable[[ndarray], tuple[ndarray, list[int]]], clips: ndarray
) -> None:
    """Compare the poses, and the kept frames if the model prunes, of clips (b f j i), one clip at a time."""
    batch = torch.from_numpy(clips)
    with torch.inference_mode():
        together = model(batch).numpy()
        kept = None
        if isinstance(model, Hourglass | Funnel):
            (layer,) = model.schedule
            kept = model.trace(batch).kept[layer].tolist()
    for number, clip in enumerate(clips):
        pose3d, frames = slow(clip)
        assert np.abs(together[number] - pose3d).max() < 2e-5
        assert kept is None or kept[number] == frames
