"""Rotations from directions: frames of two vectors, shortest turns, and axes that stay steady over time."""

import numpy as np
from jaxtyping import Complex, Float, Num
from numpy import ndarray

__all__ = ["frame", "shortest", "steady_axis", "tied", "unit"]

NONE = 1e-9  # shorter vectors have no direction

# Sines of 20 and 35 degrees: a hinge that bends less than the first does not show its plane, and one that bends more
# than the second shows it for certain. With 25 cm from joint to joint, an error of 1 cm turns the plane by 7 degrees at
# the first, and by 4 at the second.
DOUBTFUL, CERTAIN = 0.34, 0.57
REST = 0.02  # weight of the rest pose's axis, equal to that of a hinge bent by 8 degrees
ROUNDS = 3
STEADY = 0.05  # seconds over which a certain axis is smoothed; a doubtful one over longer times


def unit(vectors: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3"]:
    """Vectors of length 1 (... 3); the zero vector becomes +x."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > NONE, vectors / np.maximum(length, NONE), (1.0, 0.0, 0.0))


def frame(along: Float[ndarray, "*b 3"], across: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3 3"]:
    """Right-handed axes as columns: the first is `along`, the second lies as close to `across` as possible.

    If the two are parallel, the second axis is any that is perpendicular to the first.

    Example:
        >>> import numpy as np
        >>> frame(np.array([0.0, 2.0, 0.0]), np.array([0.0, 1.0, 3.0]))[:, 1].tolist()
        [0.0, 0.0, 1.0]
    """
    first = unit(along)
    rest = across - (across * first).sum(-1, keepdims=True) * first
    spare = np.cross(first, np.eye(3)[np.abs(first).argmin(-1)])
    parallel = np.linalg.norm(rest, axis=-1, keepdims=True) <= NONE
    second = unit(np.where(parallel, spare, rest))
    return np.stack([first, second, np.cross(first, second)], -1)


def shortest(start: Float[ndarray, "... 3"], end: Float[ndarray, "... 3"]) -> Float[ndarray, "... 3 3"]:
    """The smallest rotations that turn the direction of `start` to that of `end`. The two broadcast.

    Opposite directions are joined by a half turn about any perpendicular axis.

    Example:
        >>> import numpy as np
        >>> turn = shortest(np.array([1.0, 0, 0]), np.array([0, 0, 3.0]))
        >>> np.abs(turn @ [1, 0, 0]).round(9).tolist()
        [0.0, 0.0, 1.0]
    """
    one, other = np.broadcast_arrays(unit(start), unit(end))
    # Two half turns: about `start`, and then about the direction midway between the two.
    middle = one + other
    opposite = np.linalg.norm(middle, axis=-1, keepdims=True) <= NONE
    middle = unit(np.where(opposite, frame(one, np.ones_like(one))[..., 1], middle))
    halves = [2 * axis[..., :, None] * axis[..., None, :] - np.eye(3) for axis in (middle, one)]
    turn: ndarray = halves[0] @ halves[1]
    return turn


def steady_axis(
    bone: Float[ndarray, "f 3"],
    axis: Float[ndarray, "f 3"],
    certainty: Float[ndarray, " f"],
    *,
    rest: tuple[Float[ndarray, "3"], Float[ndarray, "3"]],
    fps: float,
) -> Float[ndarray, "f 3"]:
    """The axis about which a hinge turns, per frame, perpendicular to the bone and continuous over time.

    Where the hinge bends, the axis is the observed one. A straight limb does not show its axis: there it follows from
    the frames before and after, and from the rest pose: weighted least squares of the axis' angle about the bone over
    all frames, a banded system.

    Args:
        bone: Directions of the bone (f 3), in its parent's axes.
        axis: Observed axes (f 3), in the same axes, of any length.
        certainty: How far each axis can be trusted, 0 to 1 (f): the sine of the hinge's angle.
        rest: Directions of the bone and of its axis in the rest pose.
        fps: Frames per second.

    Returns:
        Axes of length 1 (f 3).
    """
    bone = unit(bone)
    first = shortest(rest[0], bone) @ rest[1]  # the rest pose's axis, swung with the bone
    second = np.cross(bone, first)
    raw = (axis * first).sum(-1) + 1j * (axis * second).sum(-1)
    length = np.abs(raw)
    observed: Complex[ndarray, " f"] = raw / np.maximum(length, NONE)
    certainty = np.where(length > NONE, certainty, 0)
    share = np.clip((certainty - DOUBTFUL) / (CERTAIN - DOUBTFUL), 0, 1)
    weight = certainty**2 / (1 - share + 1e-4)
    # The swing is arbitrary where the bone points against its rest direction; so is the rest pose's axis.
    trust = REST * ((1 + bone @ unit(rest[0])) / 2) ** 2 + 1e-6
    # Carry each axis to the next frame with the smallest rotation of the bone; angles count from the carried ones.
    carried = (shortest(bone[:-1], bone[1:]) @ first[:-1, :, None])[..., 0]
    drift = np.arctan2((carried * second[1:]).sum(-1), (carried * first[1:]).sum(-1))
    zero = np.concatenate([[0.0], np.cumsum(drift)])
    still = np.exp(-1j * zero)  # the rest pose's axis, from there
    total, tie = weight + trust, (STEADY * fps) ** 2
    plane = tied((weight * observed + trust) * still / total, total, tie)
    # Where these numbers pass near 0, their angles jump: so the angles themselves are tied, starting from these.
    angle = np.unwrap(np.angle(plane))
    for _ in range(ROUNDS):
        offsets = [np.angle(target * still * np.exp(-1j * angle)) for target in (observed, np.ones(len(bone)))]
        angle = tied(angle + (weight * offsets[0] + trust * offsets[1]) / total, total, tie)
    angle += zero + share * np.angle(observed * still * np.exp(-1j * angle))
    return unit(np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second)


def tied(values: Num[ndarray, "f *b"], weight: Float[ndarray, " f"], tie: float) -> Num[ndarray, "f *b"]:
    """Values close to the given ones and to their neighbours in time: weighted least squares over all frames at once.

    Args:
        values: Real or complex numbers (f ...).
        weight: The weight of each frame's value, above 0 (f).
        tie: The weight of the difference between neighbouring frames. Values are smoothed over about
            sqrt(tie / weight) frames.
    """
    from scipy.linalg import solveh_banded

    if len(values) == 1:
        return values  # scipy refuses systems of one row
    banded = np.zeros((2, len(values)))
    banded[0, 1:] = -tie
    banded[1] = weight
    banded[1, 1:] += tie
    banded[1, :-1] += tie
    steady: ndarray = solveh_banded(banded, weight.reshape(-1, *[1] * (values.ndim - 1)) * values)
    return steady
