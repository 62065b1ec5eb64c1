"""Which of a file's points are which joints: families of names that programs give them, or what the user says.

A joint that the file lacks is derived from those it has, as everywhere (:data:`poseglass.body.skeleton.DERIVED`).
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

__all__ = ["FAMILIES", "JOINTS", "Blend", "Mapping17", "map_joints", "nearest"]

Blend = Mapping[str, float]
"""A joint as weights of a file's points; they sum to one."""

JOINTS = tuple(dict.fromkeys(joint for skeleton in LAYOUTS.values() for joint in skeleton.joints))
"""All joints that have a name here."""

# For each family how it writes left and right, and the names of joints without case, punctuation and common prefix;
# * is the side, a|b the midpoint, and of several names the first that is there counts. Where bones have names, a joint
# is where its bone begins. They are what the programs' own exports are called; no file of theirs was at hand but
# of the first two families and the fourth (docs/own-data.md).
Family = tuple[tuple[str, str], dict[str, tuple[str, ...]]]
_ARMS = {"*shoulder": ("*arm",), "*elbow": ("*forearm",), "*wrist": ("*hand",)}
_HEAD = ("headtopend", "headend", "headendsite", "headnub", "headtip", "headtop")
FAMILIES: dict[str, Family] = {
    "HumanIK": (  # MotionBuilder, Mixamo, LAFAN1
        ("left", "right"),
        {"*hip": ("*upleg",), "*knee": ("*leg",), "*ankle": ("*foot",), **_ARMS}
        | {"spine": ("spine1", "spine"), "thorax": ("neck",), "neck_nose": ("head",), "head_top": _HEAD},
    ),
    "Biovision": (  # Poser, Xsens: Chest is the spine's first joint
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
    "Pose2Sim": (  # its markers, in the TRC files
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
class Mapping17:
    """How the 17 joints come from a file's points.

    Args:
        matrix: Weights (17 n): joints by points.
        family: Of which family the names are; empty if of this library's own or given by the user.
    """

    matrix: Float[ndarray, "17 n"]
    family: str

    def apply(self, points: Float[ndarray, "f n 3"]) -> Float[ndarray, "f 17 3"]:
        """The 17 joints; NaN where a point that a joint needs is."""
        joints = [
            np.einsum("n,fnd->fd", row[row != 0], points[:, row != 0]) for row in self.matrix
        ]  # not one product: NaN times a weight of 0 would be NaN
        return np.stack(joints, 1)


def map_joints(names: Sequence[str], given: Mapping[str, Blend] | None = None) -> Mapping17:
    """Find Human3.6M's 17 joints among the points of a file.

    Args:
        names: Of the points.
        given: Joints that the user says; the others are found by their names.

    Raises:
        DataError: Joints are missing; the message lists which, and what there is.

    Example:
        >>> names = [f"mixamorig:{name}" for name in ("Spine1", "Neck", "Head", "HeadTop_End")]
        >>> parts = ("UpLeg", "Leg", "Foot", "Arm", "ForeArm", "Hand")
        >>> names += [f"mixamorig:{side}{part}" for side in ("Left", "Right") for part in parts]
        >>> map_joints(names).family
        'HumanIK'
    """
    given = dict(given or {})
    where = {name: number for number, name in enumerate(names)}
    if unknown := [(joint, name) for joint, blend in given.items() for name in blend if name not in where]:
        joint, name = unknown[0]
        raise DataError(f"{joint} is said to be made of {name!r}, which is not there{nearest(name, names)}")
    best: tuple[list[str], str, dict[str, Blend]] | None = None
    for family, found in _candidates(names):
        blends = found | given
        missing = _missing(blends)
        if best is None or len(missing) < len(best[0]):
            best = missing, family, blends
    assert best is not None
    missing, family, blends = best
    if missing:
        shown = ", ".join(sorted(names)[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
        unused = set(names) - {name for blend in blends.values() for name in blend}
        which = f"lacks {', '.join(joint + _meant(joint, unused) for joint in missing)}"
        if len(missing) == 17:
            which = "none of the 17 joints is there by its name"
        raise DataError(
            f"{which}, and nothing {'they' if len(missing) > 1 else 'it'} could be derived from; the points are called "
            f"{shown}. Say in [joints] of motion.toml which is which"
        )
    known = Skeleton("given", tuple(blends), ())
    points = np.zeros((len(blends), len(names)))
    for row, blend in enumerate(blends.values()):
        for name, weight in blend.items():
            points[row, where[name]] = weight
    return Mapping17(conversion(known) @ points, family)


def nearest(name: str, names: Iterable[str]) -> str:
    """Words that suggest the name that was meant, or list those there are."""
    there = [*names]
    key = {_key(other): other for other in there}
    if found := get_close_matches(_key(name), key, 1, 0.6):
        return f"; is {key[found[0]]!r} meant?"
    return f"; there are {', '.join(sorted(there)[:20])}{' and more' if len(there) > 20 else ''}"


def _meant(joint: str, names: Iterable[str]) -> str:
    key = {_key(name): name for name in sorted(names)}
    found = get_close_matches(_key(joint), key, 1, 0.8)
    return f" (is {key[found[0]]!r} meant?)" if found else ""


def _candidates(names: Sequence[str]) -> Iterable[tuple[str, dict[str, Blend]]]:
    """What each family finds, its own name first."""
    bare = _bare(names)
    yield "", {joint: {bare[_key(joint)]: 1.0} for joint in JOINTS if _key(joint) in bare}
    for family, (sides, table) in FAMILIES.items():
        found: dict[str, Blend] = {}
        for joint, options in table.items():
            for side, name in zip(("left_", "right_"), sides, strict=True):
                for option in options:
                    parts = option.replace("*", name).split("|")
                    if all(part in bare for part in parts):
                        found[joint.replace("*", side)] = {bare[part]: 1 / len(parts) for part in parts}
                        break
        yield family, found


def _missing(blends: Mapping[str, Blend]) -> list[str]:
    """Which of the 17 joints cannot be had."""
    known = Skeleton("given", tuple(blends), ())
    missing = []
    for joint in H36M_17.joints:
        try:
            conversion(known, Skeleton("one", (joint,), ()))
        except PoseError:
            missing.append(joint)
    return missing


def _bare(names: Sequence[str]) -> dict[str, str]:
    """Names by their letters and digits, without namespaces and a prefix that all of them share."""
    tails = [name.rpartition(":")[2] for name in names]
    first, last = min(tails), max(tails)  # what these two share, all share
    shared = next((n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    cut = max(first.rfind(mark, 0, shared) for mark in "_ .-") + 1
    return {_key(tail[cut:]): name for tail, name in zip(reversed(tails), reversed(names), strict=True)}


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
