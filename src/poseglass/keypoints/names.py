"""Names of joints and of columns in the spelling of poseglass, from the spellings of other tools."""

import re
from functools import lru_cache
from typing import Literal

from poseglass.body.skeleton import SKELETONS

__all__ = ["SCORES", "SCORE_KEYS", "TIMES", "Quantity", "plain_name", "split_column"]

Quantity = Literal["x", "y", "z", "score"]

SCORES = (
    "score",
    "scores",
    "conf",
    "confidence",
    "likelihood",
    "visibility",
    "visible",
    "c",
    "p",
    "prob",
    "probability",
)
"""Names of a joint's confidence: those of OpenPose, AlphaPose, DeepLabCut, SLEAP, MediaPipe, Ultralytics and MMPose."""

SCORE_KEYS = (*SCORES, *(f"{joint}_{name}" for joint in ("keypoint", "keypoints") for name in SCORES))
"""Names of the scores of all joints, as keys and arrays."""

TIMES: dict[str, float | None] = {
    **dict.fromkeys(("time", "times", "t", "timestamp", "timestamps"), None),
    **dict.fromkeys(("seconds", "second", "sec", "s"), 1.0),
    **dict.fromkeys(("ms", "msec", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "microseconds"), 1e-6),
}
TIMES |= {f"{name}_{unit}": TIMES[unit] for name in ("time", "timestamp") for unit in TIMES if TIMES[unit] is not None}
"""Names of a column of times, and the length of their unit in seconds; None if the name does not say."""

_ALIASES = {"mid_hip": "pelvis", "midhip": "pelvis", "bigtoe": "big_toe", "smalltoe": "small_toe"}
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_PARTS = {joint.removeprefix("left_") for skeleton in SKELETONS.values() for joint in skeleton.joints}
_AXES: dict[str, Quantity] = {"x": "x", "y": "y", "z": "z", **dict.fromkeys(SCORES, "score")}


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """A joint's name in poseglass's spelling: words in small letters, the side first.

    Example:
        >>> [plain_name(name) for name in ("Left Shoulder", "shoulder.L", "RKnee", "mouth_left")]
        ['left_shoulder', 'left_shoulder', 'right_knee', 'left_mouth']
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    plain = re.sub(r"[\s\-.:/_()]+", "_", spaced).strip("_").lower()
    words = plain.split("_")
    if len(words) > 1 and (side := _SIDES.get(words[0])):
        return f"{side}_{_part(words[1:])}"
    if len(words) > 1 and (side := _SIDES.get(words[-1])):
        return f"{side}_{_part(words[:-1])}"
    for start, side in (("left", "left"), ("right", "right"), ("l", "left"), ("r", "right")):
        if plain.startswith(start) and (part := _part([plain.removeprefix(start)])) in _PARTS:
            return f"{side}_{part}"
    return _ALIASES.get(plain, plain)


def _part(words: list[str]) -> str:
    name = "_".join(words)
    return _ALIASES.get(name, name)


def split_column(name: str) -> tuple[str, Quantity] | None:
    """The joint and the quantity that a column holds; None if its name does not end in a quantity.

    A joint may be a number instead, as in ``x1`` or ``kp_1_x``.

    Example:
        >>> split_column("Left Knee Likelihood"), split_column("nose.x"), split_column("speed"), split_column("y12")
        (('left_knee', 'score'), ('nose', 'x'), None, ('12', 'y'))
    """
    if (numbered := re.fullmatch(r"([a-z]+)_?(\d{1,4})", name.strip().lower())) and numbered[1] in _AXES:
        return numbered[2], _AXES[numbered[1]]
    spaced = re.sub(r"(?<=[a-z0-9])(?=[XYZ]$)", "_", name.strip())
    for pattern in (r"(.+?)[\s\-.:/_(]+([A-Za-z]+)\)?", r"(.*[a-z])([A-Z][a-z]+)"):
        if (match := re.fullmatch(pattern, spaced)) and match[2].lower() in _AXES:
            joint = re.sub(r"^(kp|kpt|keypoint|joint|point)?_?(?=\d{1,4}$)", "", plain_name(match[1]))
            return joint, _AXES[match[2].lower()]
    return None
