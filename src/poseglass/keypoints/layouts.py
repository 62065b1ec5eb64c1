"""Find the skeleton of a file by its joint names, or by the layout that the user gives. Never guess."""

from collections.abc import Collection
from itertools import pairwise

from poseglass.body.skeleton import SKELETONS, Skeleton, get_skeleton
from poseglass.errors import FormatError, PoseError

__all__ = ["COCO_18", "LAYOUTS", "find_layout", "layout_by_count", "layout_by_names", "plain_name"]


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
"""OpenPose's older model: COCO's joints in another order, with a neck."""

LAYOUTS: dict[str, Skeleton] = {**SKELETONS, COCO_18.name: COCO_18}
"""Every skeleton that a file may have, by name."""

# Names that other tools give to joints.
_ALIASES = {"mouth_left": "left_mouth", "mouth_right": "right_mouth"}


def find_layout(layout: str | Skeleton | None) -> Skeleton | None:
    """Find a layout by name. None and skeletons are returned unchanged.

    Raises:
        FormatError: No layout has this name. The message lists the names.
    """
    if layout is None or isinstance(layout, Skeleton):
        return layout
    try:
        return LAYOUTS.get(layout.lower()) or get_skeleton(layout)
    except PoseError:
        raise FormatError(f"no layout is called {layout!r}; expected one of {', '.join(LAYOUTS)}") from None


def layout_by_count(
    joints: int, layout: Skeleton | None, place: str, *, fixed: dict[int, Skeleton] | None = None
) -> Skeleton:
    """The layout of a file that does not name its joints.

    If only one known layout has this number of joints (26, 33), it is used. 17 joints need a layout: they are those of
    Human3.6M, COCO or MPI-INF-3DHP, and confusing them gives poses that look almost right.

    Args:
        joints: The number of joints in the file.
        layout: The layout that the user gives, if any.
        place: The place of the joints in the file, for error messages.
        fixed: Layouts that the format prescribes, by number of joints.

    Raises:
        FormatError: The layout is missing or has another number of joints. The message lists those that fit.
    """
    fitting = [skeleton.name for skeleton in LAYOUTS.values() if len(skeleton) == joints]
    hint = f"pass --layout {' or --layout '.join(fitting)}" if fitting else "no known layout has this number"
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
    raise FormatError(f"{place}: the file does not name its {joints} joints; {hint}")


def layout_by_names(names: Collection[str], layout: Skeleton | None, place: str) -> Skeleton:
    """The given layout, or the largest known one, if the joint names of a file cover it.

    Args:
        names: The joint names in the file.
        layout: The layout that the user gives, if any.
        place: The place of the names in the file, for error messages.

    Raises:
        FormatError: The names do not cover the given layout, or any known one.
    """
    available = set(names)
    if layout is not None:
        if missing := [joint for joint in layout.joints if joint not in available]:
            raise FormatError(
                f"{place}: {layout.name} needs {', '.join(missing)}, which the file does not name; "
                f"it names {', '.join(sorted(available))}"
            )
        return layout
    fitting = [skeleton for skeleton in LAYOUTS.values() if available.issuperset(skeleton.joints)]
    if not fitting:
        raise FormatError(
            f"{place}: the joints {', '.join(sorted(available))} do not cover any known layout ({', '.join(LAYOUTS)})"
        )
    return max(fitting, key=len)


def plain_name(name: str) -> str:
    """A joint's name in poseglass's spelling: ``"Left Shoulder"`` and ``"leftShoulder"`` become ``"left_shoulder"``."""
    letters = "".join(
        f"_{letter}" if letter.isupper() and number and name[number - 1].islower() else letter
        for number, letter in enumerate(name.strip())
    )
    plain = letters.lower().replace(" ", "_").replace("-", "_")
    return _ALIASES.get(plain, plain)
