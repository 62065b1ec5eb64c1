"""When the feet stand: by rule, from how fast and how high the ankles are."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17

__all__ = ["ANKLES", "foot_contact"]

ANKLES = (H36M_17.index("left_ankle"), H36M_17.index("right_ankle"))

SLOW, SLOW_SPREAD = 0.25, 0.08  # metres per second: an ankle of that speed stands with probability 1/2
LOW, LOW_SPREAD = 0.10, 0.03  # metres above the lower of both feet's recent lowest points
WINDOW = 0.1  # seconds over which the speed is measured
NEAR = 0.4  # seconds over which the lowest point is sought


def foot_contact(
    places: Float[ndarray, "f 17 3"], up: Float[ndarray, " 3"] | None, times: Float[ndarray, " f"]
) -> Float[ndarray, "f 2"]:
    """Probability that the left and the right foot stand on something.

    Args:
        places: Joints in axes that do not move, metres (f 17 3).
        up: The direction against gravity, if known; else only the speed counts.
        times: Time of each frame in seconds (f).

    Example:
        >>> still = np.zeros((10, 17, 3))
        >>> foot_contact(still, np.array([0.0, -1.0, 0.0]), np.arange(10) / 30).round(2).min().item()
        0.92
    """
    ankles = places[:, ANKLES]  # f 2 3
    if len(ankles) < 2:
        return np.full((len(ankles), 2), 0.5)
    rate = 1 / np.median(np.diff(times))
    reach = max(round(WINDOW * rate / 2), 1)
    first, last = (
        np.maximum(np.arange(len(times)) - reach, 0),
        np.minimum(np.arange(len(times)) + reach, len(times) - 1),
    )
    speed = np.linalg.norm(ankles[last] - ankles[first], axis=-1) / (times[last] - times[first])[:, None]
    slow: ndarray = 1 / (1 + np.exp(np.clip((speed - SLOW) / SLOW_SPREAD, -30, 30)))
    if up is None:
        return slow
    height = ankles @ up
    above = height - _lowest(height.min(1), max(round(NEAR * rate), 1))[:, None]
    low = 1 / (1 + np.exp(np.clip((above - LOW) / LOW_SPREAD, -30, 30)))
    contact: ndarray = slow * low
    return contact


def _lowest(values: Float[ndarray, " f"], reach: int) -> Float[ndarray, " f"]:
    from scipy.ndimage import minimum_filter1d

    lowest: ndarray = minimum_filter1d(values, 2 * reach + 1, mode="nearest")
    return lowest
