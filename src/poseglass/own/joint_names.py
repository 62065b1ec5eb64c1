"""Find the joints among a file's points, by the names that common programs use or by the user's definitions.

A missing joint is derived from others where that is possible (:data:`poseglass.body.skeleton.DERIVED`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17, Skeleton, conversion
from poseglass.errors import DataError, PoseError
from poseglass.keypoints import LAYOUTS

__all__ = ["FAMILIES", "JOINTS", "Blend", "JointMap", "map_joints", "suggest"]

Blend = Mapping[str, float]
"""A joint as a weighted sum of a file's points; the weights sum to one."""

JOINTS = tuple(dict.fromkeys(joint for skeleton in LAYOUTS.values() for joint in skeleton.joints))
"""The names of all joints that this library knows."""

# Minimum similarity, from 0 to 1 (difflib's ratio), of a suggestion for a wrong name and for a missing joint. A missing
# joint may have no counterpart at all, so its suggestion must be more certain.
SIMILAR_NAME, SIMILAR_JOINT = 0.6, 0.8
SHOWN_SUGGESTIONS, SHOWN_POINTS = 20, 40  # names listed in errors

# For each family: how it writes left and right, and its names for joints, in lower case without punctuation or common
# prefix. * is the side, a|b the midpoint of a and b; the first of several names that exists is used. In families that
# name bones, a joint is where its bone starts. The names follow each program's own exports. Real files were available
# only for HumanIK and Biovision (docs/own-data.md).
Family = tuple[tuple[str, str], dict[str, tuple[str, ...]]]
_ARMS = {"*shoulder": ("*arm",), "*elbow": ("*forearm",), "*wrist": ("*hand",)}
_HEAD = ("headtopend", "headend", "headendsite", "headnub", "headtip", "headtop")
FAMILIES: dict[str, Family] = {
    "HumanIK": (  # MotionBuilder, Mixamo, LAFAN1
        ("left", "right"),
        {"*hip": ("*upleg",), "*knee": ("*leg",), "*ankle": ("*foot",), **_ARMS}
        | {"spine": ("spine1", "spine"), "thorax": ("neck",), "neck_nose": ("head",), "head_top": _HEAD},
    ),
    "Biovision": (  # Poser, Xsens; Chest is the first joint of the spine
        ("left", "right"),
        {"*hip": ("*hip",), "*knee": ("*knee",), "*ankle": ("*ankle", "*foot")}
        | {"*shoulder": ("*shoulder",), "*elbow": ("*elbow",), "*wrist": ("*wrist", "*hand")}
        | {"spine": ("chest2|chest3", "chest"), "thorax": ("neck",), "neck_nose": ("head",), "head_top": _HEAD},
    ),
    "Rokoko": (
        ("left", "right"),
        {"*hip": ("*thigh",), "*knee": ("*shin",), "*ankle": ("*foot",), **_ARMS}
        | {"spine": ("spine2", "spine1"), "thorax": ("neck",), "neck_nose": ("head",), "head_top": _HEAD},
    ),
    "Pose2Sim": (  # the markers of its TRC files
        ("l", "r"),
        {f"*{part}": (f"*{part}",) for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "eye", "ear")}
        | {"pelvis": ("hip", "chip"), "nose": ("nose",), "head_top": ("head",)},
    ),
    "Rigify": (  # Blender
        ("l", "r"),
        {"*hip": ("thigh*",), "*knee": ("shin*",), "*ankle": ("foot*",)}
        | {"*shoulder": ("upperarm*",), "*elbow": ("forearm*",), "*wrist": ("hand*",), "spine": ("spine002",)}
        | {"thorax": ("spine004",), "neck_nose": ("spine006",), "head_top": ("spine006endsite", "spine006end")},
    ),
    "Unreal": (
        ("l", "r"),
        {"*hip": ("thigh*",), "*knee": ("calf*",), "*ankle": ("foot*",)}
        | {"*shoulder": ("upperarm*",), "*elbow": ("lowerarm*",), "*wrist": ("hand*",), "spine": ("spine02",)}
        | {"thorax": ("neck01",), "neck_nose": ("head",), "head_top": _HEAD},
    ),
}


@dataclass(frozen=True, eq=False)
class JointMap:
    """The weights that compute Human3.6M's 17 joints from a file's points.

    Args:
        matrix: Weights (17 j): joints by points.
        family: The family of the names; empty for this library's own names and for user-defined joints.
    """

    matrix: Float[ndarray, "17 j"]
    family: str

    def apply(self, points: Float[ndarray, "f j 3"]) -> Float[ndarray, "f 17 3"]:
        """Compute the 17 joints (f 17 3) from points (f j 3); NaN where a point that the joint needs is NaN."""
        joints = [  # not one matrix product: a NaN times a weight of 0 would be NaN
            np.einsum("j,fjd->fd", row[row != 0], points[:, row != 0]) for row in self.matrix
        ]
        return np.stack(joints, 1)  # f 17 3


