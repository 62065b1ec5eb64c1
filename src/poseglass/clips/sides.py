"""Correct stretches of frames in which a 2D detector confuses left and right.

Nobody turns into their own mirror image from one frame to the next, so an exchange shows as a jump of all left and
right joints at once. :func:`exchanged` finds the assignment of sides with which the joints move least.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from poseglass.body.skeleton import H36M_17
from poseglass.clips.constants import constant
from poseglass.clips.person import measure

__all__ = ["exchanged", "steady_sides"]

LEFT, RIGHT = (
    tuple(H36M_17.index(f"{side}_{part}") for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"))
    for side in ("left", "right")
)
LEG, ARM = slice(0, 3), slice(3, 6)  # in LEFT and RIGHT
# The four states of a frame: whether its legs and its arms are exchanged, and the cost of the state, in body sizes like
# the cost of motion. From the side, legs that pass each other also look like an exchange. The cost keeps the frames
# between two such passes from counting as exchanged.
LEGS, ARMS = (0, 1, 1, 0), (0, 1, 0, 1)
COST = (0.0, 0.15, 0.3, 0.3)
LONGEST = 1.0  # body sizes: a longer jump costs no more, so that one outlier cannot decide


def exchanged(points: Float[Tensor, "*b f 17 2"], scores: Float[Tensor, "*b f 17"]) -> Int[Tensor, "*b f"]:
    """Which limbs are exchanged in each frame: 0 none, 1 all, 2 the legs, 3 the arms.

    The Viterbi algorithm finds the cheapest sequence of states. The cost is the distance the joints move, plus a little
    for each exchanged frame, so that most frames of a clip count as correct.

    Args:
        points: Human3.6M joints in the image (... f 17 2).
        scores: Their confidence (... f 17); joints with score 0 are interpolated.
    """
    *batch, frames, _ = scores.shape
    if frames < 3 or not scores.numel():
        return torch.zeros(*batch, frames, dtype=torch.int64, device=scores.device)
    person = measure(points.reshape(-1, frames, 17, 2), scores.reshape(-1, frames, 17))
    device, dtype = points.device, points.dtype
    left, right = (person.points.index_select(2, constant(side, device)) / person.size for side in (LEFT, RIGHT))
    shown = person.ever[..., 0]  # b 1 17
    known = shown.index_select(2, constant(LEFT, device)) & shown.index_select(2, constant(RIGHT, device))

    def leap(start: Tensor, end: Tensor) -> Tensor:
        distance: Tensor = torch.linalg.vector_norm(end[:, 1:] - start[:, :-1], dim=-1)
        return distance.clamp(max=LONGEST)

    # How far a pair of joints moves if the state of its limb stays, and if it changes: 2 b f-1 6
    moved = known * torch.stack([leap(left, left) + leap(right, right), leap(left, right) + leap(right, left)])
    moved = moved.movedim(2, 1)  # 2 f-1 b 6
    legs, arms = moved[..., LEG].sum(-1), moved[..., ARM].sum(-1)  # 2 f-1 b
    change_legs, change_arms = (constant(_changes(limb), device) for limb in (LEGS, ARMS))  # from, to
    step = (legs[change_legs] + arms[change_arms]).movedim(2, 0)  # f-1, from, to, b
    cost = constant(COST, device, dtype)[:, None]
    total = cost.expand(-1, legs.shape[-1])  # state, b
    previous = []
    for ways in step:
        total, state = (total[:, None] + ways).min(0)
        total = total + cost
        previous.append(state)
    states = [total.argmin(0)]
    for state in reversed(previous):
        states.append(state.gather(0, states[-1][None])[0])
    return torch.stack(states[::-1], -1).reshape(*batch, frames)


def _changes(limb: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """For each pair of states, whether the limb is exchanged in one of them only."""
    return tuple(tuple(start ^ end for end in limb) for start in limb)


def steady_sides(
    points: Float[Tensor, "*b f 17 2"], scores: Float[Tensor, "*b f 17"]
) -> tuple[Float[Tensor, "*b f 17 2"], Float[Tensor, "*b f 17"]]:
    """Return the points and scores with exchanged sides corrected.

    Args:
        points: Human3.6M joints in the image (... f 17 2).
        scores: Their confidence (... f 17).

    Example:
        >>> points, scores = steady_sides(torch.zeros(9, 17, 2), torch.ones(9, 17))
        >>> [*points.shape], [*scores.shape]
        ([9, 17, 2], [9, 17])
    """
    source = constant(_sources(), points.device)[exchanged(points, scores)]  # ... f 17
    return points.gather(-2, source[..., None].expand(points.shape)), scores.gather(-1, source)


def _sources() -> tuple[tuple[int, ...], ...]:
    """For each state and joint, the joint whose position it takes."""
    table = []
    for legs, arms in zip(LEGS, ARMS, strict=True):
        row = [*range(17)]
        for part, swapped in ((LEG, legs), (ARM, arms)):
            for left, right in zip(LEFT[part], RIGHT[part], strict=True):
                if swapped:
                    row[left], row[right] = right, left
        table.append(tuple(row))
    return tuple(table)
