"""`fit_rig`: a skeleton of constant size whose joints turn as the lifted person moves, for animation programs."""

import logging
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import to_y_up
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.errors import PoseError
from poseglass.mocap.animation import Animation
from poseglass.motion.bones import AT, NAMES, PARENTS, constant_bones, rest_pose
from poseglass.motion.feet import FOOT, foot_turn, heels_to_toes
from poseglass.motion.turns import frame, shortest, steady_axis
from poseglass.motion.upright import has_place, upright

__all__ = ["Rig", "fit_rig"]

log = logging.getLogger("poseglass")

X, Y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
# How far joint 9 stands forward of the line from thorax to head top, as a share of its distance from the thorax: about
# 0.3 in lifted poses, where it is near the nose. In motion capture it is at the base of the skull, which does not show
# where the face points.
FLAT, NOSE = 0.15, 0.25
STANDING = 0.2  # how easily an ankle moves that stands for certain, relative to other joints

# Upper and lower bone of each limb with a hinge between them, its parent, and the axis about which it flexes in the
# T-pose (palms down): forearms turn forward, shins backward.
HINGES: tuple[tuple[str, str, str, str, tuple[float, float, float]], ...] = (
    ("LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand", (0, -1, 0)),
    ("RightShoulder", "RightArm", "RightForeArm", "RightHand", (0, 1, 0)),
    ("Hips", "LeftUpLeg", "LeftLeg", "LeftFoot", (1, 0, 0)),
    ("Hips", "RightUpLeg", "RightLeg", "RightFoot", (1, 0, 0)),
)

# Joints at the end of the tree, and joints that no point determines, turn with another.
FOLLOWERS = (
    ("HeadTop", "Head"),
    *(
        (side + name, side + leader)
        for side in ("Left", "Right")
        for name, leader in (("Hand", "ForeArm"), ("ToeBase", "Foot"), ("ToeEnd", "Foot"))
    ),
)


@dataclass(frozen=True, eq=False)
class Rig:
    """A skeleton fitted to a motion.

    Attributes:
        animation: The rig's rest pose, rotations and path: y up, in the world if the motion has a place in it,
            otherwise in the camera's axes turned upright.
        distances: Distance of the rig's joints to the motion's, in metres (f 17), in Human3.6M's order.
    """

    animation: Animation
    distances: Float[ndarray, "f 17"]

    @property
    def points(self) -> Float[ndarray, "f 17 3"]:
        """The positions of Human3.6M's joints on the rig, in metres, y up."""
        return self.animation.positions[:, [NAMES.index(AT[joint]) for joint in H36M_17.joints]]


def fit_rig(motion: PoseSequence) -> Rig:
    """Fit a skeleton of constant size to a motion, with one rotation per joint and frame.

    Bones have their median length over the valid frames, left and right the same. The joints lie as close to the
    motion's as these lengths permit. The pelvis turns with the hips and the lower back, the chest with the shoulders,
    the head with the nose; upper arms and thighs turn about themselves so that elbows and knees are hinges. A straight
    limb shows no hinge: there the turn comes from the frames before and after. Other joints make the smallest turn.

    The rest pose is a T-pose: y up, facing +z, the person's left at +x, palms down. The motion is in the world if it
    has a place in it (:meth:`PoseSequence.world`); otherwise the camera's axes are turned so that y points up.

    Args:
        motion: 3D poses in camera or world space, on any skeleton that converts to Human3.6M's.

    Raises:
        PoseError: The poses are 2D, there are none, or a joint is unknown in all frames.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> pose = np.array([[0, 0, 0], [-0.1, 0, 0], [-0.1, -0.4, 0], [-0.1, -0.8, 0], [0.1, 0, 0], [0.1, -0.4, 0],
        ...     [0.1, -0.8, 0], [0, 0.2, 0], [0, 0.5, 0], [0, 0.6, 0.05], [0, 0.7, 0], [0.2, 0.5, 0], [0.5, 0.5, 0],
        ...     [0.7, 0.5, 0], [-0.2, 0.5, 0], [-0.5, 0.5, 0], [-0.7, 0.5, 0]])
        >>> rig = pg.fit_rig(pg.PoseSequence(pose[None], pg.H36M_17, "world"))
        >>> bool(rig.distances.max() < 1e-6), rig.animation.names[:3]
        (True, ('Hips', 'Spine', 'Chest'))
    """
    motion = _complete(motion)
    points = _upright(motion)
    chosen = points[motion.validity] if motion.validity.any() else points
    rest = rest_pose(chosen)
    fitted = constant_bones(points, rest, _give(motion))
    turns = _orientations(fitted, rest, motion.rate)
    turns |= _feet(motion, turns, rest)
    for name, leader in FOLLOWERS:
        turns[name] = turns[leader]
    parents = [NAMES[parent] if parent >= 0 else "" for parent in PARENTS]
    local = np.stack(
        [
            turns[parent].swapaxes(-1, -2) @ turns[name] if parent else turns[name]
            for name, parent in zip(NAMES, parents, strict=True)
        ],
        1,
    )  # f j 3 3
    animation = Animation(names=NAMES, parents=PARENTS, rest=rest, rotations=local, root=fitted[:, 0], fps=motion.rate)
    rig = Rig(animation, np.zeros(points.shape[:2]))
    return Rig(animation, np.linalg.norm(rig.points - points, axis=-1))


