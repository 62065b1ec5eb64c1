"""`Animation`: a skeleton of constant size with one rest pose, and a rotation per joint and frame.

Animation programs store motion this way: BVH and glTF files hold the values of an :class:`Animation` almost as they
are. :class:`poseglass.mocap.rigid.RigidMotion` describes the bones of recordings, whose rest pose may be anything.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import PoseError
from poseglass.mocap.rigid import RigidMotion

__all__ = ["END_SITE", "Animation"]

END_SITE = " End Site"
"""Ends the name of a joint that only marks the end of a bone, as :func:`poseglass.mocap.bvh.read_bvh` names it."""
CONSTANT = 1e-4  # bones may change in length by this share of the longest bone: files round to 5 or 6 digits
ROTATION = 1e-3  # entries of R R^T may differ from the identity by this much


@dataclass(frozen=True, eq=False)
class Animation:
    """A tree of joints with a rest pose, and its motion: a rotation per joint and frame, and the root's path.

    Args:
        names: Unique joint names, the root first.
        parents: Index of each joint's parent, -1 for the root; parents come before their children.
        rest: Vector from the parent to each joint in the rest pose (j 3), zero for the root. In metres; y up. People
            rest in a T-pose, facing +z, their left towards +x.
        rotations: Rotation of each joint relative to its parent joint (f j 3 3), for column vectors. The identity is
            the rest pose. A joint's rotation turns the bones that start at it.
        root: Position of the root joint in the world (f 3), in metres, y up.
        fps: Frames per second.

    Raises:
        PoseError: An argument does not fit. The message says what was expected and what was given.

    Example:
        >>> import numpy as np
        >>> bend = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])  # a quarter turn about z, which takes x to y
        >>> arm = Animation(
        ...     names=("Shoulder", "Elbow", "Hand"),
        ...     parents=(-1, 0, 1),
        ...     rest=np.array([[0, 0, 0], [0.3, 0, 0], [0.25, 0, 0]]),
        ...     rotations=np.stack([np.eye(3), bend, np.eye(3)])[None],
        ...     root=np.array([[0, 1.5, 0]]),
        ...     fps=30,
        ... )
        >>> arm.positions[0].tolist()
        [[0.0, 1.5, 0.0], [0.3, 1.5, 0.0], [0.3, 1.75, 0.0]]
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest: Float[ndarray, "j 3"]
    rotations: Float[ndarray, "f j 3 3"]
    root: Float[ndarray, "f 3"]
    fps: float

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # frozen: the fields are normalised once, here
        set_(self, "names", tuple(self.names))
        set_(self, "parents", tuple(int(parent) for parent in self.parents))
        joints, frames = len(self.names), len(self.root)
        if not joints or not frames:
            raise PoseError(f"an animation needs a joint and a frame, got {joints} joints and {frames} frames")
        if len({*self.names}) != joints:
            repeated = sorted({name for name in self.names if self.names.count(name) > 1})
            raise PoseError(f"joint names must be unique, got {', '.join(repeated)} more than once")
        if len(self.parents) != joints:
            raise PoseError(f"parents must have one index per joint ({joints}), got {len(self.parents)}")
        if self.parents[0] != -1:
            raise PoseError(f"the first joint must be the root, with parent -1, got {self.parents[0]}")
        for joint, parent in enumerate(self.parents[1:], 1):
            if not 0 <= parent < joint:
                raise PoseError(f"the parent of {self.names[joint]} must be an earlier joint, got index {parent}")
        set_(self, "rest", _finite("rest", self.rest, (joints, 3)))
        set_(self, "rotations", _finite("rotations", self.rotations, (frames, joints, 3, 3)))
        set_(self, "root", _finite("root", self.root, (frames, 3)))
        if self.rest[0].any():
            raise PoseError(f"the root's rest vector must be zero, because `root` is its path; got {self.rest[0]}")
        products = self.rotations @ self.rotations.swapaxes(-1, -2)
        if np.abs(products - np.eye(3)).max() > ROTATION or (np.linalg.det(self.rotations) < 0).any():
            raise PoseError("rotations must be rotation matrices; some are not orthonormal, or they mirror")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise PoseError(f"fps must be a positive number, got {self.fps}")
        set_(self, "fps", float(self.fps))

    def __len__(self) -> int:
        return len(self.root)

    def index(self, name: str) -> int:
        """The index of a joint.

        Raises:
            PoseError: No joint has that name; the message lists the joints.
        """
        if name not in self.names:
            raise PoseError(f"there is no joint {name!r}; the joints are {', '.join(self.names)}")
        return self.names.index(name)

    @cached_property
    def orientations(self) -> Float[ndarray, "f j 3 3"]:
        """Rotation of each joint relative to the world (f j 3 3)."""
        world = self.rotations.copy()
        for joint, parent in enumerate(self.parents[1:], 1):
            world[:, joint] = world[:, parent] @ world[:, joint]
        return world

    @cached_property
    def positions(self) -> Float[ndarray, "f j 3"]:
        """Joint positions in the world (f j 3), in metres, by forward kinematics of all frames at once."""
        return self.bones().positions

    def bones(self) -> RigidMotion:
        """The bones that end at each joint, each turned by the joint at its start."""
        offsets = np.repeat(self.rest[None], len(self), 0)  # f j 3
        offsets[:, 0] = self.root
        rotations = self.orientations[:, self.parents]  # f j 3 3; the root's are replaced by the next line
        rotations[:, 0] = np.eye(3)
        return RigidMotion(self.names, self.parents, offsets, rotations, self.fps, unit=1.0)

    @classmethod
    def from_bones(cls, bones: RigidMotion, *, unit: float | None = None) -> "Animation":
        """The same motion as rotations of joints.

        The rest pose is that of the bones with all rotations undone. A joint at the end of the tree gets the identity,
        unless its bones contain an ``End Site`` at the same position: that one is left out and gives the joint its
        rotation.

        Args:
            bones: Bones of constant length. All bones that start at a joint must turn together, as in a BVH file.
            unit: Metres per unit of length. Default: the one that `bones` states.

        Raises:
            PoseError: The unit is unknown, a bone changes its length, or two bones that start at one joint turn
                differently.

        Example:
            >>> import numpy as np
            >>> bones = RigidMotion(("Hips", "Head"), (-1, 0), np.ones((9, 2, 3)), np.tile(np.eye(3), (9, 2, 1, 1)), 30)
            >>> Animation.from_bones(bones, unit=0.01).positions[0].tolist()
            [[0.01, 0.01, 0.01], [0.02, 0.02, 0.02]]
        """
        unit = bones.unit if unit is None else unit
        if unit is None:
            raise PoseError("the bones do not state their unit of length; give unit=0.01 for centimetres, for example")
        rest = unit * bones.offsets[0]
        change = np.abs(unit * bones.offsets[:, 1:] - rest[1:]).max(initial=0, axis=(0, 2))
        if (change > CONSTANT * np.abs(rest[1:]).max(initial=0)).any():
            raise PoseError(f"bones must keep their lengths, but that of {bones.names[1 + change.argmax()]} changes")
        orientations = np.full_like(bones.rotations, np.nan)
        for joint, parent in enumerate(bones.parents[1:], 1):
            turned = bones.rotations[:, joint]
            if np.abs(orientations[:, parent] - turned).max() > ROTATION:  # False for NaN: the first bone of its parent
                raise PoseError(f"the bones that start at {bones.names[parent]} must turn together, but they do not")
            orientations[:, parent] = turned
        rest[0] = 0
        markers = {*range(len(bones.names))} - {*bones.parents}
        kept = [
            joint
            for joint, name in enumerate(bones.names)
            if not (joint in markers and name.endswith(END_SITE) and not rest[joint].any() and joint)
        ]
        rotations = np.tile(np.eye(3), (*orientations.shape[:2], 1, 1))
        for joint, parent in enumerate(bones.parents):
            if joint not in markers:
                above = orientations[:, parent] if parent >= 0 else np.eye(3)
                rotations[:, joint] = np.swapaxes(above, -1, -2) @ orientations[:, joint]
        return cls(
            names=tuple(bones.names[joint] for joint in kept),
            parents=tuple(kept.index(parent) if parent >= 0 else -1 for parent in (bones.parents[j] for j in kept)),
            rest=rest[kept],
            rotations=rotations[:, kept],
            root=unit * bones.positions[:, 0],
            fps=bones.fps,
        )


def _finite(name: str, value: Any, shape: tuple[int, ...]) -> ndarray:
    array = np.array(value, dtype=np.float64)
    if array.shape != shape:
        raise PoseError(f"{name} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise PoseError(f"{name} must hold finite numbers only")
    return array
