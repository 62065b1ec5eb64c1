"""Joint angles in degrees, named and signed as biomechanists do.

Segments get axes as the International Society of Biomechanics recommends (ISB; Wu et al. 2002 and 2005): X forward, Y
up, Z to the right. Joints of three axes are decomposed in the order Z, X, Y: flexion about the mediolateral axis of the
upper segment, rotation about the long axis of the lower one, and abduction about the axis perpendicular to both (Grood
and Suntay 1983). The angles of the left are those of the mirrored body, so that one sign means the same on both sides.

Joint centres are not bony landmarks, so zeros differ from a laboratory's by constant offsets, and a limb's rotation
about its own axis shows only while its knee or elbow is bent. See docs/motion.md for how large the errors are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError

__all__ = ["ANGLES", "JointAngles", "joint_angles"]

ANGLES: dict[str, str] = {
    "pelvis_tilt": "forward +; 0: the line from the pelvis to the spine is upright",
    "pelvis_obliquity": "right side up +; 0: the hips are level",
    "pelvis_rotation": "turned to the left +, counted on beyond 180; 0: facing along the world's z axis",
    "trunk_flexion": "thorax against pelvis, forward +; 0: pelvis, spine and thorax in one line",
    "trunk_bending": "thorax against pelvis, to the right +",
    "trunk_rotation": "thorax against pelvis, turned to the left +; 0: the shoulders are parallel to the hips",
    "*_hip_flexion": "thigh against pelvis, forward +; 0: the thigh continues the line from the spine to the pelvis",
    "*_hip_adduction": "thigh against pelvis, towards the middle +",
    "*_hip_rotation": "thigh against pelvis, inward +; 0: the bent shank points back; only if the knee is bent",
    "*_knee_flexion": "bent +; 0: straight. Hyperextension reads as flexion",
    "*_ankle_dorsiflexion": "toes up +; 0: the line from heel to toe is perpendicular to the shank",
    "*_shoulder_elevation": "upper arm away from the trunk; 0: hanging, 180: overhead",
    "*_shoulder_flexion": "upper arm against thorax, forward +, 180: overhead; none if the arm points sideways",
    "*_shoulder_abduction": "upper arm against thorax, away from the middle +, at most 90",
    "*_shoulder_rotation": "upper arm against thorax, inward +; 0: the bent forearm points forward; only if bent",
    "*_elbow_flexion": "bent +; 0: straight",
}
"""The angles, and their signs and zeros; ``*`` stands for ``right_`` and ``left_``."""

BENT = 20.0
"""Degrees of knee or elbow flexion above which the plane of the limb shows how it is rotated. Our own choice."""
LOCKED = 80.0
"""Degrees of abduction above which flexion and rotation turn about nearly the same axis and mean nothing."""
TOES = ("big_toe", "foot_index")

Points = Float[ndarray, "f 3"]


@dataclass(frozen=True, eq=False)
class JointAngles:
    """Angles of joints over time.

    Attributes:
        names: The angles' names, such as ``"left_knee_flexion"``; :data:`ANGLES` has their signs and zeros.
        degrees: One column per name, (f n). NaN where an angle is unknown.
        times: Seconds of each frame, (f).
        absent: Why angles are missing, by the names that :data:`ANGLES` lists.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> walk = pg.PoseSequence(np.random.default_rng(0).normal(size=(30, 17, 3)), pg.H36M_17, "world", fps=30)
        >>> pg.joint_angles(walk)["left_knee_flexion"].shape
        (30,)
    """

    names: tuple[str, ...]
    degrees: Float[ndarray, "f n"]
    times: Float[ndarray, " f"]
    absent: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, name: str) -> Float[ndarray, " f"]:
        """One angle over time.

        Raises:
            PoseError: There is no such angle.
        """
        if name not in self.names:
            reason = self.absent.get(name.replace("left_", "*_").replace("right_", "*_"))
            because = f": {reason}" if reason else f"; it is one of {', '.join(self.names)}"
            raise PoseError(f"there is no angle {name!r}{because}")
        column: ndarray = self.degrees[:, self.names.index(name)]
        return column


def joint_angles(motion: PoseSequence) -> JointAngles:
    """Compute the angles of :data:`ANGLES` from joint positions.

    The angles between segments need no world. Those of the pelvis do, and are absent without one; those of the ankles
    need joints for heel and toe (``left_heel`` and ``left_big_toe`` or ``left_foot_index``).

    Args:
        motion: 3D poses on a skeleton that converts to Human3.6M's.

    Raises:
        PoseError: The poses are not in 3D, no joint is known, or the skeleton does not convert.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> walk = pg.PoseSequence(np.random.default_rng(0).normal(size=(30, 17, 3)), pg.H36M_17, "camera", fps=30)
        >>> angles = joint_angles(walk)
        >>> angles.absent["pelvis_tilt"]
        'the direction of gravity is unknown'
    """
    if motion.units != "metres":
        raise PoseError(f"joint angles need 3D poses in metres, but these are in {motion.units}: lift them first")
    motion.require_known("compute the angles of")
    placed = motion.is_placed
    if placed:
        motion = motion.world()
    body = _joints(motion)
    pelvis, columns, absent = _pelvis(body), dict[str, ndarray](), dict[str, str]()
    if motion.space == "world":
        columns |= _orientation(pelvis)
    else:
        absent |= {name: "the direction of gravity is unknown" for name in ANGLES if name.startswith("pelvis")}
    columns |= _trunk(pelvis, _thorax(body))
    for side, joints in (("right", body), ("left", _mirrored(body))):
        angles = _limbs(joints)
        if "toe" not in joints:
            absent["*_ankle_dorsiflexion"] = f"{motion.skeleton.name} has no heel and toe"
        columns |= {f"{side}_{name}": values for name, values in angles.items()}
    degrees = np.stack([*columns.values()], -1) if len(motion) else np.zeros((0, len(columns)))
    return JointAngles((*columns,), degrees, motion.times, absent)


def _joints(motion: PoseSequence) -> dict[str, Points]:
    """The positions of Human3.6M's joints, and of heels and toes if the skeleton has them, by name."""
    motion_17 = motion.to_skeleton()
    body = {name: motion_17.points[:, number].astype(float) for number, name in enumerate(motion_17.skeleton.joints)}
    for side in ("left", "right"):
        toes = [f"{side}_{toe}" for toe in TOES if f"{side}_{toe}" in motion.skeleton.joints]
        if toes and f"{side}_heel" in motion.skeleton.joints:
            for name, joint in (("heel", f"{side}_heel"), ("toe", toes[0])):
                known = motion.confidence[:, motion.skeleton.index(joint), None] > 0
                body[f"{side}_{name}"] = np.where(known, motion.joint(joint), np.nan).astype(float)
    return body