def _upright(motion: PoseSequence) -> Float[ndarray, "f j 3"]:
    """The joints with y up, in metres. Without a place in the world, the path in front of the camera is kept."""
    points = upright(motion).points.astype(float)
    if motion.root is not None and not has_place(motion):
        points += to_y_up(motion.root[:, None].astype(float), "-y")
    return points


def _complete(motion: PoseSequence) -> PoseSequence:
    """The motion of Human3.6M's joints, with unknown positions filled from the frames before and after."""
    if not len(motion):
        raise PoseError("a rig is fitted to at least one frame, got none")
    motion = motion.to_skeleton(H36M_17)
    known = np.isfinite(motion.points).all(-1)  # f 17
    if known.all():
        return motion
    if missing := [joint for joint, any_ in zip(H36M_17.joints, known.any(0), strict=True) if not any_]:
        raise PoseError(f"a rig needs all 17 joints, but {', '.join(missing)} is unknown in every frame")
    points = motion.points.copy()
    for joint in np.flatnonzero(~known.all(0)):
        frames = known[:, joint]
        for axis in range(3):
            points[:, joint, axis] = np.interp(motion.times, motion.times[frames], points[frames, joint, axis])
    log.warning("%d of %d joint positions are unknown; the rig interpolates them in time", (~known).sum(), known.size)
    return replace(motion, points=points)


def _give(motion: PoseSequence) -> Float[ndarray, "f 17"]:
    """How easily each joint moves when bones get their lengths: feet that stand should stay."""
    give = np.ones((len(motion), len(H36M_17)))
    if motion.contact is not None:
        ankles = [H36M_17.index("left_ankle"), H36M_17.index("right_ankle")]
        give[:, ankles] = 1 - (1 - STANDING) * motion.contact
    return give


