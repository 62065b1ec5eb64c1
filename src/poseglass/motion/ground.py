"""Where the ground is and which way is up, from how people stand on it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.motion.contact import ANKLES

__all__ = ["Ground", "find_ground", "level_up"]

ANKLE = 0.08  # metres from the sole to the ankle of an adult who stands
ANKLE_TO_MIDDLE = 0.09  # metres from the ankle forward to the middle of the pressure under the foot
# Shares of the body's weight at the joints: de Leva, "Adjustments to Zatsiorsky-Seluyanov's segment inertia
# parameters", Journal of Biomechanics 1996, women's and men's mean, each segment's share split by its centre of mass.
MASS = {
    "pelvis": 0.20,
    "spine": 0.10,
    "thorax": 0.13,
    "neck_nose": 0.06,
    "left_hip": 0.085,
    "right_hip": 0.085,
    "left_knee": 0.08,
    "right_knee": 0.08,
    "left_ankle": 0.03,
    "right_ankle": 0.03,
    "left_shoulder": 0.025,
    "right_shoulder": 0.025,
    "left_elbow": 0.02,
    "right_elbow": 0.02,
    "left_wrist": 0.015,
    "right_wrist": 0.015,
}
WEIGHTS = np.array([MASS.get(joint, 0.0) for joint in H36M_17.joints])
WEIGHTS = WEIGHTS / WEIGHTS.sum()

LEFT_HIP, RIGHT_HIP, THORAX = (H36M_17.index(joint) for joint in ("left_hip", "right_hip", "thorax"))

ROLL, PITCH = np.radians([2.0, 15.0])  # sigmas of how far a camera is off level
LEAN = np.radians(25.0)  # frames in which the body leans more than that lose weight
LEAN_OFF = np.radians(4.0)  # sigma of a person's mean lean, with the error of predicted poses
SPOT = 0.3  # metres: footfalls nearer to each other count as one
UNEVEN = 0.05  # sigma of a footfall's height, metres
STAIRS = np.radians(12.0)  # a floor that is further from level is a staircase or a ramp
ROUNDS = 6
LEVEL = 0.1  # metres: footfalls of one height
SIDEWAYS = 0.9  # sine of the roll beyond which the camera's right is not taken for horizontal
SHORTEST = 0.3  # seconds: a level counts if feet stand on it for this long
BELOW = 0.5  # metres: a person further than this below a floor is on another one


@dataclass(frozen=True, eq=False)
class Ground:
    """The direction against gravity in the camera's axes, and the floor's height along it.

    Args:
        up: A direction of length 1 (3).
        height: The value of ``place @ up`` on the floor, in metres.
        sigma: Standard deviation of the direction in degrees, the larger of pitch and roll.
    """

    up: Float[ndarray, " 3"]
    height: float
    sigma: float

    def to_world(self, first: Float[ndarray, " 3"]) -> Float[ndarray, "4 4"]:
        """The transform to the world (y up, the floor at 0) with the origin below a place in the camera's axes."""
        across = np.array([1.0, 0.0, 0.0])  # the world's x axis points to the camera's right, z toward the camera
        if abs(self.up[0]) > SIDEWAYS:
            across = np.cross(self.up, np.array([0.0, 0.0, -1.0]))
        right = across - (across @ self.up) * self.up
        right /= np.linalg.norm(right)
        turn = np.stack([right, self.up, np.cross(right, self.up)])
        matrix = np.eye(4)
        matrix[:3, :3] = turn
        origin = first - (first @ self.up - self.height) * self.up
        matrix[:3, 3] = -turn @ origin
        return matrix


def level_up(pitch: float = 0.0) -> Float[ndarray, " 3"]:
    """The direction against gravity for a camera without roll that looks down by `pitch` degrees.

    Example:
        >>> level_up(90.0).round(6).tolist()
        [0.0, -0.0, -1.0]
    """
    angle = np.radians(pitch)
    return np.array([0.0, -np.cos(angle), -np.sin(angle)])


def find_ground(
    places: Float[ndarray, "f 17 3"],
    contact: Float[ndarray, "f 2"],
    seconds: Float[ndarray, " f"],
    *,
    pitch: float | None = None,
) -> Ground:
    """Estimate the way up from bodies in balance and from where the feet stand, and the height of the floor.

    Three kinds of evidence, each with its variance: cameras are held nearly level; the centre of mass of a
    person who stands or walks is above the feet, on average; and footfalls lie in one plane.

    Args:
        places: Joints in the camera's axes, metres, of one or several people (f 17 3).
        contact: Probability that the left and the right foot stand (f 2).
        seconds: How long each frame counts; 0 for frames without a person (f).
        pitch: Degrees that the camera looks down, if known.
    """
    if pitch is None:
        up, sigma = _way_up(places, contact, seconds)
    else:
        up, sigma = level_up(pitch), 0.0
    return Ground(up, _floor(places, contact, seconds, up), sigma)


def _way_up(
    places: Float[ndarray, "f 17 3"], contact: Float[ndarray, "f 2"], seconds: Float[ndarray, " f"]
) -> tuple[Float[ndarray, " 3"], float]:
    """The most probable direction, and its standard deviation in degrees."""
    balance = _balance(places, contact)
    standing = contact.max(1) * seconds
    up, information = _solved(balance, standing, np.zeros((0, 3)), np.zeros(0))
    steps, weights = _footfalls(places, contact, seconds, up)
    flat, sure = _solved(balance, standing, steps, weights)
    if flat @ up > np.cos(STAIRS):
        up, information = flat, sure
    return up, float(np.degrees(np.sqrt(1 / np.linalg.eigvalsh(information)[0])))


