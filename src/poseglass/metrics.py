"""Errors of 3D poses, in millimetres, as the field defines them.

All take poses in metres, (... f j 3), and return the mean over everything. Root alignment is the caller's (poses that
are root-relative already have it), except in :func:`p_mpjpe`, which aligns each frame by a similarity. Poses of unlike
shapes raise :class:`PoseError`: numpy would spread one frame over all of them.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import PoseError
from poseglass.geometry import align

__all__ = ["acceleration_error", "mpjpe", "mpjve", "p_mpjpe"]

_Poses = Float[ndarray, "*b f j 3"]


def mpjpe(predicted: _Poses, target: _Poses) -> float:
    """Mean per-joint position error: protocol 1 of Human3.6M.

    Example:
        >>> import numpy as np
        >>> round(mpjpe(np.zeros((2, 17, 3)), np.full((2, 17, 3), 0.01)), 3)
        17.321
    """
    return _mean_distance(predicted, target)


def p_mpjpe(predicted: _Poses, target: _Poses) -> float:
    """The same after aligning each frame by rotation, translation and scale: protocol 2."""
    _check_shapes(predicted, target)
    return _mean_distance(align(predicted, target), target)


def mpjve(predicted: _Poses, target: _Poses) -> float:
    """Mean per-joint velocity error: of first differences, in millimetres per frame."""
    return _mean_distance(predicted, target, order=1)


def acceleration_error(predicted: _Poses, target: _Poses) -> float:
    """Mean error of second differences, in millimetres per frame squared."""
    return _mean_distance(predicted, target, order=2)


def _check_shapes(predicted: ndarray, target: ndarray) -> None:
    if predicted.shape != target.shape:
        raise PoseError(f"poses are compared one to one; predicted are {predicted.shape}, target {target.shape}")


def _mean_distance(predicted: _Poses, target: _Poses, order: int = 0) -> float:
    """Of the differences of this order in time."""
    _check_shapes(predicted, target)
    difference = predicted.astype(np.float64) - target.astype(np.float64)
    return 1000 * float(np.linalg.norm(np.diff(difference, n=order, axis=-3), axis=-1).mean())
