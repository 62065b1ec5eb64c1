"""How large each frame's pose is, by the bones, whose lengths do not change over a take."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17

__all__ = ["body_size"]

PARENTS = np.array(H36M_17.parents)
BONES = np.flatnonzero(PARENTS >= 0)  # by the joint at the bone's end
SHORTEST = 1e-3  # metres
STEADIEST = 0.01  # spread of a bone's logarithm that no bone falls below
OUTLYING = 0.05  # a bone whose logarithm is further off than that loses weight
ROUNDS = 10  # of reweighting; the weights change by less than 1 % after five
LARGEST = 1.5  # how many times too large or too small a pose may be
SMOOTH = 0.15  # seconds over which the size is averaged


def body_size(
    points: Float[ndarray, "f 17 3"], visible: Bool[ndarray, " f"], times: Float[ndarray, " f"]
) -> Float[ndarray, " f"]:
    """The size of each pose as a multiple of the take's usual size.

    Models judge the distance between joints anew in each frame, and an error of 5 % in size moves a person 5 m away by
    25 cm. Each bone's length is taken to be its median, times the frame's size, times an error. The size is a robust
    mean over the bones, weighted by how steady each of them is.

    Args:
        points: Joints relative to the pelvis, metres (f 17 3).
        visible: The frames that show the person: only they count for the usual size (f).
        times: Time of each frame in seconds (f).

    Returns:
        Factors around 1 (f). A frame with an unknown joint has the usual size.

    Example:
        >>> pose = np.random.default_rng(0).normal(0, 0.4, (17, 3))
        >>> sizes = np.repeat([1.0, 1.0, 1.1], 20)
        >>> body_size(sizes[:, None, None] * pose, np.ones(60, bool), np.arange(60) / 30)[[0, 30, 59]].round(3).tolist()
        [1.0, 1.0, 1.1]
    """
    from scipy.ndimage import uniform_filter1d

    known = np.isfinite(points).all((1, 2))
    counted = visible & known
    if not counted.any():
        return np.ones(len(points))
    lengths = np.linalg.norm(points[:, BONES] - points[:, PARENTS[BONES]], axis=-1)  # f bones
    logs = np.log(np.maximum(np.where(known[:, None], lengths, 1), SHORTEST))
    ratios = np.where(known[:, None], logs - np.median(logs[counted], 0), 0)
    size = np.median(ratios, 1)
    spread = np.median(np.abs(ratios - size[:, None])[counted], 0) + STEADIEST
    for _ in range(ROUNDS):
        weights = 1 / spread**2 / (1 + ((ratios - size[:, None]) / OUTLYING) ** 2)
        size = (weights * ratios).sum(1) / weights.sum(1)
    size = size.clip(-np.log(LARGEST), np.log(LARGEST))
    frames = round(SMOOTH / np.median(np.diff(times))) if len(times) > 1 else 1
    factors: ndarray = np.exp(uniform_filter1d(size, 2 * (frames // 2) + 1, mode="nearest"))
    return factors
