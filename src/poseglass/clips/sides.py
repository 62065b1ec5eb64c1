"""Left and right as a detector exchanges them for a spell, and back.

Nobody jumps onto their own mirror image from one frame to the next, so an exchange shows as a leap of every pair of
joints at once. :func:`exchanged` finds the assignment of sides that moves least.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.clips.person import fill_gaps

__all__ = ["exchanged", "steady_sides"]

LEFT, RIGHT = ([H36M_17.index(f"{side}_{part}") for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")]
               for side in ("left", "right"))  # fmt: skip
# What may be exchanged in a frame (legs, arms), and what each costs a frame: in body sizes, as motion does. Two legs
# that pass each other, seen from the side, also look like an exchange; it must not pay to take the steps between two
# passes for one.
LEGS, ARMS = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 1])
COST = np.array([0.0, 0.15, 0.3, 0.3])
LONGEST = 1.0  # body sizes: an outlier may leap as far as it likes


def exchanged(points: Float[ndarray, "f 17 2"], scores: Float[ndarray, "f 17"]) -> Int[ndarray, " f"]:
    """For each frame 0 where left and right are as they should be, 1 where they are exchanged, 2 legs, 3 arms alone.

    The sequence of states in which the joints move least (Viterbi's algorithm), each exchanged frame at a small cost:
    so most of a clip is taken to be right.
    """
    known = scores > 0
    if len(points) < 3 or not known.any():
        return np.zeros(len(points), int)
    filled, ever = fill_gaps(points, known), np.asarray(known.any(0))
    root = filled[:, :1] if ever[0] else filled[:, ever].mean(1, keepdims=True)
    spread = ((filled - root) ** 2).sum(-1)[:, ever].mean(-1)
    size = max(float(np.median(np.sqrt(spread))), 1e-9)
    counts = (ever[LEFT] & ever[RIGHT]).astype(float)  # a joint that is never seen has no place
    left, right = filled[:, LEFT] / size, filled[:, RIGHT] / size
    sides = {False: (left, right), True: (right, left)}

    def moved(before: bool, now: bool, part: slice) -> Float[ndarray, " n"]:
        pairs = zip(sides[before], sides[now], strict=True)
        leaps = [np.linalg.norm(b[1:, part] - a[:-1, part], axis=-1) for a, b in pairs]
        return np.asarray(sum(np.minimum(leap, LONGEST) @ counts[part] for leap in leaps))

    legs, arms = (np.array([[moved(a, b, part) for b in (False, True)] for a in (False, True)])
                  for part in (slice(0, 3), slice(3, 6)))  # fmt: skip
    step = legs[LEGS[:, None], LEGS] + arms[ARMS[:, None], ARMS]  # from, to, f - 1
    total, came = COST.copy(), np.zeros((len(points), len(COST)), int)
    for t in range(1, len(points)):
        ways = total[:, None] + step[:, :, t - 1]
        came[t] = ways.argmin(0)
        total = ways.min(0) + COST
    states = np.zeros(len(points), int)
    states[-1] = total.argmin()
    for t in range(len(points) - 1, 0, -1):
        states[t - 1] = came[t, states[t]]
    return states


def steady_sides(
    points: Float[ndarray, "f 17 2"], scores: Float[ndarray, "f 17"]
) -> tuple[Float[ndarray, "f 17 2"], Float[ndarray, "f 17"]]:
    """The points and scores with exchanged sides put right."""
    state = exchanged(points, scores)
    mirror = np.tile(np.arange(17), (len(points), 1))
    for part, swapped in ((slice(0, 3), LEGS[state]), (slice(3, 6), ARMS[state])):
        left, right = LEFT[part], RIGHT[part]
        mirror[:, left + right] = np.where(swapped[:, None], right + left, left + right)
    return np.take_along_axis(points, mirror[..., None], 1), np.take_along_axis(scores, mirror, 1)
