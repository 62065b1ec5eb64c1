"""Errors of 3D poses, in millimetres, as the field defines them.

All take poses in metres, (... f j 3), and return the mean over everything. Root alignment is the caller's (poses that
are root-relative already have it), except in :func:`p_mpjpe`, which aligns each frame by a similarity.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

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
    return _mean_distance(align(predicted, target), target)


def mpjve(predicted: _Poses, target: _Poses) -> float:
    """Mean per-joint velocity error: of first differences, in millimetres per frame."""
    return _mean_distance(np.diff(predicted, axis=-3), np.diff(target, axis=-3))


def acceleration_error(predicted: _Poses, target: _Poses) -> float:
    """Mean error of second differences, in millimetres per frame squared."""
    return _mean_distance(np.diff(predicted, n=2, axis=-3), np.diff(target, n=2, axis=-3))


def _mean_distance(predicted: _Poses, target: _Poses) -> float:
    difference = predicted.astype(np.float64) - target.astype(np.float64)
    return 1000 * float(np.linalg.norm(difference, axis=-1).mean())
