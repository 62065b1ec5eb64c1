"""A face for motion capture, whose 17 joints have none: nose, eyes, ears, and the neck."""

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.body.skeleton import H36M_17, Skeleton
from poseglass.data.virtual.vectors import cross, unit

__all__ = ["H36M_FACE", "face", "to_nose"]

# The joints that are projected: the 17, then those that the detectors' layouts also need.
H36M_FACE = Skeleton(
    "h36m_face", (*H36M_17.joints, "nose", "left_eye", "right_eye", "left_ear", "right_ear", "neck"), H36M_17.bones
)

# Offsets of an adult's face in metres from the base of the skull: (forward, up, left).
NOSE, EYE, EAR = (0.09, 0.0, 0.0), (0.075, 0.035, 0.032), (-0.005, 0.015, 0.075)
SKULL_TO_NOSE = 0.05  # metres from the base of the skull to joint 9 of Human3.6M, which is just behind the nose


def face(points: Float[Tensor, "*b 17 3"]) -> Float[Tensor, "*b 6 3"]:
    """Return an adult's nose, left and right eye, left and right ear, and neck.

    The head's axes follow the line from thorax to head top and the line of the shoulders.

    Args:
        points: The 17 joints, with joint 9 at the base of the skull (... 17 3), metres, y up.

    Returns:
        The joints of :data:`H36M_FACE` after the 17 (... 6 3), metres.
    """
    base, top, thorax = points[..., 9, :], points[..., 10, :], points[..., 8, :]
    up = unit(top - thorax)
    left = points[..., 11, :] - points[..., 14, :]
    left = unit(left - (left * up).sum(-1, keepdim=True) * up)
    front = cross(left, up)

    def place(offset: tuple[float, float, float], side: int = 1) -> Tensor:
        return base + offset[0] * front + offset[1] * up + side * offset[2] * left

    neck = (points[..., 11, :] + points[..., 14, :]) / 2
    return torch.stack([place(NOSE), place(EYE), place(EYE, -1), place(EAR), place(EAR, -1), neck], -2)


def to_nose(points: Float[Tensor, "*b 17 3"], features: Float[Tensor, "*b 6 3"]) -> Float[Tensor, "*b 17 3"]:
    """Move joint 9 forward by 5 cm from the base of the skull, where motion capture has it.

    Human3.6M has joint 9 there, near the nose that detectors report.

    Args:
        points: The 17 joints (... 17 3), metres.
        features: Their face, from :func:`face` (... 6 3).

    Returns:
        A copy with joint 9 moved (... 17 3).
    """
    moved = points.clone()
    moved[..., 9, :] += (features[..., 0, :] - points[..., 9, :]) * (SKULL_TO_NOSE / NOSE[0])
    return moved
