"""`Trajectory`: where a person is in front of the camera, when their feet stand, and where the ground is."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import PoseError

__all__ = ["Trajectory"]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A person's path, one row per frame, in metres.

    Args:
        root: Position of the pelvis in the camera's axes (x right, y down, z forward), (f 3).
        contact: Probability that the left and the right foot stand on the ground, (f 2).
        to_world: The transform from the camera's axes to the world's (y up, the floor at 0), (4 4), which turns and
            moves but does not scale; None if the direction of gravity is unknown, or the camera moves.
        focal: The focal length in pixels that the path was solved with.

    Raises:
        PoseError: An argument does not fit.

    Example:
        >>> still = Trajectory(np.full((30, 3), 2.0), contact=np.ones((30, 2)))
        >>> len(still), len(still[10:20])
        (30, 10)
    """

    root: Float[ndarray, "f 3"]
    _: KW_ONLY
    contact: Float[ndarray, "f 2"]
    to_world: Float[ndarray, "4 4"] | None = None
    focal: float | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # frozen: the fields are normalised once, here
        set_(self, "root", _finite("root", self.root, (len(self.root), 3)).astype(np.float32))
        contact = _finite("contact", self.contact, (len(self.root), 2)).astype(np.float32)
        if not ((contact >= 0) & (contact <= 1)).all():
            raise PoseError(f"contact must be a probability, from 0 to 1, got {contact.min():g} to {contact.max():g}")
        set_(self, "contact", contact)
        if self.to_world is not None:
            matrix = _finite("to_world", self.to_world, (4, 4)).astype(float)
            turn = matrix[:3, :3]
            rigid = np.allclose(turn @ turn.T, np.eye(3), atol=1e-4) and np.linalg.det(turn) > 0
            if not (rigid and np.allclose(matrix[3], (0, 0, 0, 1))):
                raise PoseError("to_world must be a rotation and a translation, with (0, 0, 0, 1) as its last row")
            set_(self, "to_world", matrix)
        if self.focal is not None and not 0 < self.focal < np.inf:
            raise PoseError(f"focal must be a length in pixels above 0, got {self.focal}")

    def __len__(self) -> int:
        return len(self.root)

    def __getitem__(self, frames: slice) -> "Trajectory":
        """The rows of some frames."""
        return replace(self, root=self.root[frames], contact=self.contact[frames])

    def placed(self, points: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3"]:
        """Points in the camera's axes, turned and moved into the world's.

        Raises:
            PoseError: The way to the world is unknown.
        """
        if self.to_world is None:
            raise PoseError("the way from the camera to the world is unknown")
        world: ndarray = points @ self.to_world[:3, :3].T + self.to_world[:3, 3]
        return world

    @classmethod
    def joined(cls, parts: Sequence["Trajectory"]) -> "Trajectory | None":
        """The parts one after the other; None if they do not share one world or focal length."""
        first = parts[0]
        if any(part.focal != first.focal or not _same(part.to_world, first.to_world) for part in parts):
            return None
        root, contact = (np.concatenate([getattr(part, name) for part in parts]) for name in ("root", "contact"))
        return replace(first, root=root, contact=contact)


def _finite(name: str, value: Any, shape: tuple[int, ...]) -> ndarray:
    array = np.asarray(value)
    if array.shape != shape:
        raise PoseError(f"{name} must have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise PoseError(f"{name} must hold finite numbers only")
    return array


def _same(one: ndarray | None, other: ndarray | None) -> bool:
    return one is other if one is None or other is None else np.array_equal(one, other)
