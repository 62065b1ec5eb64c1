"""When the feet stand: a small network on how fast and how high the ankles are around each frame.

The network was trained on the paths that :func:`poseglass.motion.placing.place` finds for the training split of the
motion capture, seen by random virtual cameras through both simulated detectors (benchmarks/fit_contact.py). By
definition, a foot stands while its ankle is slower than 0.15 m/s and within 5 cm of its lowest place.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17

__all__ = ["ANKLES", "contact_features", "foot_contact", "still_feet"]

ANKLES = (H36M_17.index("left_ankle"), H36M_17.index("right_ankle"))

SLOW, SLOW_SPREAD = 0.3, 0.08  # metres per second: an ankle of this speed stands with probability 1/2
WINDOW = 0.1  # seconds over which that speed is measured

# The network's inputs. Changing any of these changes what its weights mean.
OFFSETS = np.array([-0.25, -0.167, -0.1, -0.067, -0.033, 0.0, 0.033, 0.067, 0.1, 0.167, 0.25])  # seconds
STEP = 1 / 30  # seconds over which a velocity is measured
NEAR, FAR = 0.5, 5.0  # seconds before and after a frame, searched for the lowest point
OTHER_LEVEL = 0.8  # metres: a foot higher than this above its lowest point is on another level, or fast
BLOCK = 4096  # frames at once: bounds the memory


def still_feet(places: Float[ndarray, "f 17 3"], times: Float[ndarray, " f"]) -> Float[ndarray, "f 2"]:
    """Probability that the left and the right foot stand, from their speed alone, without the direction of gravity.

    Args:
        places: Joints in axes that do not move, metres (f 17 3).
        times: Time of each frame in seconds (f).

    Example:
        >>> still_feet(np.zeros((10, 17, 3)), np.arange(10) / 30).min().round(2).item()
        0.98
    """
    ankles = places[:, ANKLES]  # f 2 3
    if len(ankles) < 2:
        return np.full((len(ankles), 2), 0.5)
    reach = max(round(WINDOW * _rate(times) / 2), 1)
    first = np.maximum(np.arange(len(times)) - reach, 0)
    last = np.minimum(np.arange(len(times)) + reach, len(times) - 1)
    speed = np.linalg.norm(ankles[last] - ankles[first], axis=-1) / (times[last] - times[first])[:, None]
    return _sigmoid((SLOW - speed) / SLOW_SPREAD)


def foot_contact(
    places: Float[ndarray, "f 17 3"], up: Float[ndarray, " 3"], times: Float[ndarray, " f"]
) -> Float[ndarray, "f 2"]:
    """Probability that the left and the right foot stand on something.

    Args:
        places: Joints in axes that do not move, metres (f 17 3).
        up: The direction against gravity, of length 1 (3).
        times: Time of each frame in seconds (f).

    Example:
        >>> places = np.zeros((10, 17, 3)) - [0.0, 0.9, 0.0]
        >>> places[:, ANKLES] = [0.0, 0.0, 0.0]
        >>> bool((foot_contact(places, np.array([0.0, -1.0, 0.0]), np.arange(10) / 30) > 0.9).all())
        True
    """
    if len(places) < 2:
        return np.full((len(places), 2), 0.5)
    hidden, hidden_bias, out, out_bias = _network()
    parts = []
    for start in range(0, len(places), BLOCK):
        features = contact_features(places, up, times, slice(start, start + BLOCK))
        parts.append(_sigmoid(np.tanh(features @ hidden + hidden_bias) @ out + out_bias))
    return np.concatenate(parts)


def contact_features(
    places: Float[ndarray, "f 17 3"], up: Float[ndarray, " 3"], times: Float[ndarray, " f"], frames: slice
) -> Float[ndarray, "_ 2 _"]:
    """The network's inputs for the left and the right foot in some frames (frames 2 inputs).

    Velocities of both ankles, horizontal and vertical, and the difference of their heights, at `OFFSETS` around the
    frame; the height over the lowest points before and after; and the height and the velocity of the pelvis. Nothing
    depends on where the person is or looks, or on the frame rate.
    """
    from scipy.ndimage import minimum_filter1d

    ankles, now = places[:, ANKLES], times[frames, None]
    heights = ankles @ up  # f 2
    rate = _rate(times)

    def lowest(values: ndarray, seconds: float) -> ndarray:
        reach = max(round(seconds * rate), 1)
        lows: ndarray = minimum_filter1d(values, 2 * reach + 1, axis=0, mode="nearest")[frames]
        return lows

    def velocity(points: ndarray, offsets: ndarray, step: float) -> tuple[ndarray, ndarray]:
        """Horizontal speed and vertical velocity, each squashed to within 1."""
        moved = (_at(points, times, now + offsets + step / 2) - _at(points, times, now + offsets - step / 2)) / step
        rising = moved @ up
        level = np.linalg.norm(moved - rising[..., None] * up, axis=-1)
        return level / (level + 0.3), rising / (np.abs(rising) + 0.3)

    level, rising = velocity(ankles, OFFSETS, STEP)  # f offsets 2
    apart = _at(heights, times, now + OFFSETS)
    near, own = lowest(heights.min(1), NEAR), lowest(heights, FAR)
    over = _on_level(heights[frames] - own)  # f 2
    lower = _on_level(heights[frames] - own.min(1, keepdims=True))
    pelvis_level, pelvis_rising = (part[:, 0] for part in velocity(places[:, 0], np.zeros(1), 2 * STEP))
    pelvis = (places[:, 0] @ up)[frames]
    features = []
    for foot in (0, 1):
        other, height = 1 - foot, heights[frames][:, foot]
        windows = (level[..., foot], rising[..., foot], level[..., other], rising[..., other])
        single = (
            np.tanh((height - near) * 5),
            np.tanh(over[:, foot] * 4),
            np.tanh((over[:, foot] - 0.06) * 20),
            np.tanh(lower[:, foot] * 4),
            np.tanh(over[:, other] * 4),
            pelvis - height,
            pelvis_rising,
            pelvis_level,
        )
        features.append(
            np.concatenate(
                [*windows, 3 * np.tanh((apart[..., foot] - apart[..., other]) * 3), np.stack(single, -1)], -1
            )
        )
    return np.stack(features, 1)


@cache
def _network() -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Weights and bias of the hidden layer and of the output."""
    with files("poseglass.motion").joinpath("contact.npz").open("rb") as file, np.load(file) as arrays:
        hidden, hidden_bias, out, out_bias = (
            arrays[name].astype(np.float64) for name in ("hidden", "hidden_bias", "out", "out_bias")
        )
    return hidden, hidden_bias, out, out_bias


def _at(values: Float[ndarray, "f ..."], times: Float[ndarray, " f"], when: Float[ndarray, "_ _"]) -> ndarray:
    """Values at other times, by linear interpolation. The first and the last value hold beyond the ends."""
    before = np.clip(np.searchsorted(times, when, "right") - 1, 0, len(times) - 2)
    share = np.clip((when - times[before]) / (times[before + 1] - times[before]), 0, 1)
    share = share.reshape(share.shape + (1,) * (values.ndim - 1))
    result: ndarray = values[before] * (1 - share) + values[before + 1] * share
    return result


def _on_level(over: Float[ndarray, "_ 2"]) -> Float[ndarray, "_ 2"]:
    """Heights above the lowest point; 0 if that point is on another level, such as the ground below a roof."""
    result: ndarray = np.where(over > OTHER_LEVEL, 0, over)
    return result


def _rate(times: Float[ndarray, " f"]) -> float:
    return float(1 / np.median(np.diff(times)))


def _sigmoid(values: ndarray) -> ndarray:
    probability: ndarray = 1 / (1 + np.exp(-np.clip(values, -30, 30)))
    return probability
