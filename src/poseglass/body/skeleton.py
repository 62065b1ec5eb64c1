"""Skeletons by name, and conversion from one to another.

A joint name means the same point of the body in every skeleton. A joint that a skeleton lacks is *derived*: a fixed
linear blend of joints that it has (:data:`DERIVED`). A conversion is therefore one small matrix, the same for 2D and
3D and for training and inference.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from poseglass.errors import PoseError

__all__ = [
    "BLAZEPOSE_33",
    "BODY_25",
    "COCO_17",
    "DERIVED",
    "H36M_17",
    "HALPE_26",
    "MPI_INF_3DHP_17",
    "SKELETONS",
    "Skeleton",
    "conversion",
    "counterparts",
    "get_skeleton",
]


@dataclass(frozen=True)
class Skeleton:
    """Named joints, the bones between them, and their left and right sides.

    The names of left and right joints start with ``left_`` and ``right_``.

    Args:
        name: The name that users type, such as ``"coco17"``.
        joints: Joint names, in the order of the arrays.
        bones: Pairs of names (child, parent), drawn as lines.
        root: The joint that poses are relative to, or None if there is none.

    Raises:
        PoseError: A joint is named twice, or the bones or the root name an unknown joint.

    Example:
        >>> from poseglass import COCO_17
        >>> COCO_17.index("left_knee")
        13
        >>> COCO_17.mirror[:3]
        (0, 2, 1)
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[str, str], ...]
    root: str | None = None

    def __post_init__(self) -> None:
        if len(set(self.joints)) != len(self.joints):
            raise PoseError(f"joint names must be unique, but skeleton {self.name!r} repeats one: {self.joints}")
        named = {joint for bone in self.bones for joint in bone} | ({self.root} if self.root else set())
        if unknown := sorted(named - set(self.joints)):
            raise PoseError(f"the bones and the root of skeleton {self.name!r} use joints it does not have: {unknown}")

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """The index of a joint.

        Raises:
            PoseError: There is no joint of this name. The message lists the joints.
        """
        try:
            return self.joints.index(joint)
        except ValueError:
            raise PoseError(f"{self.name} has no joint {joint!r}; it has {', '.join(self.joints)}") from None

    @cached_property
    def parents(self) -> tuple[int, ...]:
        """The index of each joint's parent; -1 if it has none."""
        parent = dict(self.bones)
        return tuple(self.index(parent[joint]) if joint in parent else -1 for joint in self.joints)

    @cached_property
    def left(self) -> tuple[int, ...]:
        """Indices of the left joints, in the order of :attr:`right`."""
        return tuple(i for i, joint in enumerate(self.joints) if joint.startswith("left_"))

    @cached_property
    def right(self) -> tuple[int, ...]:
        """Indices of the right joints, in the order of :attr:`left`."""
        return tuple(self.index("right_" + self.joints[i].removeprefix("left_")) for i in self.left)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """The permutation of joint indices that exchanges left and right."""
        order = list(range(len(self)))
        for left, right in zip(self.left, self.right, strict=True):
            order[left], order[right] = right, left
        return tuple(order)


def _bones(text: str) -> tuple[tuple[str, str], ...]:
    """Parse chains of joints such as ``"pelvis spine thorax; thorax head"``, each from parent to child, into bones.

    A name that starts with ``*`` stands for both sides: ``"pelvis *hip"`` is two bones.
    """
    bones: list[tuple[str, str]] = []
    for chain in text.split(";"):
        sides = ("left_", "right_") if "*" in chain else ("",)
        for side in sides:
            names = [name.replace("*", side) for name in chain.split()]
            bones += [(child, parent) for parent, child in pairwise(names)]
    return tuple(bones)


H36M_17 = Skeleton(
    "h36m17",
    (
        "pelvis",
        *("right_hip", "right_knee", "right_ankle"),
        *("left_hip", "left_knee", "left_ankle"),
        *("spine", "thorax", "neck_nose", "head_top"),
        *("left_shoulder", "left_elbow", "left_wrist"),
        *("right_shoulder", "right_elbow", "right_wrist"),
    ),
    _bones("pelvis *hip *knee *ankle; pelvis spine thorax neck_nose head_top; thorax *shoulder *elbow *wrist"),
    root="pelvis",
)

COCO_17 = Skeleton(
    "coco17",
    (
        *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
        *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
    ),
    _bones(
        "nose *eye *ear; left_shoulder right_shoulder; left_hip right_hip; *shoulder *elbow *wrist; "
        "*shoulder *hip; *hip *knee *ankle"
    ),
)

HALPE_26 = Skeleton(
    "halpe26",
    (
        *COCO_17.joints,
        *("head_top", "neck", "pelvis"),
        *("left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel", "right_heel"),
    ),
    _bones(
        "nose *eye *ear; pelvis neck nose head_top; neck *shoulder *elbow *wrist; pelvis *hip *knee *ankle *heel; "
        "*ankle *big_toe; *ankle *small_toe"
    ),
    root="pelvis",
)

BODY_25 = Skeleton(
    "body25",
    (
        *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist"),
        *("left_shoulder", "left_elbow", "left_wrist", "pelvis"),
        *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
        *("right_eye", "left_eye", "right_ear", "left_ear"),
        *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
    ),
    _bones(
        "pelvis neck nose; nose *eye *ear; neck *shoulder *elbow *wrist; pelvis *hip *knee *ankle *heel; "
        "*ankle *big_toe; *big_toe *small_toe"
    ),
    root="pelvis",
)

