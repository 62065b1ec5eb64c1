"""The loss of HoT w. MixSTE: weighted position error, smoothness, velocity (Li et al. 2024; after MixSTE, 2022)."""

import torch
from torch import Tensor

from poseglass._shapes import Pose3D

__all__ = ["JOINT_WEIGHTS", "sequence_loss"]

# How much each Human3.6M joint counts: the further from the trunk, the more.
JOINT_WEIGHTS = (1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4)


def sequence_loss(predicted: Pose3D, target: Pose3D, *, smoothness: float = 0.5, velocity: float = 2.0) -> Tensor:
    """Weighted MPJPE + `smoothness` * weighted squared motion + `velocity` * error of the motion, a scalar.

    Computed in float32 whatever the network ran in, in metres.

    Args:
        predicted: Root-relative poses (b f j 3).
        target: The truth (b f j 3).
        smoothness: Weight of the mean of w_j * (first difference of the prediction)^2.
        velocity: Weight of the mean norm of the difference of first differences.

    Example:
        >>> import torch
        >>> sequence_loss(torch.zeros(1, 9, 17, 3), torch.zeros(1, 9, 17, 3)).item()
        0.0
    """
    predicted, target = predicted.float(), target.float()
    weights = torch.tensor(JOINT_WEIGHTS, device=predicted.device)
    motion = predicted.diff(dim=1)
    position = (weights * (predicted - target).norm(dim=-1)).mean()
    smooth = (weights[:, None] * motion.square()).mean()
    speed = (motion - target.diff(dim=1)).norm(dim=-1).mean()
    loss: Tensor = position + smoothness * smooth + velocity * speed
    return loss
