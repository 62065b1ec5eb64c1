"""Join parts of a motion in time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError

__all__ = ["concatenate"]

SAME_TIME = 1e-6  # seconds: JSON files keep times to the microsecond


def concatenate(parts: Sequence[PoseSequence]) -> PoseSequence:
    """Join sequences in the given order. The inverse of cutting a sequence into slices.

    Frames keep their times. If the parts have one frame rate and follow each other without a gap, the result is evenly
    spaced; otherwise it has timestamps. `fps` is kept if all parts share it. What not
    every part has, such as `kept` or `pose2d`, is dropped.

    Raises:
        PoseError: There are no parts, they differ in skeleton, space, size or person, or they overlap in time.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> walk = pg.PoseSequence(np.zeros((90, 17, 3)), pg.H36M_17, "camera", fps=30)
        >>> concatenate([walk[:40], walk[40:60]]).duration
        2.0
    """
    if not parts:
        raise PoseError("expected at least one sequence to concatenate, got none")
    first = parts[0]
    for part in parts[1:]:
        for name in ("skeleton", "space", "size", "person"):
            if (expected := getattr(first, name)) != (value := getattr(part, name)):
                raise PoseError(f"sequences to concatenate must have the same {name}, got {expected} and {value}")
    parts = [part for part in parts if len(part)] or [first]
    first = parts[0]
    if len(parts) == 1:
        return first

    def joined(name: str) -> Any:
        arrays = [getattr(part, name) for part in parts]
        return None if any(array is None for array in arrays) else np.concatenate(arrays)

    times = np.concatenate([part.times for part in parts])
    if (np.diff(times) <= 0).any():
        raise PoseError(
            "sequences to concatenate must follow each other in time, but these overlap; sort them, or cut the overlap"
        )
    even = first.start + np.arange(len(times)) / first.rate
    is_even = all(part.timestamps is None for part in parts) and np.abs(times - even).max() < SAME_TIME
    pose2d = [part.pose2d for part in parts if part.pose2d is not None]
    paths = [part.trajectory for part in parts if part.trajectory is not None]
    return replace(
        first,
        points=joined("points"),
        scores=joined("scores"),
        valid=joined("valid"),
        kept=joined("kept"),
        uncertainty=joined("uncertainty"),
        fps=first.rate if len({part.rate for part in parts}) == 1 else None,
        timestamps=None if is_even else times,
        pose2d=concatenate(pose2d) if len(pose2d) == len(parts) else None,
        trajectory=Trajectory.joined(paths) if len(paths) == len(parts) else None,
    )
