"""The path of the pelvis in front of a camera, by one robust solve over the whole track."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.motion.equations import PathEquations
from poseglass.motion.flight import FreeFall, accelerations
from poseglass.motion.sight import Sight

__all__ = ["Support", "root_path"]

ROUNDS = 8  # of reweighting
NEAREST, FARTHEST = 0.5, 100.0  # metres: the depths that the first guess may have
NEIGHBOURS = 0.5  # seconds of visible frames whose median is the first guess
RATE = 30.0  # frames per second that the sigmas below are stated for
# Chosen on the validation people, and on training people whose poses are less exact.
ACCELERATION = 0.005  # sigma of second differences, metres per frame²
SUDDEN = 3.0  # accelerations beyond this many sigmas lose weight: take-off, landing, flight
FALLING = 0.5  # sigma of the acceleration in flight, metres per second²
FALLING_OFF = 4.0  # beyond this many sigmas, the body is not in flight
DOUBT = 8.0  # how many times that is at first; each round halves it, so that wrong poses do not end a flight
STANDING = 0.003  # sigma of a standing foot's step, metres per frame
SLIPPING = 2.5  # steps beyond this many sigmas lose weight: the pose, or the contact, is wrong
FIRM = 2  # exponent of the probability that a foot stands in two frames
ABSENT = 0.1  # sigma of a step while the person is not visible, metres per frame
ANYWHERE = 100.0  # sigma of a position, metres, which keeps the equations solvable


@dataclass(frozen=True, eq=False)
class Support:
    """Feet that stand.

    Args:
        contact: Probability that the left and the right foot stand (f 2).
        feet: The joints that then do not move, relative to the pelvis (f 2 3).
    """

    contact: Float[ndarray, "f 2"]
    feet: Float[ndarray, "f 2 3"]


def root_path(
    sight: Sight,
    times: Float[ndarray, " f"],
    *,
    support: Support | None = None,
    fall: FreeFall | None = None,
    start: Float[ndarray, "f 3"] | None = None,
) -> Float[ndarray, "f 3"]:
    """The path that fits what the camera sees, moves smoothly, and does not move the feet that stand.

    Iteratively reweighted least squares: 2D joints and steps of standing feet have Cauchy weights, so outliers lose
    their pull. While the person is not visible, the path stays smooth and slow.

    Args:
        sight: Poses and lines of sight.
        times: Time of each frame in seconds, strictly increasing (f).
        support: When feet stand, if known.
        fall: When the body falls freely, if known.
        start: A path to start from. Default: the frames' own positions.

    Returns:
        The pelvis in the camera's axes, metres, finite in every frame.

    Example:
        >>> points = np.random.default_rng(0).normal(0, 0.5, (20, 17, 3))
        >>> places = points + [1.0, 0.5, 4.0]
        >>> sight = Sight(points, places[..., :2] / places[..., 2:], np.ones((20, 17)))
        >>> root_path(sight, np.arange(20) / 30).mean(0).round(2).tolist()
        [1.0, 0.5, 4.0]
    """
    guess = _first_guess(sight, times)
    path = guess if start is None else start
    frames = np.diff(times) * RATE  # steps in frames of the rate
    weight = np.minimum(np.gradient(times) * RATE, 1)[:, None] if len(times) > 1 else np.ones((len(times), 1))
    weight = weight * sight.visible[:, None]
    absent = 1 - np.minimum(sight.visible[1:], sight.visible[:-1])
    pace = absent / ABSENT**2 / np.maximum(frames, 1e-9)
    span = (frames[1:] + frames[:-1]) / 2
    sigma = ACCELERATION * RATE**2
    free = np.zeros(len(span)) if fall is None else fall.around() * _within(sight.visible)[1:-1]
    for number in range(ROUNDS):
        equations = PathEquations(times)
        information, vector = sight.robust(path)
        equations.add_information(information * weight[..., None], vector * weight)
        equations.add_positions(np.broadcast_to(np.eye(3) / ANYWHERE**2, information.shape), guess)
        equations.add_steps(pace[:, None, None] * np.eye(3), np.zeros((len(pace), 3)))
        sudden = np.linalg.norm(accelerations(path, times), axis=-1) / sigma / SUDDEN
        calm = span / sigma**2 / (1 + sudden**2) * (1 - free)
        equations.add_accelerations(np.repeat(calm[:, None], 3, 1))
        if support is not None:
            _hold_feet(equations, support, path, frames)
        if fall is not None:
            expected = fall.pelvis(times)
            off = np.linalg.norm(accelerations(path, times) - expected, axis=-1) / FALLING / FALLING_OFF
            falls = span * free / FALLING**2 / (1 + (off / max(DOUBT / 2**number, 1)) ** 2)
            equations.add_accelerations(np.repeat(falls[:, None], 3, 1), expected)
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
        sure = (support.contact[1:, foot] * support.contact[:-1, foot]) ** FIRM
        weights = sure * frames / sigma**2 / (1 + (slip / SLIPPING) ** 2)
        equations.add_steps(weights[:, None, None] * np.eye(3), still)


def _within(visible: Bool[ndarray, " f"]) -> Bool[ndarray, " f"]:
    """Whether the person is visible before or in a frame, and after or in it: nobody falls off the ends of a track."""
    within: ndarray = np.maximum.accumulate(visible) & np.maximum.accumulate(visible[::-1])[::-1]
    return within


def _first_guess(sight: Sight, times: Float[ndarray, " f"]) -> Float[ndarray, "f 3"]:
    """The frames' own positions, each the median over its neighbours: a few wrong poses do not pull the path."""
    from scipy.ndimage import median_filter

    own = sight.framewise()
    fits = np.isfinite(own).all(1) & (own[:, 2] > NEAREST) & (own[:, 2] < FARTHEST)
    if not fits.any():
        return np.tile([0.0, 0.0, 10 * NEAREST], (len(sight), 1))
    half = round(NEIGHBOURS / 2 / np.median(np.diff(times))) if len(times) > 1 else 0
    known = median_filter(own[fits], (2 * half + 1, 1), mode="nearest")
    return np.stack([np.interp(times, times[fits], axis) for axis in known.T], -1)
