"""Find the joints among a file's points, by the names that programs use or by the user's definitions.

A missing joint is derived from others where that is possible (:data:`poseglass.body.skeleton.DERIVED`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.skeleton import DERIVED, H36M_17, Skeleton, conversion
from poseglass.errors import DataError
from poseglass.keypoints import LAYOUTS
from poseglass.own.namings import LIMBS, NAMINGS, points_by_reading, prefixes, simplify

__all__ = ["JOINTS", "Blend", "JointMap", "map_joints", "suggest"]

Blend = Mapping[str, float]
"""A joint as a weighted sum of a file's points; the weights sum to one."""

JOINTS = tuple(dict.fromkeys(joint for skeleton in LAYOUTS.values() for joint in skeleton.joints))
"""The names of all joints that this library knows."""

# Minimum similarity, from 0 to 1 (difflib's ratio), of a suggestion for a wrong name and for a missing joint. A missing
# joint may have no counterpart at all, so its suggestion must be more certain.
SIMILAR_NAME, SIMILAR_JOINT = 0.6, 0.8
SHOWN_SUGGESTIONS, SHOWN_POINTS = 20, 40  # names listed in errors
MOST_COMPARED = 500  # names among which a similar one is looked for

# A head that a file lacks is estimated, as multiples of a vector that is added to the thorax. The lengths are the means
# of Human3.6M: pelvis to thorax 0.490 m, thorax to neck_nose 0.116 m, neck_nose to head_top 0.115 m.
HEAD = {"neck_nose": 0.116 / 0.490, "head_top": (0.116 + 0.115) / 0.490}  # of the vector from pelvis to thorax
HEAD_TOP = (0.116 + 0.115) / 0.116  # of the vector from thorax to neck_nose


