"""Errors of 3D poses as the field defines them, and the one table of all metrics.

All functions take poses in metres, (... f j 3), and compute in float64. Make the poses root-relative first
(:func:`poseglass.body.geometry.root_relative`); only P-MPJPE aligns them itself. Predicted and true poses with
different shapes raise :class:`PoseError`, because numpy would broadcast them. No frame or joint is left out: if any
error is NaN or infinite, the mean is not finite.

To add a metric, write a function that returns a value per frame, and add a row to :data:`METRICS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import align, rescale
from poseglass.body.skeleton import MPI_INF_3DHP_17
from poseglass.errors import PoseError

__all__ = [
    "AUC_THRESHOLDS",
    "METRICS",
    "PCK_THRESHOLD",
    "SCORED_3DHP",
    "Alignment",
    "Metric",
    "Scoring",
    "acceleration_error",
    "auc",
    "joint_errors",
    "metrics_for",
    "mpjpe",
    "mpjve",
    "n_mpjpe",
    "p_mpjpe",
    "pck",
]

_Poses = Float[ndarray, "*b f j 3"]
Alignment = Literal["none", "scale", "similarity"]
Scoring = Literal["clips", "recordings", "3dhp"]

# The 14 joints that MPI-INF-3DHP scores, in the order of its 17: all but pelvis, spine and head (Mehta et al. 2017).
SCORED_3DHP = tuple(
    number for number, joint in enumerate(MPI_INF_3DHP_17.joints) if joint not in ("pelvis", "spine", "head")
)
PCK_THRESHOLD = 150.0  # mm: about half a head (Mehta et al. 2017)
AUC_THRESHOLDS = tuple(range(0, 151, 5))  # mm, as in MPI-INF-3DHP's evaluation script


def joint_errors(
    predicted: _Poses, target: _Poses, *, align_by: Alignment = "none", order: int = 0
) -> Float[ndarray, "*b _ j"]:
    """The error of each joint in each frame in millimetres, (... f j). Every metric here is computed from these.

    Args:
        predicted: Poses in metres (... f j 3).
        target: The true poses (... f j 3).
        align_by: How to align each frame to the true pose first: ``"none"``; ``"scale"`` (N-MPJPE); ``"similarity"``:
            rotation, translation and scale (P-MPJPE).
        order: What to compare: 0 positions, 1 velocities (first differences in time), 2 accelerations (second
            differences). The result has `order` frames fewer.

    Raises:
        PoseError: The shapes differ, or there are too few frames or no joints.

    Example:
        >>> import numpy as np
        >>> poses = np.zeros((4, 17, 3))
        >>> joint_errors(poses, poses + 0.003, order=1).shape
        (3, 17)
    """
    if predicted.shape != target.shape:
        raise PoseError(f"predicted and true poses must have the same shape, got {predicted.shape} and {target.shape}")
    if predicted.shape[-3] <= order or 0 in predicted.shape:
        raise PoseError(f"nothing to compare in poses of shape {predicted.shape}: give at least {order + 1} frames")
    predicted, target = predicted.astype(np.float64), target.astype(np.float64)
    if align_by != "none":
        predicted = (align if align_by == "similarity" else rescale)(predicted, target)
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, which is intended
        errors: ndarray = 1000 * np.linalg.norm(np.diff(predicted - target, n=order, axis=-3), axis=-1)
    return errors


def position_error(
    predicted: _Poses, target: _Poses, *, align_by: Alignment = "none", order: int = 0
) -> Float[ndarray, "*b _"]:
    """The mean of :func:`joint_errors` over the joints, per frame."""
    errors: ndarray = joint_errors(predicted, target, align_by=align_by, order=order).mean(-1)
    return errors


def correct_joints(
    predicted: _Poses, target: _Poses, *, thresholds: Sequence[float], joints: Sequence[int] | None = None
) -> Float[ndarray, "*b f"]:
    """Percentage of joints with an error below the threshold, per frame; NaN if an error is not finite.

    Args:
        predicted: Poses in metres (... f j 3).
        target: The true poses (... f j 3).
        thresholds: In millimetres; the result is the mean over all of them.
        joints: The joints that count; all by default.
    """
    errors = joint_errors(predicted, target)
    if joints is not None:
        errors = errors[..., list(joints)]
    below = np.mean([(errors < threshold).mean(-1) for threshold in thresholds], axis=0)
    return np.where(np.isfinite(errors).all(-1), 100 * below, np.nan)


@dataclass(frozen=True)
class Metric:
    """A row of :data:`METRICS`.

    Attributes:
        unit: The unit of the values.
        values: From predicted and true poses (... f j 3) to values (... f - order).
        scoring: The kinds of evaluation that report it: motion clips, recordings, MPI-INF-3DHP's recordings.
        order: How many fewer values than frames there are: 1 for velocities, 2 for accelerations.
    """

    unit: str
    values: Callable[[_Poses, _Poses], Float[ndarray, "*b _"]]
    scoring: tuple[Scoring, ...]
    order: int = 0

    def mean(self, predicted: _Poses, target: _Poses) -> float:
        """The mean over all frames."""
        return float(self.values(predicted, target).mean())


# In the order of the printed tables.
METRICS = {
    "MPJPE": Metric("mm", position_error, ("clips", "recordings", "3dhp")),
    "P-MPJPE": Metric("mm", partial(position_error, align_by="similarity"), ("clips", "recordings")),
    "N-MPJPE": Metric("mm", partial(position_error, align_by="scale"), ("recordings",)),
    "MPJVE": Metric("mm/frame", partial(position_error, order=1), ("clips", "recordings"), order=1),
    "acceleration": Metric("mm/frame^2", partial(position_error, order=2), ("clips", "recordings"), order=2),
    "PCK": Metric("%", partial(correct_joints, thresholds=[PCK_THRESHOLD], joints=SCORED_3DHP), ("3dhp",)),
    "AUC": Metric("%", partial(correct_joints, thresholds=AUC_THRESHOLDS, joints=SCORED_3DHP), ("3dhp",)),
}


def metrics_for(scoring: Scoring) -> dict[str, Metric]:
    """The metrics that one kind of evaluation reports, by name.

    Example:
        >>> [*metrics_for("3dhp")]
        ['MPJPE', 'PCK', 'AUC']
    """
    return {name: metric for name, metric in METRICS.items() if scoring in metric.scoring}


def mpjpe(predicted: _Poses, target: _Poses) -> float:
    """Mean per-joint position error in millimetres: Human3.6M's protocol 1.

    Example:
        >>> import numpy as np
        >>> round(mpjpe(np.zeros((2, 17, 3)), np.full((2, 17, 3), 0.01)), 3)
        17.321
    """
    return METRICS["MPJPE"].mean(predicted, target)


def p_mpjpe(predicted: _Poses, target: _Poses) -> float:
    """MPJPE after aligning each frame by rotation, translation and scale, without reflection: protocol 2.

    Example:
        >>> import numpy as np
        >>> pose = np.random.default_rng(0).normal(size=(1, 17, 3))
        >>> p_mpjpe(2 * pose[..., [1, 2, 0]] + 1, pose) < 1e-9 < p_mpjpe(-pose, pose)
        True
    """
    return METRICS["P-MPJPE"].mean(predicted, target)


def n_mpjpe(predicted: _Poses, target: _Poses) -> float:
    """MPJPE after scaling each frame to the true pose by least squares (Rhodin et al. 2018): protocol 3.

    Example:
        >>> import numpy as np
        >>> pose = np.random.default_rng(0).normal(size=(1, 17, 3))
        >>> n_mpjpe(2 * pose, pose) < 1e-9 < n_mpjpe(2 * pose + 1, pose)
        True
    """
    return METRICS["N-MPJPE"].mean(predicted, target)


def mpjve(predicted: _Poses, target: _Poses) -> float:
    """Mean per-joint velocity error, the error of first differences, in millimetres per frame (Pavllo et al. 2019).

    Example:
        >>> import numpy as np
        >>> still, moving = np.zeros((3, 17, 3)), np.zeros((3, 17, 3))
        >>> moving[..., 0] = 0.002 * np.arange(3)[:, None]
        >>> mpjve(moving, still)
        2.0
    """
    return METRICS["MPJVE"].mean(predicted, target)


def acceleration_error(predicted: _Poses, target: _Poses) -> float:
    """Mean error of second differences, in millimetres per frame squared.

    Example:
        >>> import numpy as np
        >>> still, moving = np.zeros((3, 17, 3)), np.zeros((3, 17, 3))
        >>> moving[1, :, 0] = 0.001
        >>> acceleration_error(moving, still)
        2.0
    """
    return METRICS["acceleration"].mean(predicted, target)


def pck(
    predicted: _Poses, target: _Poses, *, joints: Sequence[int] | None = None, threshold: float = PCK_THRESHOLD
) -> float:
    """Percentage of correct keypoints: joints with an error below the threshold; NaN if an error is not finite.

    Args:
        predicted: Poses in metres (... f j 3).
        target: The true poses (... f j 3).
        joints: The joints that count; all by default. MPI-INF-3DHP counts :data:`SCORED_3DHP`.
        threshold: In millimetres. An error equal to the threshold is not correct.

    Example:
        >>> import numpy as np
        >>> truth = np.zeros((1, 17, 3))
        >>> off = truth + np.where(np.arange(17) < 7, 0.2, 0.0)[:, None] * [1, 0, 0]
        >>> pck(off, truth, joints=SCORED_3DHP)
        50.0
    """
    return float(correct_joints(predicted, target, thresholds=[threshold], joints=joints).mean())


def auc(
    predicted: _Poses,
    target: _Poses,
    *,
    joints: Sequence[int] | None = None,
    thresholds: Sequence[float] = AUC_THRESHOLDS,
) -> float:
    """Area under the curve of :func:`pck`: its mean over the thresholds 0, 5, ..., 150 mm.

    The first of the 31 thresholds is 0, and no error is below it, so the highest possible value is 96.8.

    Example:
        >>> import numpy as np
        >>> round(auc(np.zeros((1, 17, 3)), np.zeros((1, 17, 3))), 1)
        96.8
    """
    return float(correct_joints(predicted, target, thresholds=thresholds, joints=joints).mean())
