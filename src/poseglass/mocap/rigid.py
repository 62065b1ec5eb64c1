"""`RigidMotion`: a tree of rigid bones in motion, and forward kinematics to the positions of its joints.

BVH and Acclaim ASF/AMC files describe the same thing: bones of fixed length in a tree, each rotated in every frame.
They differ in which rotation moves a bone: that of its parent joint in BVH, its own in ASF. `RigidMotion` stores the
bones' rotations relative to the world, which covers both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError
from poseglass.mocap.tracks import PointTracks

__all__ = ["MOST_POSES", "NamedMotion", "RigidMotion"]

MOST_POSES = 25_000_000  # frames times joints, each of 168 bytes: 4 GB; 45 minutes of 77 joints at 120 per second


@dataclass(frozen=True, eq=False)
class RigidMotion:
    """A tree of rigid bones in motion.

    Args:
        names: Joint names.
        parents: Index of each joint's parent, -1 for the root; parents come before their children.
        offsets: Vector from the parent to each joint, in the bone's own axes (f j 3); for the root, its path in the
            world.
        rotations: Rotation from the axes of the bone that ends at each joint to the world (f j 3 3).
        fps: Frames per second.
        unit: Metres per unit of length; None if the file does not state it.
        fps_assumed: Whether `fps` is the format's usual rate because the file states none.
        up: The axis that points up, such as ``y`` or ``-z``; None if neither the file nor its format states it.
        up_assumed: Whether `up` is only the format's custom.
        notes: What the reader assumed or left out, one sentence each.

    Example:
        >>> import numpy as np
        >>> offsets = np.broadcast_to([[0, 1, 0], [0, -0.5, 0]], (90, 2, 3))
        >>> leg = RigidMotion(("hip", "knee"), (-1, 0), offsets, np.broadcast_to(np.eye(3), (90, 2, 3, 3)), fps=30)
        >>> leg.joint("knee")[0].tolist()
        [0.0, 0.5, 0.0]
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[ndarray, "f j 3"]
    rotations: Float[ndarray, "f j 3 3"]
    fps: float
    unit: float | None = None
    fps_assumed: bool = False
    up: str | None = None
    up_assumed: bool = False
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.offsets)

    @cached_property
    def positions(self) -> Float[ndarray, "f j 3"]:
        """Joint positions (f j 3) in the file's unit, by forward kinematics of all frames at once."""
        positions: Float[ndarray, "f j 3"] = np.einsum("fjab,fjb->fja", self.rotations, self.offsets)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                positions[:, joint] += positions[:, parent]
        return positions

    def joint(self, name: str) -> Float[ndarray, "f 3"]:
        """Path of one joint (f 3), in the file's unit.

        Raises:
            FormatError: No joint has that name; the message lists the joints.
        """
        if name not in self.names:
            raise FormatError(f"there is no joint {name!r}; the joints are {', '.join(self.names)}")
        return self.positions[:, self.names.index(name)]

    def with_offsets(self, offsets: Mapping[str, Float[ndarray, "3"]]) -> "RigidMotion":
        """A copy in which the named joints have these offsets from their parents in every frame."""
        changed = np.array(self.offsets)
        for name, offset in offsets.items():
            changed[:, self.names.index(name)] = offset
        return replace(self, offsets=changed)

    def tracks(self) -> PointTracks:
        """The joint positions as named points."""
        return PointTracks(self.names, self.positions, self.fps, self.unit, up=self.up, notes=self.notes)


class NamedMotion(NamedTuple):
    """A motion of a file, and how the file names it.

    Args:
        motion: The motion.
        subject: Who moves; empty if the file does not say.
        take: The take; empty if the file holds one.
    """

    motion: RigidMotion | PointTracks
    subject: str = ""
    take: str = ""
