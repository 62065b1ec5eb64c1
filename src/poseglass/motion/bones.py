"""The rig's tree, its rest pose, and the joint positions nearest to given ones whose bones keep their lengths."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.errors import PoseError
from poseglass.motion.feet import ANKLE, BALL, FOOT, HEEL

__all__ = ["AT", "NAMES", "PARENTS", "constant_bones", "rest_pose"]

# Name, parent, and the joint of Human3.6M at the same place. Mixamo, Unity and MotionBuilder recognise these names.
# Spine stands between the hips, a little above Hips, and bends the body sideways; the shoulders (collar bones) start
# where the neck does.
TREE: tuple[tuple[str, str, str], ...] = (
    ("Hips", "", "pelvis"),
    ("Spine", "Hips", ""),
    ("Chest", "Spine", "spine"),
    ("Neck", "Chest", "thorax"),
    ("Head", "Neck", "neck_nose"),
    ("HeadTop", "Head", "head_top"),
    *(
        (side + name, (side if paired else "") + parent, joint and f"{side.lower()}_{joint}")
        for side in ("Left", "Right")
        for name, paired, parent, joint in (
            ("Shoulder", False, "Chest", ""),
            ("Arm", True, "Shoulder", "shoulder"),
            ("ForeArm", True, "Arm", "elbow"),
            ("Hand", True, "ForeArm", "wrist"),
            ("UpLeg", False, "Hips", "hip"),
            ("Leg", True, "UpLeg", "knee"),
            ("Foot", True, "Leg", "ankle"),
            ("ToeBase", True, "Foot", ""),
            ("ToeEnd", True, "ToeBase", ""),
        )
    ),
)
NAMES: tuple[str, ...] = tuple(name for name, _, _ in TREE)
PARENTS: tuple[int, ...] = tuple(NAMES.index(parent) if parent else -1 for _, parent, _ in TREE)
AT: dict[str, str] = {joint: name for name, _, joint in TREE if joint}
"""The rig's joint at each joint of Human3.6M."""

SWEEPS = 40  # corrections of all bones at most
FIRM = 3.0  # millimetres: in the second pass, a joint that moved less counts as having moved by this
BLOCK = 2000  # frames at a time: they fit into a processor's cache
PRECISE = 1e-7  # metres: smaller corrections end the sweeps

_J = {joint: index for index, joint in enumerate(H36M_17.joints)}
# Bones that only have to keep their lengths, from the trunk outwards. The hips and the lower back move together.
_BONES: tuple[tuple[int, int], ...] = tuple(
    (child, parent)
    for child, parent in enumerate(H36M_17.parents)
    if H36M_17.joints[child] not in ("pelvis", "left_hip", "right_hip", "spine")
)


def rest_pose(points: Float[ndarray, "f 17 3"]) -> Float[ndarray, "j 3"]:
    """The vector from its parent to each joint of the rig in the T-pose: y up, facing +z, the person's left at +x.

    Lengths are medians over time and over both sides.

    Raises:
        PoseError: A bone has no length.
    """

    def length(*bones: tuple[str, str]) -> float:
        pieces = [np.linalg.norm(points[:, _J[end]] - points[:, _J[start]], axis=-1) for end, start in bones]
        return float(np.median(pieces))

    def both(end: str, start: str) -> float:
        sides = ("left_", "right_")
        return length(*((side + end, start if start in _J else side + start) for side in sides))

    hip = length(("left_hip", "right_hip")) / 2
    above = lower_back(points, hip / 2)
    thigh, shin = both("knee", "hip"), both("ankle", "knee")
    neck, face, head = (
        length(("neck_nose", "thorax")),
        length(("head_top", "neck_nose")),
        length(("head_top", "thorax")),
    )
    # Neck and head are a triangle whose base, from thorax to head top, stands upright.
    height = (neck**2 - face**2 + head**2) / (2 * max(head, 1e-9))
    nose = np.sqrt(max(neck**2 - height**2, 0))
    foot = FOOT * (thigh + shin)
    rest: dict[str, tuple[float, float, float]] = {
        "Hips": (0, 0, 0),
        "Spine": (0, hip / 2, 0),
        "Chest": (0, float(np.median(np.linalg.norm(points[:, _J["spine"]] - above, axis=-1))), 0),
        "Neck": (0, length(("thorax", "spine")), 0),
        "Shoulder": (0, length(("thorax", "spine")), 0),
        "Head": (0, height, nose),
        "HeadTop": (0, head - height, -nose),
        "Arm": (both("shoulder", "thorax"), 0, 0),
        "ForeArm": (both("elbow", "shoulder"), 0, 0),
        "Hand": (both("wrist", "elbow"), 0, 0),
        "UpLeg": (hip, 0, 0),
        "Leg": (0, -thigh, 0),
        "Foot": (0, -shin, 0),
        "ToeBase": (0, -0.75 * ANKLE, (BALL - HEEL) * foot),
        "ToeEnd": (0, -0.25 * ANKLE, (1 - BALL) * foot),
    }
    table = []
    for name in NAMES:
        x, y, z = rest[name.removeprefix("Left").removeprefix("Right")]
        if not (x or y or z) and name != "Hips":
            raise PoseError(f"the bone that ends at {name} has no length, because the joints at its ends coincide")
        table.append((-x if name.startswith("Right") else x, y, z))
    return np.array(table, float)


