"""Find the skeleton of a file by its joint names, or by the layout that the user gives. Never guess."""

import re
from collections.abc import Collection
from itertools import pairwise

from poseglass.body.skeleton import COCO_17, HALPE_26, SKELETONS, Skeleton, get_skeleton
from poseglass.errors import FormatError, PoseError

__all__ = ["COCO_18", "LAYOUTS", "WHOLE_BODIES", "find_layout", "layout_by_count", "layout_by_names"]


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

WHOLE_BODIES: dict[int, Skeleton] = {133: COCO_17, 134: COCO_18, 136: HALPE_26}
"""The body with which a whole-body layout starts, by the number of all its joints. Feet, face and hands, which follow,
are ignored. 133: COCO-WholeBody (RTMW, DWPose); 134: the same in OpenPose's order (rtmlib); 136: Halpe full body."""

_WHOLE_NAMES = {"wholebody133": COCO_17, "cocowholebody": COCO_17, "coco133": COCO_17, "halpe136": HALPE_26}

_NOT_BODIES = {
    13: "13 joints are those of CrowdPose or LSP without a nose",
    14: "14 joints are those of LSP or CrowdPose",
    15: "15 joints are those of OpenPose's MPI model; use its BODY_25 model",
    16: "16 joints are those of MPII",
    21: "21 joints are those of a hand",
    68: "68 joints are those of a face",
    106: "106 joints are those of a face",
    478: "478 joints are those of MediaPipe's face mesh",
}
"""Known layouts that cannot be lifted, by their number of joints."""


def find_layout(layout: str | Skeleton | None) -> Skeleton | None:
    """Find a layout by name. None and skeletons are returned unchanged.

    Raises:
        FormatError: No layout has this name. The message lists the names.
    """
    if layout is None or isinstance(layout, Skeleton):
        return layout
    try:
        plain = layout.lower()
        return LAYOUTS.get(plain) or _WHOLE_NAMES.get(re.sub("[-_ ]", "", plain)) or get_skeleton(layout)
    except PoseError:
        raise FormatError(f"no layout is called {layout!r}; expected one of {', '.join(LAYOUTS)}") from None


def layout_by_count(
    joints: int, layout: Skeleton | None, place: str, *, fixed: dict[int, Skeleton] | None = None
) -> Skeleton:
    """The layout of a file that does not name its joints.

    If only one known layout has this number of joints (18, 25, 26, 33), it is used. 17 joints need a layout: they are
    those of Human3.6M, COCO or MPI-INF-3DHP, and confusing them gives poses that look almost right. For the joints of
    :data:`WHOLE_BODIES`, the layout is that of the body, whose joints come first.

    Args:
        joints: The number of joints in the file.
        layout: The layout that the user gives, if any.
        place: The place of the joints in the file, for error messages.
        fixed: Layouts that the format prescribes, by number of joints.

    Raises:
        FormatError: The layout is missing or has another number of joints. The message lists those that fit.
    """
    fitting = [skeleton.name for skeleton in LAYOUTS.values() if len(skeleton) == joints]
    if joints in WHOLE_BODIES:
        fitting = [WHOLE_BODIES[joints].name]
    unknown = _NOT_BODIES.get(joints, "no known layout has this number")
    hint = f"pass --layout {' or --layout '.join(fitting)}" if fitting else unknown
    if layout is not None:
        if len(layout) == joints or layout.name in fitting:
            return layout
        raise FormatError(f"{place}: {joints} joints are given but {layout.name} has {len(layout)}; {hint}")
    if fixed is not None and joints in fixed:
        return fixed[joints]
    if joints in WHOLE_BODIES:
        return WHOLE_BODIES[joints]
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