def _orientations(
    points: Float[ndarray, "f 17 3"], rest: Float[ndarray, "j 3"], fps: float
) -> dict[str, Float[ndarray, "f 3 3"]]:
    """The rotation of each joint from the rest pose, relative to the world."""
    at = {AT[joint]: points[:, index] for index, joint in enumerate(H36M_17.joints)}
    straight = dict(zip(NAMES, rest, strict=True))

    turn: dict[str, ndarray] = {}
    spine = at["Chest"] - at["Hips"]
    turn["Hips"] = _turned(at["LeftUpLeg"] - at["RightUpLeg"], spine, (X, Y))
    lower_back = at["Hips"] + turn["Hips"] @ straight["Spine"]
    turn["Spine"] = _swung(turn["Hips"], Y, at["Chest"] - lower_back)
    turn["Chest"] = _turned(at["Neck"] - at["Chest"], at["LeftArm"] - at["RightArm"], (Y, X))
    nose, crown = at["Head"] - at["Neck"], at["HeadTop"] - at["Head"]
    lean = straight["Head"][2] / np.linalg.norm(straight["Head"])
    left = _head_axis(turn["Chest"], nose, crown, float(np.clip((lean - FLAT) / (NOSE - FLAT), 0, 1)), fps)
    turn["Neck"] = _turned(nose, left, (straight["Head"], X))
    turn["Head"] = _turned(crown, left, (straight["HeadTop"], X))
    for side in ("Left", "Right"):
        shoulder = side + "Shoulder"
        turn[shoulder] = _swung(turn["Chest"], straight[side + "Arm"], at[side + "Arm"] - at["Neck"])
    for parent, upper, lower, end, hinge in HINGES:
        one, other = at[lower] - at[upper], at[end] - at[lower]
        axis = np.cross(one, other)
        bend = np.linalg.norm(axis, axis=-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
        start = turn[parent].swapaxes(-1, -2)
        axis = steady_axis(
            _apply(start, one), _apply(start, axis), bend, rest=(straight[lower], np.array(hinge, float)), fps=fps
        )
        axis = _apply(turn[parent], axis)
        turn[upper] = _turned(one, axis, (straight[lower], np.array(hinge, float)))
        turn[lower] = _turned(other, axis, (straight[end], np.array(hinge, float)))
    return turn


def _feet(motion: PoseSequence, turns: dict[str, ndarray], rest: Float[ndarray, "j 3"]) -> dict[str, ndarray]:
    """The rotations of both feet relative to the world."""
    path = motion.trajectory
    lines = heels_to_toes(motion)
    length = FOOT * (np.linalg.norm(rest[NAMES.index("LeftLeg")]) + np.linalg.norm(rest[NAMES.index("LeftFoot")]))
    feet = {}
    for number, side in enumerate(("Left", "Right")):
        contact = path.contact[:, number] if path is not None and path.to_world is not None else None
        line = None if lines is None else lines[number]
        feet[side + "Foot"] = foot_turn(turns[side + "Leg"], line, contact, length=float(length), fps=motion.rate)
    return feet


def _head_axis(
    chest: Float[ndarray, "f 3 3"], nose: Float[ndarray, "f 3"], crown: Float[ndarray, "f 3"], trust: float, fps: float
) -> Float[ndarray, "f 3"]:
    """The direction to the head's left, from the triangle of thorax, nose and head top, as far as it can be trusted."""
    start, whole = chest.swapaxes(-1, -2), nose + crown
    axis = np.cross(crown, nose)
    offset = np.linalg.norm(axis, axis=-1) / np.linalg.norm(whole, axis=-1) / np.linalg.norm(nose, axis=-1)
    steady = steady_axis(
        _apply(start, whole), _apply(start, axis), trust * np.minimum(2 * offset, 1), rest=(Y, X), fps=fps
    )
    return _apply(chest, steady)


def _apply(turn: Float[ndarray, "f 3 3"], vectors: Float[ndarray, "f 3"]) -> Float[ndarray, "f 3"]:
    turned: ndarray = (turn @ vectors[..., None])[..., 0]
    return turned


def _turned(
    along: Float[ndarray, "f 3"], across: Float[ndarray, "f 3"], rest: tuple[Float[ndarray, "3"], Float[ndarray, "3"]]
) -> Float[ndarray, "f 3 3"]:
    """The rotation that takes the first rest direction to `along` and the second as close to `across` as possible."""
    turn: ndarray = frame(along, across) @ frame(*rest).T
    return turn


def _swung(
    parent: Float[ndarray, "f 3 3"], rest: Float[ndarray, "3"], along: Float[ndarray, "f 3"]
) -> Float[ndarray, "f 3 3"]:
    """The parent's rotation and the smallest one after it that takes the rest direction to `along`."""
    turn: ndarray = shortest(parent @ rest, along) @ parent
    return turn
