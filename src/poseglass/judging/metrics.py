"""Errors of 3D poses, in millimetres, as the field defines them.

All take poses in metres, (... f j 3), count in float64, and return the mean over everything; a report by frame or by
joint takes :func:`joint_errors` and averages itself. Root alignment is the caller's (poses that are root-relative
already have it), except in :func:`p_mpjpe`, which aligns each frame by a similarity. Poses of unlike shapes raise
:class:`PoseError`: numpy would spread one frame over all of them. No frame and no joint is left out: where one is NaN
or infinite, the mean is no finite number either.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import align, rescale
from poseglass.body.skeleton import MPI_INF_3DHP_17
from poseglass.errors import PoseError

__all__ = [
    "AUC_THRESHOLDS",
    "PCK_THRESHOLD",
    "SCORED_3DHP",
    "Alignment",
    "acceleration_error",
    "auc",
    "joint_errors",
    "mpjpe",
    "mpjve",
    "n_mpjpe",
    "p_mpjpe",
    "pck",
]

_Poses = Float[ndarray, "*b f j 3"]
Alignment = Literal["none", "scale", "similarity"]

# The joints of MPI-INF-3DHP's order that its PCK and AUC count: 14 of the 17 (Mehta et al. 2017).
SCORED_3DHP = tuple(
    number for number, joint in enumerate(MPI_INF_3DHP_17.joints) if joint not in ("pelvis", "spine", "head")
)
PCK_THRESHOLD = 150.0
AUC_THRESHOLDS = tuple(range(0, 151, 5))


def joint_errors(
    predicted: _Poses, target: _Poses, *, align_by: Alignment = "none", order: int = 0
) -> Float[ndarray, "*b g j"]:
    """Each joint's error in each frame, millimetres, (... f j): what all the metrics here are means of.

    Args:
        predicted: Poses in metres (... f j 3).
        target: The truth (... f j 3).
        align_by: What is fitted to the truth first, in each frame: nothing; the scale alone (N-MPJPE); rotation,
            translation and scale (P-MPJPE).
        order: Of the differences in time that are compared: 0 positions, 1 velocities, 2 accelerations. Each takes a
            frame away.

    Raises:
        PoseError: The shapes differ, or there is nothing to compare.

    Example:
        >>> import numpy as np
        >>> poses = np.zeros((4, 17, 3))
        >>> joint_errors(poses, poses + 0.003, order=1).shape
        (3, 17)
    """
    if predicted.shape != target.shape:
        raise PoseError(f"poses are compared one to one; predicted are {predicted.shape}, target {target.shape}")
    if predicted.shape[-3] <= order or 0 in predicted.shape:
        raise PoseError(f"there is nothing to compare in poses of shape {predicted.shape}; give {order + 1} frames")
    predicted, target = predicted.astype(np.float64), target.astype(np.float64)
    if align_by != "none":
        predicted = (align if align_by == "similarity" else rescale)(predicted, target)
    with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, which is what is said above
        errors: ndarray = 1000 * np.linalg.norm(np.diff(predicted - target, n=order, axis=-3), axis=-1)
    return errors


def mpjpe(predicted: _Poses, target: _Poses) -> float:
    """Mean per-joint position error: protocol 1 of Human3.6M.

    Example:
        >>> import numpy as np
        >>> round(mpjpe(np.zeros((2, 17, 3)), np.full((2, 17, 3), 0.01)), 3)
        17.321
    """
    return float(joint_errors(predicted, target).mean())


def p_mpjpe(predicted: _Poses, target: _Poses) -> float:
    """The same after aligning each frame by rotation, translation and scale, never by a reflection: protocol 2.

    Example:
        >>> import numpy as np
        >>> pose = np.random.default_rng(0).normal(size=(1, 17, 3))
        >>> p_mpjpe(2 * pose[..., [1, 2, 0]] + 1, pose) < 1e-9 < p_mpjpe(-pose, pose)
        True
    """
    return float(joint_errors(predicted, target, align_by="similarity").mean())


def n_mpjpe(predicted: _Poses, target: _Poses) -> float:
    """The same after scaling each frame to fit best, by least squares (Rhodin et al. 2018): protocol 3.

    Example:
        >>> import numpy as np
        >>> pose = np.random.default_rng(0).normal(size=(1, 17, 3))
        >>> n_mpjpe(2 * pose, pose) < 1e-9 < n_mpjpe(2 * pose + 1, pose)
        True
    """
    return float(joint_errors(predicted, target, align_by="scale").mean())


def mpjve(predicted: _Poses, target: _Poses) -> float:
    """Mean per-joint velocity error: of first differences, in millimetres per frame."""
    return float(joint_errors(predicted, target, order=1).mean())


def acceleration_error(predicted: _Poses, target: _Poses) -> float:
    """Mean error of second differences, in millimetres per frame squared."""
    return float(joint_errors(predicted, target, order=2).mean())


def pck(
    predicted: _Poses, target: _Poses, *, joints: Sequence[int] | None = None, threshold: float = PCK_THRESHOLD
) -> float:
    """Percentage of correct keypoints: of joints that are off by less than the threshold.

    Args:
        predicted: Poses in metres (... f j 3).
        target: The truth (... f j 3).
        joints: Which joints count; all where None. MPI-INF-3DHP counts :data:`SCORED_3DHP`.
        threshold: In millimetres; an error of just so much is none of the correct ones.

    Example:
        >>> import numpy as np
        >>> truth = np.zeros((1, 17, 3))
        >>> off = truth + np.where(np.arange(17) < 7, 0.2, 0.0)[:, None] * [1, 0, 0]
        >>> pck(off, truth, joints=SCORED_3DHP)
        50.0
    """
    return _percentage(_scored(predicted, target, joints), threshold)


def auc(
    predicted: _Poses,
    target: _Poses,
    *,
    joints: Sequence[int] | None = None,
    thresholds: Sequence[float] = AUC_THRESHOLDS,
) -> float:
    """Area under the curve of :func:`pck`: its mean over thresholds, 0, 5, ..., 150 mm.

    No error is less than 0, so that the first of the 31 is always 0 and the most there can be is 96.8.

    Example:
        >>> import numpy as np
        >>> round(auc(np.zeros((1, 17, 3)), np.zeros((1, 17, 3))), 1)
        96.8
    """
    errors = _scored(predicted, target, joints)
    return float(np.mean([_percentage(errors, threshold) for threshold in thresholds]))


def _scored(predicted: _Poses, target: _Poses, joints: Sequence[int] | None) -> Float[ndarray, "*b f _"]:
    errors = joint_errors(predicted, target)
    return errors if joints is None else errors[..., list(joints)]


def _percentage(errors: ndarray, threshold: float) -> float:
    """Of errors below a threshold; of what is no number nobody can say."""
    return 100 * float((errors < threshold).mean()) if np.isfinite(errors).all() else float("nan")
