"""Batches on their way from the data to the model's device."""

from typing import NamedTuple

import torch
from torch import Tensor

from poseglass._shapes import Pose2D, Pose3D
from poseglass.clips.sample import Sample

__all__ = ["DeviceBatch", "transferred"]


class DeviceBatch(NamedTuple):
    """A batch on the model's device.

    Attributes:
        pose2d: The model's input (b f j i).
        pose3d: The true poses (b f j 3).
    """

    pose2d: Pose2D
    pose3d: Pose3D


def transferred(sample: Sample, where: torch.device) -> DeviceBatch:
    """Send a batch to a device.

    CUDA copies it from pinned memory while this process goes on; work that is started later on the GPU waits for it.

    Example:
        >>> import numpy as np
        >>> sample = Sample(np.ones((2, 9, 17, 3), np.float32), np.ones((2, 9, 17, 3), np.float32))
        >>> transferred(sample, torch.device("meta")).pose2d.shape
        torch.Size([2, 9, 17, 3])
    """
    return DeviceBatch(*(_sent(torch.from_numpy(poses), where) for poses in (sample.pose2d, sample.pose3d)))


def _sent(x: Tensor, where: torch.device) -> Tensor:
    return x.pin_memory().to(where, non_blocking=True) if where.type == "cuda" else x.to(where)