def _mirrored(body: Mapping[str, Points]) -> dict[str, Points]:
    """The body reflected, with left and right exchanged."""

    def other(name: str) -> str:
        side, _, rest = name.partition("_")
        return f"{ {'left': 'right', 'right': 'left'}[side] }_{rest}" if side in ("left", "right") else name

    return {name: body[other(name)] * [-1, 1, 1] for name in body}


def _limbs(body: Mapping[str, Points]) -> dict[str, Float[ndarray, " f"]]:
    """The angles of the right arm and leg."""
    pelvis, thorax = _pelvis(body), _thorax(body)
    thigh, shank = body["right_hip"] - body["right_knee"], body["right_knee"] - body["right_ankle"]
    arm, forearm = body["right_shoulder"] - body["right_elbow"], body["right_elbow"] - body["right_wrist"]
    knee, elbow = _between(thigh, shank), _between(arm, forearm)
    hip = _cardan(pelvis, _axes(thigh, shank))  # the ankle of a bent knee is behind: the shank's upper end is in front
    shoulder = _cardan(thorax, _axes(arm, -forearm))  # the wrist of a bent elbow is in front
    angles = {
        "hip_flexion": _wrapped(hip[:, 0]),
        "hip_adduction": hip[:, 1],
        "hip_rotation": np.where(knee > BENT, hip[:, 2], np.nan),
        "knee_flexion": knee,
    }
    if "right_toe" in body:
        angles["ankle_dorsiflexion"] = 90 - _between(shank, body["right_toe"] - body["right_heel"])
    return angles | {
        "shoulder_elevation": _between(arm, thorax[:, :, 1]),
        "shoulder_flexion": _wrapped(shoulder[:, 0]),
        "shoulder_abduction": -shoulder[:, 1],
        "shoulder_rotation": np.where(elbow > BENT, shoulder[:, 2], np.nan),
        "elbow_flexion": elbow,
    }