def _solved(
    balance: Float[ndarray, "f 3"],
    standing: Float[ndarray, " f"],
    steps: Float[ndarray, "_ 3"],
    sure: Float[ndarray, " _"],
) -> tuple[Float[ndarray, " 3"], Float[ndarray, "2 2"]]:
    """Solve for the camera's pitch and roll by Gauss-Newton steps."""
    up = level_up()
    prior = np.diag([1 / PITCH**2, 1 / ROLL**2])
    information = prior
    middle = (sure @ steps) / max(sure.sum(), 1e-9)
    for _ in range(ROUNDS):
        # Small turns of `up` about the camera's right axis and about the line of sight.
        turns = np.stack([(0.0, -up[2], up[1]), (-up[1], up[0], 0.0)], 1)  # 3 2
        off = np.array([np.arctan2(-up[2], -up[1]), np.arctan2(up[0], -up[1])])
        information, vector = prior, -prior @ off
        tilt = np.arccos(np.clip(balance @ up, -1, 1))
        weights = standing / (1 + (tilt / LEAN) ** 2) ** 2
        total = min(weights.sum(), 1.0)
        if total > 0:
            information = information + np.eye(2) * total / LEAN_OFF**2
            vector = vector + total * (weights @ (balance @ turns)) / weights.sum() / LEAN_OFF**2
        if len(steps):
            heights, slopes = (steps - middle) @ up, (steps - middle) @ turns
            trust = sure / UNEVEN**2 / (1 + (heights / UNEVEN / 2) ** 2)
            information = information + (slopes * trust[:, None]).T @ slopes
            vector = vector - slopes.T @ (trust * heights)
        up = up + turns @ np.linalg.solve(information, vector)
        up /= np.linalg.norm(up)
    return up, information


def _balance(places: Float[ndarray, "f 17 3"], contact: Float[ndarray, "f 2"]) -> Float[ndarray, "f 3"]:
    """The direction from the middle of the standing feet to the centre of mass, of length 1 (f 3)."""
    across = places[:, LEFT_HIP] - places[:, RIGHT_HIP]
    forward = _unit(np.cross(across, places[:, THORAX] - places[:, 0]))
    shares = contact / np.maximum(contact.sum(1, keepdims=True), 1e-6)
    support = (places[:, ANKLES] * shares[..., None]).sum(1) + ANKLE_TO_MIDDLE * forward
    return _unit(WEIGHTS @ places - support)


def _footfalls(
    places: Float[ndarray, "f 17 3"],
    contact: Float[ndarray, "f 2"],
    seconds: Float[ndarray, " f"],
    up: Float[ndarray, " 3"],
) -> tuple[Float[ndarray, "_ 3"], Float[ndarray, " _"]]:
    """The places where feet stand, one for each spot of the floor, and their weights from 0 to 1."""
    feet = places[:, ANKLES].reshape(-1, 3)
    weights = (np.where(contact > 0.5, contact, 0) * seconds[:, None]).reshape(-1)
    feet, weights = feet[weights > 0], weights[weights > 0]
    if not len(feet):
        return feet, weights
    spots = np.round((feet - (feet @ up)[:, None] * up) / SPOT).astype(int)
    _, number = np.unique(spots, axis=0, return_inverse=True)
    number = number.reshape(-1)
    total = np.bincount(number, weights)
    middle = np.stack([np.bincount(number, weights * axis) for axis in feet.T], -1) / total[:, None]
    return middle, np.minimum(total / SHORTEST, 1)


def _unit(vectors: Float[ndarray, "f 3"]) -> Float[ndarray, "f 3"]:
    unit: ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return unit


def _floor(
    places: Float[ndarray, "f 17 3"],
    contact: Float[ndarray, "f 2"],
    seconds: Float[ndarray, " f"],
    up: Float[ndarray, " 3"],
) -> float:
    """The height of the lowest level on which feet stand; if none stand, of the lowest joints.

    Nobody is far below the floor for long: if a person is, as after a jump off a roof, the floor is down there.
    """
    if not len(places):
        return 0.0
    lowest_joint = (places @ up).min(1)  # f
    level = _standing_level(places, contact, seconds, up)
    if level is None:
        counted = lowest_joint[seconds > 0] if seconds.any() else lowest_joint
        return float(np.percentile(counted, 5))
    below = (lowest_joint < level - BELOW) & (seconds > 0)
    return float(np.median(lowest_joint[below])) - ANKLE if seconds[below].sum() >= SHORTEST else level


def _standing_level(
    places: Float[ndarray, "f 17 3"],
    contact: Float[ndarray, "f 2"],
    seconds: Float[ndarray, " f"],
    up: Float[ndarray, " 3"],
) -> float | None:
    """The height of the lowest level on which feet stand, or None if none do."""
    heights, weights = (places[:, ANKLES] @ up).reshape(-1), (contact * seconds[:, None]).reshape(-1)
    weights = np.where(contact.reshape(-1) > 0.5, weights, 0)
    if weights.sum() < SHORTEST:
        return None
    order = np.argsort(heights)
    heights, weights = heights[order], weights[order]
    sums = np.append(0, np.cumsum(weights))
    near = sums[np.searchsorted(heights, heights + LEVEL, "right")] - sums[np.searchsorted(heights, heights)]
    lowest = heights[np.argmax(near >= min(SHORTEST, near.max()))]
    chosen = (heights >= lowest) & (heights <= lowest + 2 * LEVEL)
    middle = np.searchsorted(np.cumsum(weights[chosen]), weights[chosen].sum() / 2)
    return float(heights[chosen][middle]) - ANKLE
