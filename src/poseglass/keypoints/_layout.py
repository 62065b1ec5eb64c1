"""Which joint is which: by name where a file names its joints, by the layout asked for elsewhere, never by a guess."""

from collections.abc import Collection
from itertools import pairwise

from poseglass.body.skeleton import SKELETONS, Skeleton, get_skeleton
from poseglass.errors import FormatError, PoseError

__all__ = ["COCO_18", "LAYOUTS", "by_count", "by_names", "find_layout", "plain_name"]


def _side(side: str) -> tuple[tuple[str, str], ...]:
    chains = ("nose eye ear", "neck shoulder elbow wrist", "neck hip knee ankle")
    rows = [[name if name in ("nose", "neck") else f"{side}_{name}" for name in chain.split()] for chain in chains]
    return tuple((child, parent) for row in rows for parent, child in pairwise(row))


COCO_18 = Skeleton(
    "coco18",
    (
        *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
        *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
        *("right_eye", "left_eye", "right_ear", "left_ear"),
    ),
    (("nose", "neck"), *_side("left"), *_side("right")),
)
"""OpenPose's older model: COCO's joints in another order, and a neck."""

LAYOUTS: dict[str, Skeleton] = {**SKELETONS, COCO_18.name: COCO_18}

# Spellings of other tools for joints that have another name here.
_ALIASES = {"mouth_left": "left_mouth", "mouth_right": "right_mouth"}


def find_layout(layout: str | Skeleton | None) -> Skeleton | None:
    """The skeleton of a name; None and skeletons pass through.

    Raises:
        FormatError: There is no layout of that name; the message lists those there are.
    """
    if layout is None or isinstance(layout, Skeleton):
        return layout
    try:
        return LAYOUTS.get(layout.lower()) or get_skeleton(layout)
    except PoseError:
        raise FormatError(f"no layout is called {layout!r}; there are {', '.join(LAYOUTS)}") from None


def by_count(joints: int, layout: Skeleton | None, place: str, *, fixed: dict[int, Skeleton] | None = None) -> Skeleton:
    """The layout of a file that does not name its joints.

    Args:
        joints: How many joints the file has.
        layout: What the user says they are.
        place: Where the joints stand, for the message.
        fixed: What the format itself says that this many joints are.

    A count that belongs to one known layout only (26, 33) is no guess; 17 joints are Human3.6M's, COCO's or
    MPI-INF-3DHP's, and mixing them up gives poses that look almost right.

    Raises:
        FormatError: The layout is missing or has another number of joints.
    """
    fitting = [skeleton.name for skeleton in LAYOUTS.values() if len(skeleton) == joints]
    hint = f"pass --layout {' or --layout '.join(fitting)}" if fitting else "no known layout has that many"
    if layout is not None:
        if len(layout) == joints:
            return layout
        raise FormatError(f"{place}: {joints} joints are given but {layout.name} has {len(layout)}; {hint}")
    if fixed is not None and joints in fixed:
        return fixed[joints]
    if fixed is not None:
        known = " or ".join(f"{count} ({skeleton.name})" for count, skeleton in fixed.items())
        raise FormatError(f"{place}: this format has {known} joints, but {joints} are given; {hint}")
    if len(fitting) == 1:
        return LAYOUTS[fitting[0]]
    raise FormatError(f"{place}: the file does not say which joints its {joints} are; {hint}")


def by_names(names: Collection[str], layout: Skeleton | None, place: str) -> Skeleton:
    """The layout that the names of a file's joints spell: the largest known one whose joints are all named.

    Raises:
        FormatError: The names do not cover the layout asked for, or any known one.
    """
    have = set(names)
    if layout is not None:
        if missing := [joint for joint in layout.joints if joint not in have]:
            raise FormatError(
                f"{place}: {layout.name} needs {', '.join(missing)}, which the file does not name; "
                f"it names {', '.join(sorted(have))}"
            )
        return layout
    fitting = [skeleton for skeleton in LAYOUTS.values() if have.issuperset(skeleton.joints)]
    if not fitting:
        raise FormatError(
            f"{place}: the joints {', '.join(sorted(have))} do not cover any known layout ({', '.join(LAYOUTS)})"
        )
    return max(fitting, key=len)


def plain_name(name: str) -> str:
    """A joint's name in this library's spelling: ``"Left Shoulder"`` and ``"leftShoulder"`` are ``"left_shoulder"``."""
    letters = "".join(
        f"_{letter}" if letter.isupper() and number and name[number - 1].islower() else letter
        for number, letter in enumerate(name.strip())
    )
    plain = letters.lower().replace(" ", "_").replace("-", "_")
    return _ALIASES.get(plain, plain)
