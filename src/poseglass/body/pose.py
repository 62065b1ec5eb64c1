"""`PoseSequence`: poses over time that know their skeleton, units, space and clock."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.limits import bounded_points, check_rate, check_size, check_times
from poseglass.body.skeleton import H36M_17, Skeleton, conversion
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError
from poseglass.files.outputs import PLAYER, READER, WRITERS, imported, writer_of

__all__ = ["PoseSequence", "Space"]

Space = Literal["pixels", "normalised", "camera", "world"]
UNITS: dict[Space, str] = {"pixels": "pixels", "normalised": "half widths", "camera": "metres", "world": "metres"}


PER_FRAME = ("points", "scores", "valid", "timestamps", "kept", "pose2d", "trajectory", "uncertainty")
"""The fields that have one row per frame."""


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """The poses of one person, one row per frame.

    Args:
        points: Joint positions, (f j 2) or (f j 3). An unknown joint is NaN or has score 0. Infinite positions become
            NaN.
        skeleton: The joints' names and order.
        space: The axes and the unit of the points:
            ``pixels`` (x right, y down, from the upper left corner of an image of `size`);
            ``normalised`` (x right, y down, from the image's centre, in half widths of the image);
            ``camera`` (metres; x right, y down, z forward; lifted poses are relative to the pelvis);
            ``world`` (metres; y up, x and z horizontal, right-handed). If another axis points up, rotate the data first
            with :func:`poseglass.body.geometry.to_y_up`.
        fps: Frames per second; the mean rate if there are `timestamps`. Default: the timestamps' rate, else 30.
        scores: Confidence of each joint from 0 to 1, (f j). Default: 1.
        valid: Whether the person was detected in the frame, (f). Frames without the person stay in the sequence, marked
            as invalid. Default: all valid.
        timestamps: Time of each frame in seconds, (f), if frames are not evenly spaced.
        size: Width and height of the image in pixels.
        kept: Whether a pruning model kept the frame in its middle layers, (f).
        pose2d: The 2D poses that these 3D poses were lifted from.
        start: Time of the first frame in seconds; ignored if `timestamps` are given.
        person: Which person this is, from 1, where a source shows several; the same in all outputs.
        trajectory: Where the person is in front of the camera, if known; only in camera space, where the points are
            then relative to the pelvis.
        uncertainty: Radius around each joint, (f j), in metres, that holds the true position with 90 %
            probability.

    Raises:
        PoseError: An argument does not fit. The message says what was expected and what was given.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> walk = pg.PoseSequence(np.zeros((90, 17, 3)), pg.H36M_17, "camera", fps=30)
        >>> part = walk[30:60]
        >>> part.duration, part.times[0].item()
        (1.0, 1.0)
    """

    points: Float[ndarray, "f j _"]
    skeleton: Skeleton
    space: Space
    _: KW_ONLY
    fps: float | None = None
    scores: Float[ndarray, "f j"] | None = None
    valid: Bool[ndarray, " f"] | None = None
    timestamps: Float[ndarray, " f"] | None = None
    size: tuple[int, int] | None = None
    kept: Bool[ndarray, " f"] | None = None
    pose2d: "PoseSequence | None" = None
    start: float = 0.0
    person: int | None = None
    trajectory: Trajectory | None = None
    uncertainty: Float[ndarray, "f j"] | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__  # frozen: the fields are normalised once, here
        given = None if self.scores is None else np.asarray(self.scores)
        points = bounded_points(self.points, None if given is None or given.dtype.kind not in "fiub" else given > 0)
        if points.ndim != 3 or points.shape[2] not in (2, 3):
            raise PoseError(f"points must have shape (frames, joints, 2 or 3), got {points.shape}")
        frames, joints, axes = points.shape
        if joints != len(self.skeleton):
            raise PoseError(
                f"the skeleton {self.skeleton.name} has {len(self.skeleton)} joints, but points have {joints}"
            )
        if self.space not in get_args(Space):
            raise PoseError(f"space must be one of {', '.join(get_args(Space))}, got {self.space!r}")
        if (axes == 3) != (self.space in ("camera", "world")):
            raise PoseError(f"points in {self.space} space must have {5 - axes} coordinates per joint, got {axes}")
        set_(self, "points", points)
        scores = np.ones((frames, joints)) if self.scores is None else self.scores
        scores = self._checked("scores", scores, (frames, joints))
        scores = np.where(np.isfinite(points).all(-1) & np.isfinite(scores), scores, 0)
        set_(self, "scores", scores.astype(np.float32))
        valid = np.ones(frames) if self.valid is None else self.valid
        set_(self, "valid", self._checked("valid", valid, (frames,)).astype(bool))
        if self.kept is not None:
            set_(self, "kept", self._checked("kept", self.kept, (frames,)).astype(bool))
        if self.timestamps is not None:
            times = self._checked("timestamps", self.timestamps, (frames,)).astype(np.float64)
            if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
                raise PoseError(
                    "timestamps must be finite and strictly increasing; remove or repair the frames that are not"
                )
            set_(self, "timestamps", times)
            if frames:
                set_(self, "start", float(times[0]))
            check_times(float(np.abs(times).max(initial=0)))
        check_times(self.start)
        fps = self.fps
        if fps is None and self.timestamps is not None and frames > 1:
            fps = (frames - 1) / float(self.timestamps[-1] - self.timestamps[0])
        fps = 30.0 if fps is None else float(fps)
        check_rate(fps, self.fps)
        set_(self, "fps", fps)
        if self.size is not None:
            set_(self, "size", check_size(self.size))
        for name in ("pose2d", "trajectory"):
            if (part := getattr(self, name)) is not None and len(part) != frames:
                raise PoseError(f"{name} must have as many frames as points ({frames}), got {len(part)}")
        if self.trajectory is not None and self.space != "camera":
            raise PoseError(f"only poses in camera space have a trajectory, but these are in {self.space} space")
        if self.person is not None and self.person < 1:
            raise PoseError(f"people are numbered from 1, got {self.person}")
        if self.uncertainty is not None:
            radius = self._checked("uncertainty", self.uncertainty, (frames, joints)).astype(np.float32)
            set_(self, "uncertainty", radius)

    @staticmethod
    def _checked(name: str, value: Any, shape: tuple[int, ...]) -> ndarray:
        array = np.asarray(value)
        if array.shape != shape:
            raise PoseError(f"{name} must have shape {shape} to match the points, got {array.shape}")
        return array

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, frames: slice) -> "PoseSequence":
        """A part of the sequence. Its frames keep their times, and a step divides the frame rate."""
        if not isinstance(frames, slice):
            raise PoseError(f"index a pose sequence with a slice, such as poses[10:20], not with {frames!r}")
        step = 1 if frames.step is None else frames.step
        if step < 1:
            raise PoseError(f"the step of a slice must be at least 1, because time runs forward; got {step}")
        rows: dict[str, Any] = {
            name: None if (value := getattr(self, name)) is None else value[frames] for name in PER_FRAME
        }
        first = frames.indices(len(self))[0]
        start = float(self.times[first]) if first < len(self) else self.start + self.duration
        return replace(self, **rows, fps=self.rate / step, start=start)

    def __iter__(self) -> Iterator[Float[ndarray, "j _"]]:
        return iter(self.points)

    def __repr__(self) -> str:
        return (
            f"PoseSequence({len(self)} frames of {self.skeleton.name}, {self.space} ({self.units}), "
            f"{self.rate:g} fps, {int(self.validity.sum())} valid)"
        )

    def _repr_html_(self) -> str | None:
        """A 3D player for notebooks; None for 2D poses and for an empty sequence."""
        player: str | None = imported(PLAYER)(self)
        return player

    def require_known(self, purpose: str) -> None:
        """Refuse a sequence of which nothing is known. An empty one is not refused.

        Args:
            purpose: What the poses are for, as in "smooth".

        Raises:
            PoseError: It has frames, but no joint of any frame is finite with a score above 0.
        """
        if len(self) and not (self.confidence > 0).any():
            raise PoseError(
                f"cannot {purpose} these poses: no joint of the {len(self)} frames is known (finite, with a score "
                "above 0)"
            )

    @property
    def units(self) -> str:
        """The unit of the points."""
        return UNITS[self.space]

    @property
    def rate(self) -> float:
        """Frames per second; the mean if frames are not evenly spaced."""
        assert self.fps is not None
        return self.fps

    @property
    def confidence(self) -> Float[ndarray, "f j"]:
        """The scores, typed as never None."""
        assert self.scores is not None
        return self.scores

    @property
    def validity(self) -> Bool[ndarray, " f"]:
        """`valid`, typed as never None: whether the person was detected in each frame."""
        assert self.valid is not None
        return self.valid

    @property
    def times(self) -> Float[ndarray, " f"]:
        """Time of each frame in seconds: the timestamps, or evenly spaced times from `start`."""
        return self.start + np.arange(len(self)) / self.rate if self.timestamps is None else self.timestamps

    @property
    def duration(self) -> float:
        """Seconds from the start of the first frame to the end of the last."""
        if self.timestamps is None or not len(self):
            return len(self) / self.rate
        return float(self.times[-1] - self.times[0] + 1 / self.rate)

    @property
    def root(self) -> Float[ndarray, "f 3"] | None:
        """Path of the pelvis in the camera's axes, in metres; None if unknown."""
        return None if self.trajectory is None else self.trajectory.root

    @property
    def contact(self) -> Float[ndarray, "f 2"] | None:
        """Probability that the left and the right foot stand on the ground; None if unknown."""
        return None if self.trajectory is None else self.trajectory.contact

    @property
    def is_placed(self) -> bool:
        """Whether the trajectory leads from the camera to the world."""
        return self.trajectory is not None and self.trajectory.to_world is not None

    def world(self) -> "PoseSequence":
        """The motion in world space: y up, the floor at 0, the pelvis's first position above the origin.

        `trajectory.to_world` is the transform that leads from the camera's axes to the world's.

        Raises:
            PoseError: The place of the person or the direction of gravity is unknown, because the camera moves, for
                example, or the poses are not in camera space.
        """
        if self.space == "world":
            return self
        if self.trajectory is None or self.trajectory.to_world is None:
            raise PoseError(
                "these poses have no place in the world: that needs a lifted motion with a trajectory, from a camera "
                "that stands still"
            )
        placed = self.points + self.trajectory.root[:, None]
        return replace(self, points=self.trajectory.placed(placed), space="world", trajectory=None)

    def joint(self, name: str) -> Float[ndarray, "f _"]:
        """The positions of one joint over time.

        Raises:
            PoseError: The skeleton has no joint of this name.
        """
        return self.points[:, self.skeleton.index(name)]

    def to_skeleton(self, target: Skeleton = H36M_17) -> "PoseSequence":
        """Convert the poses to another skeleton. Joints are matched by name, and missing ones are derived.

        A derived joint's score is the lowest score of the joints it is blended from.

        Raises:
            PoseError: A joint is missing and cannot be derived.
        """
        if target == self.skeleton:
            return self
        matrix = conversion(self.skeleton, target)
        known = np.where(self.confidence[..., None] > 0, self.points, 0)
        used = matrix != 0
        scores = np.stack([self.confidence[:, row].min(-1) for row in used], -1)
        points = np.einsum("ts,fsd->ftd", matrix, known)
        return replace(self, points=np.where(scores[..., None] > 0, points, np.nan), skeleton=target, scores=scores)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the motion in the format that the suffix names; :data:`poseglass.files.outputs.WRITERS` lists them.

        :meth:`load` reads ``.npz`` and ``.json`` back; ``.csv`` has one row per frame. The files for other programs
        (:mod:`poseglass.motion.exporting`) are in world space if the motion has a place in the world.

        Raises:
            PoseError: The suffix is unknown, nothing about the poses is known, or the file cannot be written.
        """
        path = Path(path)
        if (writer := writer_of(path)) is None:
            raise PoseError(f"cannot write {path}: expected a name that ends in {', '.join(WRITERS)}")
        self.require_known("save")
        writer.load()(self, path)
        return path

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "PoseSequence":
        """Read a ``.npz`` or ``.json`` file that :meth:`save` wrote. Pickles are never read.

        Raises:
            PoseError: The file is missing, damaged or of another format.
        """
        motion: PoseSequence = imported(READER)(Path(path))
        return motion
