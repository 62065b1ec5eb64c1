"""Correct stretches of frames in which a 2D detector confuses left and right.

Nobody turns into their own mirror image from one frame to the next, so an exchange shows as a jump of all left and
right joints at once. :func:`exchanged` finds the assignment of sides with which the joints move least.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.clips.person import measure

__all__ = ["exchanged", "steady_sides"]

LEFT, RIGHT = ([H36M_17.index(f"{side}_{part}") for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")]
               for side in ("left", "right"))  # fmt: skip
LEG, ARM = slice(0, 3), slice(3, 6)  # in LEFT and RIGHT
# The four states of a frame: whether its legs and its arms are exchanged, and the cost of the state, in body sizes like
# the cost of motion. From the side, legs that pass each other also look like an exchange. The cost keeps the frames
# between two such passes from being taken for one.
LEGS, ARMS = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 1])
COST = np.array([0.0, 0.15, 0.3, 0.3])
LONGEST = 1.0  # body sizes: a longer jump costs no more, so that one outlier cannot decide


def exchanged(points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]) -> Int[ndarray, "*b f"]:
    """Which limbs are exchanged in each frame: 0 none, 1 all, 2 the legs, 3 the arms.

    The Viterbi algorithm finds the cheapest sequence of states. The cost is the distance the joints move, plus a little
    for each exchanged frame, so that most frames of a clip count as correct.

    Args:
        points: Human3.6M joints in the image (... f 17 2).
        scores: Their confidence (... f 17); joints with score 0 are interpolated.
    """
    *batch, frames, _ = scores.shape
    if frames < 3 or not scores.size:
        return np.zeros((*batch, frames), int)
    points, scores = points.reshape(-1, frames, 17, 2), scores.reshape(-1, frames, 17)
    person = measure(points, scores)
    left, right = (person.points[:, :, side] / person.size for side in (LEFT, RIGHT))  # b f 6 2
    known = person.ever[..., 0][..., LEFT] & person.ever[..., 0][..., RIGHT]  # b 1 6; without either, no exchange

    def leap(start: ndarray, end: ndarray) -> ndarray:
        distance: ndarray = np.linalg.norm(end[:, 1:] - start[:, :-1], axis=-1)
        return np.asarray(np.minimum(distance, LONGEST))

    # How far a pair of joints moves if the state of its limb stays, and if it changes: 2 b f-1 6
    moved = known * np.stack([leap(left, left) + leap(right, right), leap(left, right) + leap(right, left)])
    moved = np.moveaxis(moved, 2, 1)  # 2 f-1 b 6
    legs, arms = moved[..., LEG].sum(-1), moved[..., ARM].sum(-1)  # 2 f-1 b
    step = legs[LEGS[:, None] ^ LEGS] + arms[ARMS[:, None] ^ ARMS]  # from, to, f-1, b
    every = np.arange(len(points))
    total = np.repeat(COST[:, None], len(points), 1)  # state, b
    previous = np.zeros((frames, *total.shape), int)
    for t in range(1, frames):
        ways = total[:, None] + step[:, :, t - 1]  # from, to, b
        previous[t] = ways.argmin(0)
        total = ways.min(0) + COST[:, None]
    states = np.zeros((frames, len(points)), int)
    states[-1] = total.argmin(0)
    for t in range(frames - 1, 0, -1):
        states[t - 1] = previous[t, states[t], every]
    return states.T.reshape(*batch, frames)


def steady_sides(
    points: Float[ndarray, "*b f 17 2"], scores: Float[ndarray, "*b f 17"]
) -> tuple[Float[ndarray, "*b f 17 2"], Float[ndarray, "*b f 17"]]:
    """Return the points and scores with exchanged sides corrected.

    Args:
        points: Human3.6M joints in the image (... f 17 2).
        scores: Their confidence (... f 17).

    Example:
        >>> points, scores = steady_sides(np.zeros((9, 17, 2)), np.ones((9, 17)))
        >>> points.shape, scores.shape
        ((9, 17, 2), (9, 17))
    """
    state = exchanged(points, scores)
    source = np.empty(scores.shape, int)  # for each joint, the joint whose position it takes
    source[:] = np.arange(17)
    for part, swapped in ((LEG, LEGS[state]), (ARM, ARMS[state])):
        left, right = LEFT[part], RIGHT[part]
        source[..., left + right] = np.where(swapped[..., None], right + left, left + right)
    return np.take_along_axis(points, source[..., None], -2), np.take_along_axis(scores, source, -1)
