"""Where feet point: heel and toe of the 2D layout, lifted onto a foot of constant length."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import UP
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.body.trajectory import Trajectory
from poseglass.motion.ground import ANKLE
from poseglass.motion.placing import place
from poseglass.motion.turns import frame, tied, unit

__all__ = ["ANKLE", "BALL", "FOOT", "HEEL", "HeelToToe", "foot_turn", "heels_to_toes"]

# The foot's length as a share of the leg's from hip to ankle: 0.152 and 0.491 of a person's height (Winter,
# Biomechanics and Motor Control of Human Movement, 4.1). A quarter of the foot lies behind the ankle, and the ball of
# the foot at 73 % of its length: our choice, from the look of feet.
FOOT, HEEL, BALL = 0.152 / 0.491, 0.25, 0.73
KEYPOINTS = 0.9  # length from a detector's heel to its toe, as a share of the foot: the 95th percentile of a side view

TOES = ("foot_index", "big_toe")  # joints at the tip of the foot, in the layouts that have heels
SIGMA = 0.03  # metres: standard deviation of the line from heel to toe in the image, at the ankle's depth
NEUTRAL = 0.5  # radians: standard deviation of a foot from a right angle to the shin
FLAT = 0.1  # radians: standard deviation of a standing foot from the floor
SPEED = 8.0  # radians per second: standard deviation of how fast a foot turns, for the choice of the side
STEADY = 0.03  # seconds over which directions are smoothed
NEAREST = 0.3  # metres: no ankle is nearer to the camera
STEPS = 5  # Gauss-Newton steps; three suffice for most frames


@dataclass(frozen=True, eq=False)
class HeelToToe:
    """The line from heel to toe of one foot, as a camera sees it.

    Args:
        sight: The matrix that takes a short vector from the ankle, y up, to the image, in metres (f 2 3).
        line: The line from heel to toe in the image, in metres at the ankle's depth (f 2).
        scores: The lower score of the two, 0 if unknown (f).
    """

    sight: Float[ndarray, "f 2 3"]
    line: Float[ndarray, "f 2"]
    scores: Float[ndarray, " f"]


def heels_to_toes(motion: PoseSequence) -> tuple[HeelToToe, HeelToToe] | None:
    """The lines from heel to toe of the left and the right foot; None if the 2D poses have no feet.

    Args:
        motion: Poses of Human3.6M's joints in camera space, with `pose2d` and `size`.
    """
    flat = motion.pose2d
    if flat is None or motion.size is None or motion.space != "camera":
        return None
    toe = next((toe for toe in TOES if f"left_{toe}" in flat.skeleton.joints), None)
    if toe is None or "left_heel" not in flat.skeleton.joints:
        return None
    path = motion.trajectory or place(motion).trajectory
    assert path is not None
    left, right = (
        _line(motion, path, side, [flat.skeleton.index(f"{side}_{end}") for end in ("heel", toe)])
        for side in ("left", "right")
    )
    return left, right


def _line(motion: PoseSequence, path: Trajectory, side: str, ends: list[int]) -> HeelToToe:
    flat = motion.pose2d
    assert flat is not None
    assert path.focal is not None
    upright = np.array(UP["-y"], float) if path.to_world is None else path.to_world[:3, :3]
    ankle = motion.points[:, H36M_17.index(f"{side}_ankle")].astype(float) + path.root
    depth = np.maximum(ankle[:, 2:], NEAREST)
    ray = ankle[:, :2] / depth
    # A point at the ankle + d is seen at ray + (d_xy - ray d_z) / depth, to first order in d.
    sight = np.concatenate([np.tile(np.eye(2), (len(ray), 1, 1)), -ray[..., None]], -1)  # f 2 3
    line = (flat.points[:, ends[1]] - flat.points[:, ends[0]]) * depth / path.focal
    scores = np.where(motion.validity & flat.validity, flat.confidence[:, ends].min(-1), 0).astype(float)
    known = np.isfinite(line).all(-1) & np.isfinite(ray).all(-1)
    return HeelToToe(
        np.where(known[:, None, None], sight, 0) @ upright.T,
        np.where(known[:, None], line, 0).astype(float),
        np.where(known, scores, 0),
    )


def foot_turn(
    shin: Float[ndarray, "f 3 3"],
    line: HeelToToe | None,
    contact: Float[ndarray, " f"] | None,
    *,
    length: float,
    fps: float,
) -> Float[ndarray, "f 3 3"]:
    """The rotation of a foot from the rest pose, relative to the world.

    In the image, a foot of constant length points towards the camera or away from it. The choice and the direction
    are the likeliest, given that feet point forward from the shin, lie flat when they stand, and turn steadily.

    Args:
        shin: The shin's rotation from the rest pose (f 3 3), y up.
        line: The line from heel to toe in the image, if known.
        contact: Probability that the foot stands on the floor (f); None if the direction of gravity is unknown.
        length: Length of the foot in metres.
        fps: Frames per second.

    Returns:
        Rotations (f 3 3). With neither line nor contact, they are the shin's: the foot is at right angles to it.
    """
    if line is None and contact is None:
        return shin
    neutral = shin[..., 2]
    # The cost of a direction d is d A d / 2 - b d, apart from a constant.
    a, b = np.tile(np.eye(3) / NEUTRAL**2, (len(shin), 1, 1)), neutral / NEUTRAL**2
    stands = np.zeros(len(shin)) if contact is None else contact.astype(float)
    a[:, 1, 1] += stands / FLAT**2
    starts = [neutral, neutral]
    if line is not None:
        size, weight = KEYPOINTS * length, line.scores[:, None] / SIGMA**2
        across = line.sight.swapaxes(-1, -2)  # f 3 2
        a += weight[..., None] * size**2 * across @ line.sight
        b = b + weight * size * (across @ line.line[..., None])[..., 0]
        starts = _two_sides(line, size, neutral)
    likely = np.stack([_likeliest(start, a, b) for start in starts], 1)  # f 2 3
    cost = np.einsum("fsi,fij,fsj->fs", likely, a, likely) / 2 - np.einsum("fi,fsi->fs", b, likely)
    chosen = likely[np.arange(len(likely)), _steadiest(likely, cost, fps)]
    direction = unit(neutral + tied(chosen - neutral, np.ones(len(chosen)), (STEADY * fps) ** 2))
    level = np.cross((0.0, 1.0, 0.0), direction)  # the foot's left, if its sole is level
    left = shin[..., 0] + stands[:, None] * (level - shin[..., 0])
    axes = frame(direction, left)  # forward, left, up
    return axes[..., [1, 2, 0]]


def _two_sides(line: HeelToToe, size: float, neutral: Float[ndarray, "f 3"]) -> list[Float[ndarray, "f 3"]]:
    """The two directions whose image is the line, or close to it: towards the camera and away from it."""
    known = line.scores > 0
    sight = np.where(known[:, None, None], line.sight, np.eye(3)[:2])
    inner = np.linalg.solve(sight @ sight.swapaxes(-1, -2), line.line[..., None] / size)
    base = (sight.swapaxes(-1, -2) @ inner)[..., 0]  # the shortest such vector
    ray = unit(np.cross(sight[:, 0], sight[:, 1]))
    depth = np.sqrt(np.maximum(1 - (base**2).sum(-1, keepdims=True), 0.01))
    return [np.where(known[:, None], unit(base + side * depth * ray), neutral) for side in (1, -1)]


def _likeliest(
    start: Float[ndarray, "f 3"], a: Float[ndarray, "f 3 3"], b: Float[ndarray, "f 3"]
) -> Float[ndarray, "f 3"]:
    """The direction of least cost next to the start, by Gauss-Newton steps on the sphere."""
    direction = start
    for _ in range(STEPS):
        tangents = frame(direction, b)[..., 1:]  # f 3 2
        slope = tangents.swapaxes(-1, -2) @ ((a @ direction[..., None]) - b[..., None])
        step = np.linalg.solve(tangents.swapaxes(-1, -2) @ a @ tangents, slope)
        direction = unit(direction - (tangents @ step)[..., 0])
    return direction


def _steadiest(sides: Float[ndarray, "f 2 3"], cost: Float[ndarray, "f 2"], fps: float) -> ndarray:
    """Which of two directions per frame (f), at the least cost and with the least turns over all frames (Viterbi)."""
    cosine = np.einsum("fsi,fri->fsr", sides[:-1], sides[1:])
    turns = (np.arccos(np.clip(cosine, -1, 1)) * fps / SPEED) ** 2 / 2  # from, to
    total, best = list(cost[0]), []
    for step, own in zip(turns.tolist(), cost[1:].tolist(), strict=True):
        to = [(total[0] + step[0][side], total[1] + step[1][side]) for side in (0, 1)]
        best.append([int(pair[1] < pair[0]) for pair in to])
        total = [min(pair) + extra for pair, extra in zip(to, own, strict=True)]
    path = [int(total[1] < total[0])]
    for back in reversed(best):
        path.append(back[path[-1]])
    return np.array(path[::-1])