@dataclass(frozen=True, eq=False)
class JointMap:
    """The weights that compute Human3.6M's 17 joints from a file's points.

    Args:
        matrix: Weights (17 j): joints by points.
        naming: The key of the names in :data:`poseglass.own.namings.NAMINGS`; empty for this library's own names and
            for user-defined joints.
        estimated: Joints of the head that the file lacks.
    """

    matrix: Float[ndarray, "17 j"]
    naming: str
    estimated: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What is estimated, as a sentence; empty if nothing is."""
        if not self.estimated:
            return ""
        line = "pelvis to thorax" if "neck_nose" in self.estimated else "thorax to neck_nose"
        what, verb = " and ".join(self.estimated), "is" if len(self.estimated) == 1 else "are"
        text = f"the file lacks {what}, which {verb} estimated on the line from {line}"
        return f"{text}; to use other points, define {what} under [joints] in motion.toml"

    def apply(self, points: Float[ndarray, "f j 3"]) -> Float[ndarray, "f 17 3"]:
        """Compute the 17 joints (f 17 3) from points (f j 3); NaN where a point that the joint needs is NaN."""
        joints = [  # not one matrix product: a NaN times a weight of 0 would be NaN
            np.einsum("j,fjd->fd", row[row != 0], points[:, row != 0]) for row in self.matrix
        ]
        return np.stack(joints, 1)  # f 17 3


def map_joints(names: Sequence[str], user_joints: Mapping[str, Blend] | None = None) -> JointMap:
    """Find Human3.6M's 17 joints among the points of a file.

    If only the head is missing, it is estimated on the line of the trunk or of the neck; the map's `note` says so.

    Args:
        names: The names of the points.
        user_joints: Joints that the user defines; the others are found by their names.

    Raises:
        DataError: Joints are missing; the message lists them and the points of the file.

    Example:
        >>> names = [f"mixamorig:{name}" for name in ("Spine1", "Neck", "Head", "HeadTop_End")]
        >>> parts = ("UpLeg", "Leg", "Foot", "Arm", "ForeArm", "Hand")
        >>> names += [f"mixamorig:{side}{part}" for side in ("Left", "Right") for part in parts]
        >>> map_joints(names).naming
        'HumanIK'
    """
    return _map_joints(
        tuple(names), tuple((joint, tuple(blend.items())) for joint, blend in (user_joints or {}).items())
    )


@lru_cache(64)  # thousands of files may have the same names
def _map_joints(names: tuple[str, ...], user_items: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]) -> JointMap:
    user_joints: dict[str, Blend] = {joint: dict(blend) for joint, blend in user_items}
    column = {name: number for number, name in enumerate(names)}
    for joint, blend in user_joints.items():
        for name in blend:
            if name not in column:
                raise DataError(f"{joint} is defined by {name!r}, which the file lacks{suggest(name, names)}")
    candidates = [(naming, blends | user_joints) for naming, blends in _candidates(names)]
    naming, blends = min(candidates, key=_rank)  # the first of equals
    missing = _missing(blends)
    if not {*missing} <= HEAD.keys():
        raise DataError(_lacks(missing, names, {name for blend in blends.values() for name in blend}))
    weights = np.zeros((len(blends), len(names)))
    for row, blend in enumerate(blends.values()):
        for name, weight in blend.items():
            weights[row, column[name]] = weight
    present_joints = [joint for joint in H36M_17.joints if joint not in missing]
    rows = conversion(Skeleton("file", tuple(blends), ()), Skeleton("present", tuple(present_joints), ())) @ weights
    row_of = dict(zip(present_joints, rows, strict=True))
    for joint in missing:
        if "neck_nose" in missing:
            row_of[joint] = row_of["thorax"] + HEAD[joint] * (row_of["thorax"] - row_of["pelvis"])
        else:
            row_of[joint] = row_of["thorax"] + HEAD_TOP * (row_of["neck_nose"] - row_of["thorax"])
    return JointMap(np.stack([row_of[joint] for joint in H36M_17.joints]), naming, tuple(missing))


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
    simple = {simplify(other): other for other in islice(sorted(names), MOST_COMPARED)}
    matches = get_close_matches(simplify(name), simple, 1, similarity)
    return simple[matches[0]] if matches else None


def _lacks(missing: Sequence[str], names: Sequence[str], used: set[str]) -> str:
    """The error about missing joints."""
    points = ", ".join(sorted(names)[:SHOWN_POINTS])
    points += f" and {len(names) - SHOWN_POINTS} others" if len(names) > SHOWN_POINTS else ""
    if len(missing) == len(H36M_17):
        text = "has none of the 17 joints under a known name"
    else:
        present = {simplify(joint) for joint in missing}
        unused = [name for name in names if name not in used and simplify(name) not in present]
        similar = {joint: _similar(joint, unused, SIMILAR_JOINT) for joint in missing}
        text = "lacks " + ", ".join(
            f"{joint} (did you mean {name!r}?)" if name else joint for joint, name in similar.items()
        )
        text += f", and points to derive {'them' if len(missing) > 1 else 'it'} from"
    return f"{text}; its points are {points}. Define the missing joints under [joints] in motion.toml"


def _candidates(names: Sequence[str]) -> Iterable[tuple[str, dict[str, Blend]]]:
    """The joints found by this library's own names, then by each naming; without each prefix that names share."""
    for prefix in prefixes(names):
        bare = {simplify(name.removeprefix(prefix)): name for name in reversed(names)}
        own: dict[str, Blend] = {joint: {bare[simplify(joint)]: 1.0} for joint in JOINTS if simplify(joint) in bare}
        yield "", own
        points = points_by_reading(names, prefix)
        for naming, row in NAMINGS.items():
            blends: dict[str, Blend] = {}
            for joint, options in row.parts.items():
                for side in ("left_", "right_") if joint in LIMBS else ("",):
                    for option in options:
                        parts = [points.get((side, part)) for part in option.split("|")]
                        if None not in parts:
                            blends[f"{side}{joint}"] = {str(part): 1 / len(parts) for part in parts}
                            break
            # A joint of the trunk or head that has its own name in the file is never missing.
            centre = {joint for joint in _missing(blends) if not joint.startswith(("left_", "right_"))}
            yield naming, blends | {joint: own[joint] for joint in centre if joint in own}


def _rank(candidate: tuple[str, Mapping[str, Blend]]) -> tuple[int, bool, int]:
    """Few missing joints come first, then this library's names if they suffice, then joints that are not derived."""
    naming, blends = candidate
    missing = len(_missing(blends))
    return missing, bool(naming or missing), -sum(joint in blends for joint in H36M_17.joints)


def _missing(blends: Mapping[str, Blend]) -> list[str]:
    """Those of the 17 joints that cannot be derived from these."""

    def is_known(joint: str) -> bool:
        return joint in blends or any(all(map(is_known, option)) for option in DERIVED.get(joint, ()))

    return [joint for joint in H36M_17.joints if not is_known(joint)]
