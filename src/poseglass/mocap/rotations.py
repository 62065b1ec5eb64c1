"""Rotation matrices from the angles, quaternions and vectors that files contain, and back."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.files.quiet import without_warnings

__all__ = [
    "axis_rotations",
    "euler_angles",
    "euler_rotations",
    "quaternion_rotations",
    "quaternions",
    "rotation_vectors",
    "vector_rotations",
]


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


def vector_rotations(vectors: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3 3"]:
    """Rotation matrices of rotation vectors. Their direction is the axis, their length the angle in radians.

    OpenCV's ``rvec`` is such a vector.

    Example:
        >>> import numpy as np
        >>> vector_rotations(np.array([0, 0, np.pi])).round().astype(int).tolist()
        [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]
    """
    from scipy.spatial.transform import Rotation  # here and below, because importing it takes long

    matrices: ndarray = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix()
    return matrices.reshape(*vectors.shape, 3)


def rotation_vectors(rotations: Float[ndarray, "*b 3 3"]) -> Float[ndarray, "*b 3"]:
    """Rotation vectors, at most pi long, of rotation matrices."""
    from scipy.spatial.transform import Rotation

    vectors: ndarray = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_rotvec()
    return vectors.reshape(rotations.shape[:-1])


def quaternion_rotations(values: Float[ndarray, "*b 4"]) -> Float[ndarray, "*b 3 3"]:
    """Rotation matrices of quaternions x, y, z, w, whose length does not matter."""
    from scipy.spatial.transform import Rotation

    matrices: ndarray = Rotation.from_quat(values.reshape(-1, 4)).as_matrix()
    return matrices.reshape(*values.shape[:-1], 3, 3)


def quaternions(rotations: Float[ndarray, "f *b 3 3"]) -> Float[ndarray, "f *b 4"]:
    """Unit quaternions x, y, z, w of rotation matrices over time (f ...).

    A quaternion and its negative are the same rotation. Each one has the sign that is closer to the frame before, so
    that interpolation takes the short way.
    """
    from scipy.spatial.transform import Rotation

    values: ndarray = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat()
    values = values.reshape(*rotations.shape[:-2], 4)
    turned = (values[1:] * values[:-1]).sum(-1, keepdims=True) < 0
    values[1:] *= np.where(np.cumsum(turned, 0) % 2, -1, 1)
    return values


def euler_angles(axes: str, rotations: Float[ndarray, "f j 3 3"]) -> Float[ndarray, "f j 3"]:
    """Angles in radians that :func:`euler_rotations` turns into these rotations.

    Two triples of angles, and any number of whole turns, give the same rotation. The first frame has the triple whose
    middle angle is at most a quarter turn, each later frame the one closest to the frame before. The angles may
    therefore grow beyond a whole turn.

    Args:
        axes: Three different axes, such as ``"zxy"``.
        rotations: Rotation matrices (f j 3 3).

    Example:
        >>> import numpy as np
        >>> turns = axis_rotations("y", np.radians([0, 100, 200, 300, 400]))[:, None]
        >>> np.degrees(euler_angles("zxy", turns)[:, 0, 2]).round().tolist()
        [0.0, 100.0, 200.0, 300.0, 400.0]
    """
    from scipy.spatial.transform import Rotation

    with without_warnings():  # at a quarter turn of the middle axis, only the sum of the outer angles is determined
        angles: ndarray = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_euler(axes.upper())
    angles = angles.reshape(rotations.shape[:-1])
    for frame in range(1, len(angles)):
        before = angles[frame - 1]
        candidates = np.stack([angles[frame], angles[frame] * (1, -1, 1) + np.pi])
        candidates -= 2 * np.pi * np.round((candidates - before) / (2 * np.pi))
        nearest = np.abs(candidates - before).sum(-1).argmin(0)
        angles[frame] = candidates[nearest, np.arange(len(nearest))]
    return angles
