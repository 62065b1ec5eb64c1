"""When nothing carries the body, and how it falls then."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.motion.ground import WEIGHTS

__all__ = ["FreeFall", "accelerations", "free_fall"]

GRAVITY = 9.81  # metres per second²
SURE = 2  # exponent of the probability that no foot stands: only what is likely counts
NEARBY = 0.25  # seconds before and after a frame in which the two heights below are compared
CLEAR = (0.03, 0.1)  # metres of the body's lowest point above the lowest place nearby: no flight, perhaps a flight
TRAVEL = (0.1, 0.2)  # metres between the highest and the lowest centre of mass nearby: the same. Falling covers 0.3


@dataclass(frozen=True, eq=False)
class FreeFall:
    """Where the body falls freely.

    Args:
        probability: How sure it is, from 0 to 1, that nothing carries the body (f).
        up: The direction against gravity, of length 1 (3).
        mass: The centre of mass relative to the pelvis (f 3).
    """

    probability: Float[ndarray, " f"]
    up: Float[ndarray, " 3"]
    mass: Float[ndarray, "f 3"]

    def around(self) -> Float[ndarray, " _"]:
        """The least probability of each frame but the first and the last, and its two neighbours (f - 2)."""
        free = self.probability
        least: ndarray = np.minimum(np.minimum(free[:-2], free[2:]), free[1:-1])
        return least

    def pelvis(self, times: Float[ndarray, " f"]) -> Float[ndarray, "_ 3"]:
        """The pelvis's acceleration, in metres per second squared, that lets the centre of mass fall freely (f - 2)."""
        expected: ndarray = -GRAVITY * self.up - accelerations(self.mass, times)
        return expected


def free_fall(
    places: Float[ndarray, "f 17 3"],
    contact: Float[ndarray, "f 2"],
    up: Float[ndarray, " 3"],
    times: Float[ndarray, " f"],
) -> FreeFall:
    """Find flight: no foot stands, the whole body is above the ground, and the centre of mass rises or falls.

    So a person who lies, crawls or stands on the hands does not fall, and neither does one whose contact is missed.

    Args:
        places: Joints in axes that do not move, metres (f 17 3).
        contact: Probability that the left and the right foot stand (f 2).
        up: The direction against gravity, of length 1 (3).
        times: Time of each frame in seconds (f).

    Example:
        >>> rise = np.maximum(0.5 - 4.905 * np.linspace(-1, 1, 61) ** 2, 0)  # a jump of half a metre
        >>> places = np.zeros((61, 17, 3)) + rise[:, None, None] * [0, 1, 0]
        >>> fall = free_fall(places, np.tile(rise[:, None] == 0, 2) * 1.0, np.array([0, 1.0, 0]), np.arange(61) / 30)
        >>> (fall.probability > 0.5).nonzero()[0].tolist()
        [22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38]
    """
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    heights = places @ up  # f 17
    lowest, middle = heights.min(1, initial=np.inf), heights @ WEIGHTS
    width = 2 * max(round(NEARBY / np.median(np.diff(times))), 1) + 1 if len(times) > 1 else 1
    clear, travel = lowest, middle  # of no frames
    if len(times):
        clear = lowest - minimum_filter1d(lowest, width, mode="nearest")
        travel = maximum_filter1d(middle, width, mode="nearest") - minimum_filter1d(middle, width, mode="nearest")
    flies = _ramp(clear, *CLEAR) * _ramp(travel, *TRAVEL)
    return FreeFall((1 - contact).prod(1) ** SURE * flies, up, WEIGHTS @ (places - places[:, :1]))


def _ramp(values: Float[ndarray, " f"], low: float, high: float) -> Float[ndarray, " f"]:
    """0 up to `low`, 1 from `high` on, and linear in between."""
    ramp: ndarray = np.clip((values - low) / (high - low), 0, 1)
    return ramp


def accelerations(path: Float[ndarray, "f 3"], times: Float[ndarray, " f"]) -> Float[ndarray, "_ 3"]:
    """Second differences per second squared, of each frame but the first and the last.

    Example:
        >>> times = np.array([0.0, 0.1, 0.3, 0.4])
        >>> accelerations(times[:, None] ** 2 * np.ones(3), times)[:, 0].round(6).tolist()
        [2.0, 2.0]
    """
    steps = np.diff(times)[:, None]
    speeds = np.diff(path, axis=0) / steps
    second: ndarray = 2 * np.diff(speeds, axis=0) / (steps[1:] + steps[:-1])
    return second