def lower_back(points: Float[ndarray, "f 17 3"], height: float) -> Float[ndarray, "f 3"]:
    """The point at this height above the pelvis, perpendicular to the line of the hips, towards the spine."""
    across = points[:, _J["left_hip"]] - points[:, _J["right_hip"]]
    spine = points[:, _J["spine"]] - points[:, _J["pelvis"]]
    square = np.maximum((across**2).sum(-1, keepdims=True), 1e-18)
    up = spine - (spine * across).sum(-1, keepdims=True) / square * across
    lifted: ndarray = points[:, _J["pelvis"]] + height * up / np.maximum(
        np.linalg.norm(up, axis=-1, keepdims=True), 1e-9
    )
    return lifted


def constant_bones(
    points: Float[ndarray, "f 17 3"], rest: Float[ndarray, "j 3"], give: Float[ndarray, "f 17"] | None = None
) -> Float[ndarray, "f 17 3"]:
    """Positions close to the given ones whose bones have the rest pose's lengths.

    Each bone in turn pulls its two ends to the right distance until all fit: errors spread over the body instead of
    adding up from the pelvis to the hands and feet (position-based dynamics: Mueller et al., J. Vis. Commun. Image R.
    18, 2007). In a second pass, joints that moved far in the first move more easily. The first pass keeps the squares
    of the distances small, the second their mean.

    Args:
        points: Human3.6M's joints (f 17 3), metres.
        rest: The rest pose, from :func:`rest_pose`.
        give: How easily each joint moves (f 17), above 0. Default: all the same.
    """
    length = dict(zip(NAMES, np.linalg.norm(rest, axis=-1), strict=True))
    ease = np.ones(points.shape[:2]) if give is None else give
    moved = np.empty(points.shape)
    for start in range(0, len(points), BLOCK):
        block = slice(start, start + BLOCK)
        first = _swept(points[block], length, ease[block])
        shift = np.linalg.norm(first - points[block], axis=-1) * 1000
        moved[block] = _swept(points[block], length, ease[block] * np.maximum(shift, FIRM))
    return moved


def _swept(
    points: Float[ndarray, "f 17 3"], length: dict[str, float], give: Float[ndarray, "f 17"]
) -> Float[ndarray, "f 17 3"]:
    moved = np.ascontiguousarray(points.transpose(1, 2, 0), float)  # 17 3 f
    ease = np.ascontiguousarray(give.T)  # 17 f
    bones = [(child, parent, length[AT[H36M_17.joints[child]]]) for child, parent in _BONES]
    for sweep in range(SWEEPS):
        before = moved.copy()
        _level_hips(moved, length["LeftUpLeg"])
        _pull_spine(moved, length["Spine"], length["Chest"])
        for child, parent, size in bones if sweep % 2 == 0 else reversed(bones):
            gap = moved[child] - moved[parent]
            distance = np.maximum(np.sqrt((gap * gap).sum(0)), 1e-9)
            gap *= (1 - size / distance) / (ease[child] + ease[parent])
            moved[child] -= ease[child] * gap
            moved[parent] += ease[parent] * gap
        if np.abs(moved - before).max(initial=0) < PRECISE:
            break
    return moved.transpose(2, 0, 1)


def _level_hips(moved: Float[ndarray, "17 3 f"], half: float) -> None:
    """Move the pelvis to the middle between the hips, and the hips to their distance, in place."""
    pelvis, left, right = (_J[name] for name in ("pelvis", "left_hip", "right_hip"))
    centre = (moved[pelvis] + moved[left] + moved[right]) / 3
    across = moved[left] - moved[right]
    across *= half / np.maximum(np.sqrt((across * across).sum(0)), 1e-9)
    moved[pelvis], moved[left], moved[right] = centre, centre + across, centre - across


def _pull_spine(moved: Float[ndarray, "17 3 f"], height: float, size: float) -> None:
    """Pull the spine, and the hips with it, to its distance from the lower back, in place."""
    hips, spine = [_J[name] for name in ("pelvis", "left_hip", "right_hip")], _J["spine"]
    gap = moved[spine] - lower_back(moved.transpose(2, 0, 1), height).T
    gap *= (1 - size / np.maximum(np.sqrt((gap * gap).sum(0)), 1e-9)) / 2
    moved[spine] -= gap
    moved[hips] += gap
