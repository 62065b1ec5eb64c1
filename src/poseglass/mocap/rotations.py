"""Rotation matrices from the angles and vectors that motion files and calibrations contain."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

__all__ = ["axis_rotations", "euler_rotations", "vector_rotation"]


def axis_rotations(axis: str, angles: Float[ndarray, " f"]) -> Float[ndarray, "f 3 3"]:
    """Rotation matrices about ``x``, ``y`` or ``z``, right-handed, for column vectors.

    Args:
        axis: ``x``, ``y`` or ``z``.
        angles: Angles in radians (f).

    Example:
        >>> import numpy as np
        >>> quarter = axis_rotations("z", np.array([np.pi / 2]))[0]
        >>> np.abs(quarter @ [1, 0, 0]).round().tolist()
        [0.0, 1.0, 0.0]
    """
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrices = np.zeros((len(angles), 3, 3))
    matrices[:] = np.eye(3)
    matrices[:, first, first] = matrices[:, second, second] = np.cos(angles)
    matrices[:, second, first] = np.sin(angles)
    matrices[:, first, second] = -matrices[:, second, first]
    return matrices


def euler_rotations(axes: Sequence[str], angles: Float[ndarray, "f _"]) -> Float[ndarray, "f 3 3"]:
    """Product of axis rotations in the order of `axes`; the last one is applied first to a column vector.

    Args:
        axes: Any number of ``x``, ``y`` and ``z``.
        angles: Angles in radians, one column per axis.

    Example:
        >>> import numpy as np
        >>> euler_rotations("zx", np.zeros((5, 2))).shape
        (5, 3, 3)
    """
    product = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for column, axis in enumerate(axes):
        product = product @ axis_rotations(axis, angles[:, column])
    return product


def vector_rotation(vector: Float[ndarray, "3"]) -> Float[ndarray, "3 3"]:
    """Rotation matrix of a rotation vector, whose direction is the axis and whose length is the angle in radians.

    The formula is Rodrigues'; OpenCV's ``rvec`` is such a vector.

    Example:
        >>> import numpy as np
        >>> vector_rotation(np.array([0, 0, np.pi])).round().astype(int).tolist()
        [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]
    """
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: ndarray = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return rotation