def map_joints(names: Sequence[str], user_joints: Mapping[str, Blend] | None = None) -> JointMap:
    """Find Human3.6M's 17 joints among the points of a file.

    Args:
        names: The names of the points.
        user_joints: Joints that the user defines; the others are found by their names.

    Raises:
        DataError: Joints are missing; the message lists them and the points of the file.

    Example:
        >>> names = [f"mixamorig:{name}" for name in ("Spine1", "Neck", "Head", "HeadTop_End")]
        >>> parts = ("UpLeg", "Leg", "Foot", "Arm", "ForeArm", "Hand")
        >>> names += [f"mixamorig:{side}{part}" for side in ("Left", "Right") for part in parts]
        >>> map_joints(names).family
        'HumanIK'
    """
    user_joints = dict(user_joints or {})
    column = {name: number for number, name in enumerate(names)}
    for joint, blend in user_joints.items():
        for name in blend:
            if name not in column:
                raise DataError(f"{joint} is defined by {name!r}, which the file lacks{suggest(name, names)}")
    candidates = [(family, blends | user_joints) for family, blends in _candidates(names)]
    family, blends = min(candidates, key=lambda candidate: len(_missing(candidate[1])))  # the first of equals
    if missing := _missing(blends):
        raise DataError(_lacks(missing, names, {name for blend in blends.values() for name in blend}))
    weights = np.zeros((len(blends), len(names)))
    for row, blend in enumerate(blends.values()):
        for name, weight in blend.items():
            weights[row, column[name]] = weight
    return JointMap(conversion(Skeleton("file", tuple(blends), ())) @ weights, family)


def suggest(name: str, names: Iterable[str]) -> str:
    """The end of an error message about an unknown name: a similar name, or else the known names.

    Example:
        >>> suggest("spline", ["spine", "thorax"])
        "; did you mean 'spine'?"
    """
    known = sorted(names)
    if match := _similar(name, known, SIMILAR_NAME):
        return f"; did you mean {match!r}?"
    rest = " and others" if len(known) > SHOWN_SUGGESTIONS else ""
    return f"; expected one of {', '.join(known[:SHOWN_SUGGESTIONS])}{rest}"


def _similar(name: str, names: Iterable[str], similarity: float) -> str | None:
    by_letters = {_letters(other): other for other in sorted(names)}
    matches = get_close_matches(_letters(name), by_letters, 1, similarity)
    return by_letters[matches[0]] if matches else None


def _lacks(missing: Sequence[str], names: Sequence[str], used: set[str]) -> str:
    """The error about missing joints."""
    points = ", ".join(sorted(names)[:SHOWN_POINTS])
    points += f" and {len(names) - SHOWN_POINTS} others" if len(names) > SHOWN_POINTS else ""
    if len(missing) == len(H36M_17):
        text = "has none of the 17 joints under a known name"
    else:
        similar = {joint: _similar(joint, set(names) - used, SIMILAR_JOINT) for joint in missing}
        text = "lacks " + ", ".join(
            f"{joint} (did you mean {name!r}?)" if name else joint for joint, name in similar.items()
        )
        text += f", and points to derive {'them' if len(missing) > 1 else 'it'} from"
    return f"{text}; its points are {points}. Define the missing joints under [joints] in motion.toml"


def _candidates(names: Sequence[str]) -> Iterable[tuple[str, dict[str, Blend]]]:
    """The joints found by this library's own names, then by each family's names."""
    point = _bare(names)
    yield "", {joint: {point[_letters(joint)]: 1.0} for joint in JOINTS if _letters(joint) in point}
    for family, (sides, table) in FAMILIES.items():
        blends: dict[str, Blend] = {}
        for joint, options in table.items():
            for side, name in zip(("left_", "right_"), sides, strict=True):
                for option in options:
                    parts = option.replace("*", name).split("|")
                    if all(part in point for part in parts):
                        blends[joint.replace("*", side)] = {point[part]: 1 / len(parts) for part in parts}
                        break
        yield family, blends


def _missing(blends: Mapping[str, Blend]) -> list[str]:
    """Those of the 17 joints that cannot be derived from these."""
    known = Skeleton("file", tuple(blends), ())
    missing = []
    for joint in H36M_17.joints:
        try:
            conversion(known, Skeleton("one", (joint,), ()))
        except PoseError:
            missing.append(joint)
    return missing


def _bare(names: Sequence[str]) -> dict[str, str]:
    """Map the letters and digits of each name, without namespace and common prefix, to the name."""
    tails = [name.rpartition(":")[2] for name in names]
    first, last = min(tails), max(tails)  # a prefix of these two is a prefix of all
    shared = next((n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    start = max(first.rfind(mark, 0, shared) for mark in "_ .-") + 1
    return {_letters(tail[start:]): name for tail, name in zip(reversed(tails), reversed(names), strict=True)}


def _letters(name: str) -> str:
    """The letters and digits of a name, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
