"""The terms of the published recipes' losses, and their weighted sum.

Each term takes root-relative poses in metres (b f j 3) and returns a scalar. The loss of HoT w. MixSTE (Li et al. 2024,
after Zhang et al. 2022) is `position` + 0.5 `smoothness` + 2 `velocity`, with weighted joints. That of MHFormer (Li et
al. 2022) is `position` alone. Those of MotionBERT (Zhu et al. 2023) and MotionAGFormer (Mehraban et al. 2024) are
`position` + 0.5 `n_position` + 20 `velocity`; their terms for limbs and angles have weight 0. `image_position` and
`newest_position` are ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from poseglass._shapes import Pose3D
from poseglass.body.skeleton import H36M_17, Skeleton
from poseglass.errors import ModelError

__all__ = ["JOINT_WEIGHTS", "TERMS", "Anatomy", "PoseLoss"]

# The weight of each Human3.6M joint in HoT w. MixSTE. It grows with the distance from the trunk.
JOINT_WEIGHTS = (1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4)

NEWEST = 6
"""Frames that live use shows: the newest, or one of the five before it with a look-ahead."""


@dataclass(frozen=True)
class Anatomy:
    """The facts about the joints that the terms use.

    Attributes:
        weights: The weight of each joint (j).
        limbs: Child and parent of each bone, as indices of joints (... 2).
        angles: For each angle, the far ends of two bones and the joint where they meet (... 3).
    """

    weights: Float[Tensor, " j"]
    limbs: Int[Tensor, "_ 2"]
    angles: Int[Tensor, "_ 3"]


def position(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """Weighted MPJPE: the mean of w_j times the distance of joint j from the truth."""
    return (body.weights * _norm(predicted - target)).mean()


def n_position(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """N-MPJPE: the mean distance after the best scaling of each frame. The gradient passes through the scale, too."""
    square = predicted.square().sum((-1, -2), keepdim=True)
    scale = (predicted * target).sum((-1, -2), keepdim=True) / torch.where(square > 0, square, 1)
    return _norm(scale * predicted - target).mean()


def image_position(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """The part of `position` across the z axis. Added to it, errors in the image count more than those in depth.

    In the axes of a camera that faces the person, that is the error of the reprojected joints, in metres.
    """
    return (body.weights * _norm((predicted - target)[..., :2])).mean()


def newest_position(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """`position` of the clip's last :data:`NEWEST` frames. Added to it, the frames that live use shows count more."""
    return position(predicted[:, -NEWEST:], target[:, -NEWEST:], body)


