"""The table of joint names that programs and data sets use, and the readings of a name as side and part.

How a name writes its side does not matter (``LeftFoot``, ``L_Foot``, ``lFoot``, ``foot.L``, ``Foot_L``, ``FootLeft``),
so a row of the table lists names without sides. To add a program whose names differ, add a row to `NAMINGS`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

__all__ = ["LIMBS", "NAMINGS", "Naming", "points_by_reading", "prefixes", "simplify"]

LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist", "eye", "ear")
SIDES = {"left": "left_", "l": "left_", "right": "right_", "r": "right_", "c": "", "centre": "", "center": ""}
TOKENS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
SEPARATORS = "_ .-:|/"
MOST_NAMES = 4000  # a file with more points than this is searched for its full names only
FEWEST = 6  # points that share a prefix


class Naming(NamedTuple):
    """One naming of joints.

    Args:
        programs: Who uses it.
        parts: For each joint, the names that may stand for it, in the simplified form of :func:`simplify` and without
            the side; the first that a file has is used. ``a|b`` is the midpoint of a and b. In namings of bones, a
            joint is where its bone starts.
    """

    programs: str
    parts: Mapping[str, tuple[str, ...]]


def _naming(programs: str, limbs: str, **centre: str) -> Naming:
    """A row of the table: names of hip, knee, ankle, shoulder, elbow, wrist; each option in one word, split by /."""
    sided = dict(zip(LIMBS, (tuple(options.split("/")) for options in limbs.split()), strict=False))
    top = {"head_top": ("headtopend", "headend", "headendsite", "headnub", "headtip", "headtop")}
    return Naming(programs, {**sided, **top, **{joint: tuple(options.split("/")) for joint, options in centre.items()}})


# If several rows find all joints, the first of those that find most joints under their own names is used.
NAMINGS: dict[str, Naming] = {
    "HumanIK": _naming(
        "MotionBuilder, Mixamo, Rokoko, LAFAN1",
        "upleg leg foot arm forearm hand",
        spine="spine1/spine",
        thorax="neck/neck1",
        neck_nose="head",
    ),
    "Biovision": _naming(
        "Poser's old BVH, Xsens MVN's BVH",
        "hip knee ankle/foot shoulder elbow wrist/hand",
        spine="chest2|chest3/chest",
        thorax="neck",
        neck_nose="head",
    ),
    "Unity": _naming(
        "Unity and VRM humanoids, Bandai-Namco",
        "upperleg lowerleg foot upperarm lowerarm hand",
        spine="chest/spine",
        thorax="neck",
        neck_nose="head",
    ),
    "Biped": _naming(
        "3ds Max Biped",
        "thigh calf foot upperarm forearm hand",
        spine="spine1/spine",
        thorax="neck",
        neck_nose="head",
    ),
    "Unreal": _naming(
        "Unreal",
        "thigh calf foot upperarm lowerarm hand",
        spine="spine02/spine03",
        thorax="neck01",
        neck_nose="head",
    ),
    "Xsens": _naming(
        "Xsens MVN",
        "upperleg lowerleg foot upperarm forearm hand",
        spine="l3|t12/t12/l3",
        thorax="neck",
        neck_nose="head",
    ),
    "DAZ": _naming(
        "DAZ, Poser",
        "thigh/thighbend/lthigh shin foot shldr/shldrbend/upperarm forearm/forearmbend hand",
        spine="chest/chestlower/spine2/abdomen2/abdomenupper/abdomen",
        thorax="neck/necklower/neck1",
        neck_nose="head",
    ),
    "Motive": _naming(
        "Motive (OptiTrack)",
        "thigh shin foot uarm farm hand",
        spine="chest/ab",
        thorax="neck",
        neck_nose="head",
    ),
    "Rokoko": _naming(
        "Rokoko's own skeleton",
        "thigh shin foot arm forearm hand",
        spine="spine2/spine1",
        thorax="neck",
        neck_nose="head",
    ),
    "Rigify": _naming(
        "Rigify (Blender)",
        "thigh shin foot upperarm forearm hand",
        spine="spine002",
        thorax="spine004",
        neck_nose="spine006",
        head_top="spine006endsite/spine006end",
    ),
    "SMPL": _naming(
        "SMPL, AMASS, HumanML3D",
        "hip knee ankle shoulder elbow wrist",
        pelvis="pelvis/hips",
        spine="spine2",
        thorax="neck",
        neck_nose="head",
    ),
    "Kinect": _naming(
        "Kinect, Azure Kinect",
        "hip knee ankle shoulder elbow wrist eye ear",
        pelvis="hipcenter/hipcentre/spinebase/pelvis",
        spine="spinemid/spinenavel/spine",
        thorax="spineshoulder/shouldercenter/shouldercentre/neck",
        nose="nose",
        neck_nose="nose/head",
    ),
    "Pose2Sim": _naming(
        "Pose2Sim, OpenCap",
        "hip knee ankle shoulder elbow wrist eye ear",
        pelvis="hip/chip/midhip",
        nose="nose",
        head_top="head",
    ),
}


def simplify(name: str) -> str:
    """The letters and digits of a name, in lower case.

    Example:
        >>> simplify("Left_Foot End Site")
        'leftfootendsite'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def prefixes(names: Sequence[str]) -> list[str]:
    """Prefixes that many names share, such as ``mixamorig:`` or ``Bip01 ``, the most common first, after ``""``.

    Names that lack the prefix do not matter.

    Example:
        >>> prefixes(["Reference", *(f"Character1_{part}" for part in ("Hips", "Spine", "Neck", "Head", "Arm", "Leg"))])
        ['', 'Character1_']
    """
    if len(names) > MOST_NAMES:
        return [""]
    starts = Counter(
        name[: place + 1] for name in names for place, letter in enumerate(name[:64]) if letter in SEPARATORS
    )
    return ["", *(start for start, number in starts.most_common(8) if number >= FEWEST)]


def points_by_reading(names: Sequence[str], prefix: str) -> dict[tuple[str, str], str]:
    """The points of a file by side (``left_``, ``right_`` or empty) and part.

    A name may have several readings. If several names have the same one, the first counts; a name that spells its side
    out comes before a name whose first letter may be the side.

    Args:
        names: The names of the points.
        prefix: Left out at the start of names.

    Example:
        >>> points_by_reading(["Bip01", "Bip01 L Foot"], "Bip01 ")[("left_", "foot")]
        'Bip01 L Foot'
    """
    ranked: list[tuple[int, tuple[str, str], str]] = []
    for name in names:
        tail = name.removeprefix(prefix) if prefix else name
        ranked += [(rank, reading, name) for rank, reading in enumerate(_readings(tail))]
    points: dict[tuple[str, str], str] = {}
    for _, reading, name in sorted(ranked, key=lambda entry: entry[0]):
        points.setdefault(reading, name)
    return points


def _readings(name: str) -> Iterator[tuple[str, str]]:
    """Ways to read a name as side and part, the most certain first."""
    tokens = [token.lower() for token in TOKENS.findall(name)]
    whole = "".join(tokens)
    yield "", whole
    if not tokens:
        return
    first, last, inner = tokens[0], tokens[-1], "".join(tokens[1:])
    yield (SIDES[first], inner) if first in SIDES and inner else ("", whole)
    yield (SIDES[last], "".join(tokens[:-1])) if last in SIDES and len(tokens) > 1 else ("", whole)
    word = next((word for word in ("left", "right") if whole.startswith(word)), whole[0])
    yield (SIDES[word], whole[len(word) :]) if word in SIDES and len(whole) > len(word) else ("", whole)