def _trunk(pelvis: Float[ndarray, "f 3 3"], thorax: Float[ndarray, "f 3 3"]) -> dict[str, Float[ndarray, " f"]]:
    extension, bending, rotation = _cardan(pelvis, thorax).T
    return {"trunk_flexion": _wrapped(-extension), "trunk_bending": bending, "trunk_rotation": rotation}


def _orientation(pelvis: Float[ndarray, "f 3 3"]) -> dict[str, Float[ndarray, " f"]]:
    """Rotation, obliquity and tilt in the world, in the order that Baker (2001) recommends: Y, X, Z."""
    facing_z = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]])  # columns: forward, up, right
    turn = facing_z.T @ pelvis
    heading = np.arctan2(turn[:, 0, 2], turn[:, 2, 2])
    known = np.isfinite(heading)
    heading[known] = np.unwrap(heading[known])
    return {
        "pelvis_tilt": np.degrees(-np.arctan2(turn[:, 1, 0], turn[:, 1, 1])),
        "pelvis_obliquity": np.degrees(np.arcsin(turn[:, 1, 2].clip(-1, 1))),
        "pelvis_rotation": np.degrees(heading),
    }


def _pelvis(body: Mapping[str, Points]) -> Float[ndarray, "f 3 3"]:
    """The pelvis's axes as columns: Z along the hips, Y towards the spine."""
    right = _unit(body["right_hip"] - body["left_hip"])
    forward = _unit(np.cross(body["spine"] - body["pelvis"], right))
    return np.stack([forward, np.cross(right, forward), right], -1)


def _thorax(body: Mapping[str, Points]) -> Float[ndarray, "f 3 3"]:
    """The thorax's axes as columns: Y along the upper spine, Z towards the right shoulder."""
    up = _unit(body["thorax"] - body["spine"])
    forward = _unit(np.cross(up, body["right_shoulder"] - body["left_shoulder"]))
    return np.stack([forward, up, np.cross(forward, up)], -1)


def _axes(up: Points, forward: Points) -> Float[ndarray, "f 3 3"]:
    """A limb's axes as columns: Y along `up`, X towards `forward`."""
    right = _unit(np.cross(forward, up))
    return np.stack([np.cross(_unit(up), right), _unit(up), right], -1)


def _cardan(upper: Float[ndarray, "f 3 3"], lower: Float[ndarray, "f 3 3"]) -> Points:
    """The rotations about Z, X and Y, in this order, that turn the upper segment's axes into the lower one's."""
    turn = np.swapaxes(upper, 1, 2) @ lower
    about_z, about_y = np.arctan2(-turn[:, 0, 1], turn[:, 1, 1]), np.arctan2(-turn[:, 2, 0], turn[:, 2, 2])
    about_x = np.arcsin(turn[:, 2, 1].clip(-1, 1))
    angles: ndarray = np.degrees(np.stack([about_z, about_x, about_y], -1))
    angles[np.abs(angles[:, 1]) > LOCKED, ::2] = np.nan
    return angles


def _between(one: Points, other: Points) -> Float[ndarray, " f"]:
    """The angle between two vectors, from 0 to 180."""
    sine = np.linalg.norm(np.cross(one, other), axis=-1)
    defined = (one != 0).any(-1) & (other != 0).any(-1)
    return np.where(defined, np.degrees(np.arctan2(sine, (one * other).sum(-1))), np.nan)


def _wrapped(degrees: Float[ndarray, " f"]) -> Float[ndarray, " f"]:
    """The same angles from -90 to 270: a limb that passes overhead does not jump by a turn."""
    wrapped: ndarray = (degrees + 90) % 360 - 90
    return wrapped


def _unit(vectors: Points) -> Points:
    """Vectors of length 1; NaN for those of length 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 0, vectors / np.where(length > 0, length, 1), np.nan)