def smoothness(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """The mean of w_j times the squared first difference of the prediction. The target is not used."""
    return (body.weights[:, None] * predicted.diff(dim=1).square()).mean()


def velocity(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """The mean norm of the error of first differences."""
    return _norm((predicted - target).diff(dim=1)).mean()


def limb_length(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """The mean absolute error of the limbs' lengths."""
    return (_lengths(predicted, body) - _lengths(target, body)).abs().mean()


def limb_variance(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """The mean variance, over the clip, of the predicted limbs' lengths. In a real body they are constant."""
    return _lengths(predicted, body).var(dim=1).mean()


def angle(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """The mean absolute error of the angles between limbs that meet, in radians."""
    return (_angles(predicted, body) - _angles(target, body)).abs().mean()


def angle_velocity(predicted: Pose3D, target: Pose3D, body: Anatomy) -> Tensor:
    """The mean absolute error of those angles' change from frame to frame, in radians."""
    return (_angles(predicted, body) - _angles(target, body)).diff(dim=1).abs().mean()


def _norm(vectors: Float[Tensor, "*b _"]) -> Float[Tensor, "*b"]:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)  # its gradient at 0 is 0
    return lengths


def _lengths(poses: Pose3D, body: Anatomy) -> Float[Tensor, "b f _"]:
    child, parent = body.limbs.unbind(1)
    return _norm(poses[:, :, child] - poses[:, :, parent])


def _angles(poses: Pose3D, body: Anatomy) -> Float[Tensor, "b f _"]:
    """Angles in radians, by the arc tangent. Its gradient is finite for aligned limbs, unlike the arc cosine's."""
    one, other, joint = body.angles.unbind(1)
    a, b = poses[:, :, one] - poses[:, :, joint], poses[:, :, other] - poses[:, :, joint]
    return torch.atan2(_norm(torch.linalg.cross(a, b)), (a * b).sum(-1))


Term = Callable[[Pose3D, Pose3D, Anatomy], Tensor]

# The terms of a loss by name, those that weight the joints, and those that need at least two frames.
TERMS: dict[str, Term] = {
    "position": position,
    "n_position": n_position,
    "image_position": image_position,
    "newest_position": newest_position,
    "smoothness": smoothness,
    "velocity": velocity,
    "limb_length": limb_length,
    "limb_variance": limb_variance,
    "angle": angle,
    "angle_velocity": angle_velocity,
}
WEIGHTED = ("position", "image_position", "newest_position", "smoothness")
MOTION = ("smoothness", "velocity", "limb_variance", "angle_velocity")


@final
class PoseLoss(nn.Module):
    """A weighted sum of terms, in float32. Terms of weight 0 are not computed.

    Args:
        terms: The weight of each term, by name (:data:`TERMS`).
        joint_weights: The weight of each joint in the terms of positions and `smoothness`; empty for equal weights.
        skeleton: The skeleton of the poses.

    Raises:
        ModelError: There is no such term, or the number of joint weights does not match the skeleton.

    Example:
        >>> import torch
        >>> loss = PoseLoss({"position": 1.0, "velocity": 2.0})
        >>> loss(torch.full((1, 9, 17, 3), 3.0), torch.tensor([5.0, 4.0, 1.0]).expand(1, 9, 17, 3)).item()
        3.0
    """

    weights: Tensor
    limbs: Tensor
    angles: Tensor

    def __init__(
        self, terms: Mapping[str, float], *, joint_weights: Sequence[float] = (), skeleton: Skeleton = H36M_17
    ) -> None:
        super().__init__()
        if unknown := [name for name in terms if name not in TERMS]:
            raise ModelError(f"a loss has no term {', '.join(unknown)}; the terms are {', '.join(TERMS)}")
        if joint_weights and len(joint_weights) != len(skeleton):
            raise ModelError(f"expected {len(skeleton)} joint weights for {skeleton.name}, got {len(joint_weights)}")
        self.terms = {name: weight for name, weight in terms.items() if weight}
        limbs = [(joint, parent) for joint, parent in enumerate(skeleton.parents) if parent >= 0]
        neighbours: dict[int, list[int]] = {joint: [] for joint in range(len(skeleton))}
        for joint, parent in limbs:
            neighbours[joint].append(parent)
            neighbours[parent].append(joint)
        angles = [(one, other, joint) for joint, ends in neighbours.items() for one, other in combinations(ends, 2)]
        for name, value in (
            ("weights", torch.tensor(joint_weights or [1.0] * len(skeleton), dtype=torch.float32)),
            ("limbs", torch.tensor(limbs)),
            ("angles", torch.tensor(angles)),
        ):
            self.register_buffer(name, value, persistent=False)

    def forward(self, predicted: Pose3D, target: Pose3D) -> Float[Tensor, ""]:
        """Compute the loss of predicted poses (b f j 3) against target poses (b f j 3), a scalar.

        Raises:
            ModelError: The shapes differ, or a term that compares frames gets only one frame.
        """
        if predicted.shape != target.shape:
            raise ModelError(
                f"predicted and target poses must have the same shape, got {tuple(predicted.shape)} and "
                f"{tuple(target.shape)}"
            )
        if predicted.shape[1] < 2 and (moving := [name for name in self.terms if name in MOTION]):
            raise ModelError(f"{', '.join(moving)} need at least two frames; use loss.position for one")
        predicted, target = predicted.float(), target.float()
        body = Anatomy(self.weights, self.limbs, self.angles)
        total = predicted.new_zeros(())
        for name, weight in self.terms.items():
            total = total + weight * TERMS[name](predicted, target, body)
        return total
