"""The path of the pelvis in front of a camera, by one robust solve over the whole track."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.motion.equations import PathEquations
from poseglass.motion.sight import Sight

__all__ = ["Support", "root_path"]

ROUNDS = 8  # of reweighting
NEAREST, FARTHEST = 0.5, 100.0  # metres: the depths that the first guess may have
RATE = 30.0  # frames per second that the sigmas below are stated for
ACCELERATION = 0.004  # sigma of second differences, metres per frame²
SUDDEN = 3.0  # accelerations beyond this many sigmas lose weight: take-off, landing, flight
GRAVITY = 9.81  # metres per second²
FALLING = 1.0  # sigma of the acceleration in flight, metres per second²
SURE = 4  # exponent of the probability of flight: only what is nearly certain counts
FALLING_OFF = 4.0  # beyond this many sigmas, the body is not in flight
STANDING = 0.004  # sigma of a standing foot's step, metres per frame
SLIPPING = 3.0  # steps beyond this many sigmas lose weight: the pose, or the contact, is wrong
ABSENT = 0.1  # sigma of a step while the person is not visible, metres per frame
ANYWHERE = 100.0  # sigma of a position, metres, which keeps the equations solvable


@dataclass(frozen=True, eq=False)
class Support:
    """What carries the body.

    Args:
        contact: Probability that the left and the right foot stand (f 2).
        feet: The joints that then do not move, relative to the pelvis (f 2 3).
        up: The direction against gravity, of length 1 (3), if known.
        mass: The centre of mass relative to the pelvis (f 3).
    """

    contact: Float[ndarray, "f 2"]
    feet: Float[ndarray, "f 2 3"]
    up: Float[ndarray, " 3"] | None = None
    mass: Float[ndarray, "f 3"] | None = None


def root_path(sight: Sight, times: Float[ndarray, " f"], support: Support | None = None) -> Float[ndarray, "f 3"]:
    """The path that fits what the camera sees, moves smoothly, and does not move the feet that stand.

    Iteratively reweighted least squares: 2D joints and steps of standing feet have Cauchy weights, so outliers lose
    their pull. While the person is not visible, the path stays smooth and slow.

    Args:
        sight: Poses and lines of sight.
        times: Time of each frame in seconds, strictly increasing (f).
        support: What carries the body, if known.

    Returns:
        The pelvis in the camera's axes, metres, finite in every frame.

    Example:
        >>> points = np.random.default_rng(0).normal(0, 0.5, (20, 17, 3))
        >>> places = points + [1.0, 0.5, 4.0]
        >>> sight = Sight(points, places[..., :2] / places[..., 2:], np.ones((20, 17)))
        >>> root_path(sight, np.arange(20) / 30).mean(0).round(2).tolist()
        [1.0, 0.5, 4.0]
    """
    path = _first_guess(sight)
    guess = path.copy()
    frames = np.diff(times) * RATE  # steps in frames of the rate
    weight = np.minimum(np.gradient(times) * RATE, 1)[:, None] if len(times) > 1 else np.ones((len(times), 1))
    weight = weight * sight.visible[:, None]
    absent = 1 - np.minimum(sight.visible[1:], sight.visible[:-1])
    pace = absent / ABSENT**2 / np.maximum(frames, 1e-9)
    span = (frames[1:] + frames[:-1]) / 2
    sigma = ACCELERATION * RATE**2
    free = _flight(support) if support is not None and support.up is not None else np.zeros(len(span))
    for _ in range(ROUNDS):
        equations = PathEquations(times)
        information, vector = sight.robust(path)
        equations.add_information(information * weight[..., None], vector * weight)
        equations.add_positions(np.broadcast_to(np.eye(3) / ANYWHERE**2, information.shape), guess)
        equations.add_steps(pace[:, None, None] * np.eye(3), np.zeros((len(pace), 3)))
        sudden = np.linalg.norm(_accelerations(path, times), axis=-1) / sigma / SUDDEN
        calm = span / sigma**2 / (1 + sudden**2) * (1 - free)
        equations.add_accelerations(np.repeat(calm[:, None], 3, 1))
        if support is not None:
            _hold_feet(equations, support, path, frames)
            _fall(equations, support, path, times, span * free)
        path = equations.solve()
        path[:, 2] = np.maximum(path[:, 2], NEAREST)
    return path


def _hold_feet(
    equations: PathEquations, support: Support, path: Float[ndarray, "f 3"], frames: Float[ndarray, " _"]
) -> None:
    for foot in range(2):
        still = -np.diff(support.feet[:, foot], axis=0)  # the step of the pelvis that leaves the foot where it is
        sigma = STANDING * np.maximum(frames, 1e-9)
        slip = np.linalg.norm(np.diff(path, axis=0) - still, axis=-1) / sigma
        sure = support.contact[1:, foot] * support.contact[:-1, foot]
        weights = sure * frames / sigma**2 / (1 + (slip / SLIPPING) ** 2)
        equations.add_steps(weights[:, None, None] * np.eye(3), still)


def _fall(
    equations: PathEquations,
    support: Support,
    path: Float[ndarray, "f 3"],
    times: Float[ndarray, " f"],
    weights: Float[ndarray, " _"],
) -> None:
    """While no foot stands, the centre of mass falls freely."""
    if support.up is None or support.mass is None:
        return
    fall = -GRAVITY * support.up - _accelerations(support.mass, times)
    off = np.linalg.norm(_accelerations(path, times) - fall, axis=-1) / FALLING / FALLING_OFF
    weights = weights / FALLING**2 / (1 + off**2)
    equations.add_accelerations(np.repeat(weights[:, None], 3, 1), fall)


def _flight(support: Support) -> Float[ndarray, " _"]:
    """How sure it is, from 0 to 1, that no foot stands around each frame but the first and the last."""
    free = (1 - support.contact).prod(1) ** SURE
    least: ndarray = np.minimum(np.minimum(free[:-2], free[2:]), free[1:-1])
    return least


def _accelerations(path: Float[ndarray, "f 3"], times: Float[ndarray, " f"]) -> Float[ndarray, "_ 3"]:
    """Second differences per second squared, of each frame but the first and the last."""
    steps = np.diff(times)[:, None]
    speeds = np.diff(path, axis=0) / steps
    accelerations: ndarray = 2 * np.diff(speeds, axis=0) / (steps[1:] + steps[:-1])
    return accelerations


def _first_guess(sight: Sight) -> Float[ndarray, "f 3"]:
    """Each frame's own root, moved along its line of sight to the median depth if it is far from it."""
    own = sight.framewise()
    fits = np.isfinite(own).all(1) & (own[:, 2] > NEAREST) & (own[:, 2] < FARTHEST)
    if not fits.any():
        return np.tile([0.0, 0.0, 10 * NEAREST], (len(sight), 1))
    place = np.median(own[fits], axis=0)
    numbers = np.arange(len(sight))
    guess = np.stack([np.interp(numbers, numbers[fits], axis) for axis in own[fits].T], -1)
    off = np.abs(np.log(guess[:, 2] / place[2])) > np.log(3)
    guess[off] = guess[off] * (place[2] / guess[off, 2:])
    return guess