BLAZEPOSE_33 = Skeleton(
    "blazepose33",
    (
        "nose",
        *("left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer"),
        *("left_ear", "right_ear", "left_mouth", "right_mouth"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
        *("left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb"),
        *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
        *("left_heel", "right_heel", "left_foot_index", "right_foot_index"),
    ),
    _bones(
        "nose *eye_inner *eye *eye_outer *ear; left_mouth right_mouth; left_shoulder right_shoulder; "
        "left_hip right_hip; *shoulder *elbow *wrist *pinky; *wrist *index; *wrist *thumb; *shoulder *hip; "
        "*hip *knee *ankle *heel; *ankle *foot_index"
    ),
)

MPI_INF_3DHP_17 = Skeleton(
    "mpi_inf_3dhp17",
    (
        *("head_top", "thorax"),
        *("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
        *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
        *("pelvis", "spine", "head"),
    ),
    _bones("pelvis *hip *knee *ankle; pelvis spine thorax head head_top; thorax *shoulder *elbow *wrist"),
    root="pelvis",
)

SKELETONS: dict[str, Skeleton] = {
    skeleton.name: skeleton for skeleton in (H36M_17, COCO_17, HALPE_26, BODY_25, BLAZEPOSE_33, MPI_INF_3DHP_17)
}

# Blends for joints that a skeleton lacks. If a joint has several, the first one whose joints the skeleton has or can
# derive is used. The weights of `thorax`, `spine` and `head_top` are least-squares fits to motion capture whose bones
# were scaled to Human3.6M's lengths (benchmarks/fit_derived_joints.py).
DERIVED: dict[str, tuple[dict[str, float], ...]] = {
    "pelvis": ({"left_hip": 0.5, "right_hip": 0.5},),
    "thorax": (
        {"left_shoulder": 0.445, "right_shoulder": 0.445, "nose": 0.11},
        {"left_shoulder": 0.5, "right_shoulder": 0.5},
    ),
    "spine": ({"pelvis": 0.53, "thorax": 0.47},),
    "neck_nose": ({"nose": 1.0}, {"head": 1.0}),
    "head_top": (
        {"left_ear": 0.86, "right_ear": 0.86, "thorax": -0.72},
        {"left_eye": 0.86, "right_eye": 0.86, "thorax": -0.72},
    ),
}


def get_skeleton(name: str | Skeleton) -> Skeleton:
    """Find a skeleton by a name such as ``"halpe26"``. A :class:`Skeleton` is returned unchanged.

    Raises:
        PoseError: No skeleton has this name. The message lists the names.

    Example:
        >>> get_skeleton("COCO-17").name
        'coco17'
    """
    if isinstance(name, Skeleton):
        return name
    key = name.lower().replace("-", "").replace("_", "")
    for known, skeleton in SKELETONS.items():
        if key == known.replace("_", ""):
            return skeleton
    raise PoseError(f"no skeleton is called {name!r}; expected one of {', '.join(SKELETONS)}")


def _blend(joint: str, source: Skeleton) -> dict[str, float] | None:
    """The weights with which the source's joints give a joint, or None if it cannot be derived."""
    if joint in source.joints:
        return {joint: 1.0}
    for recipe in DERIVED.get(joint, ()):
        weights: dict[str, float] = {}
        for part, factor in recipe.items():
            inner = _blend(part, source)
            if inner is None:
                break
            for name, weight in inner.items():
                weights[name] = weights.get(name, 0.0) + factor * weight
        else:
            return weights
    return None


@cache
def conversion(source: Skeleton, target: Skeleton = H36M_17) -> Float[ndarray, "_ _"]:
    """The read-only matrix (target joints, source joints) that converts poses: ``matrix @ points``.

    Its rows sum to one, so it works in any unit and wherever the body is.

    Raises:
        PoseError: The source lacks a joint that the target needs, and it cannot be derived.

    Example:
        >>> from poseglass import COCO_17
        >>> conversion(COCO_17).shape
        (17, 17)
    """
    matrix = np.zeros((len(target), len(source)))
    for row, joint in enumerate(target.joints):
        weights = _blend(joint, source)
        if weights is None:
            raise PoseError(
                f"{source.name} cannot be converted to {target.name}: {joint!r} is not one of its joints "
                f"and cannot be derived from them ({', '.join(source.joints)})"
            )
        for name, weight in weights.items():
            matrix[row, source.index(name)] = weight
    matrix.setflags(write=False)
    return matrix


def counterparts(source: Skeleton, target: Skeleton = H36M_17) -> Int[ndarray, " j"]:
    """For each joint of the target, the index of the same joint in the source: a reordering without blends.

    Raises:
        PoseError: The source lacks one of the joints, even if it could be derived.

    Example:
        >>> counterparts(MPI_INF_3DHP_17).tolist()
        [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
    """
    matrix = conversion(source, target)
    blended = [joint for joint, row in zip(target.joints, matrix, strict=True) if np.count_nonzero(row) != 1]
    if blended:
        raise PoseError(
            f"{source.name} lacks the joints {', '.join(blended)}; joints are only reordered here, not derived"
        )
    order: ndarray = matrix.argmax(1)
    return order
