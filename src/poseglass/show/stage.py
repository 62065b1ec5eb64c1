"""`Stage`: motions side by side on one clock, in the axes that the viewers draw.

The scene's axes: metres; x right, y down, z away from the viewer; the floor at y = 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError
from poseglass.show.scene import SOLE, Colour, GroundLevel, Viewpoint, figure_colours, middle_joints

__all__ = ["Figure", "FilmingCamera", "Motions", "Place", "Stage", "set_stage"]

Motions = PoseSequence | Sequence[PoseSequence]
"""One motion, or those of several people."""
Place = Literal["world", "camera", "body"]
"""Where the figures are: in the world, before the camera, or relative to their own pelvis."""

TO_STAGE = np.array([1, -1, -1])  # from y up to y down
APART = 1.2  # metres between figures whose place is unknown
FILLED = 0.9  # the share of the picture's width and height that several people may fill
FITTING = 99.5  # per cent of their joints that are to be in the picture
FARTHEST = 25.0  # metres from the camera to the middle of several people
NEAR_FLOOR = 0.25  # metres: a world motion whose feet are farther from 0 does not have its floor there
CALM = 0.4  # seconds: standard deviation of the window that smooths the camera's path
LONG_SIDES = 1.1  # a usual focal length, in multiples of the image's longer side


@dataclass(frozen=True, eq=False)
class FilmingCamera:
    """The camera that filmed the video.

    Args:
        turn: The rotation from the scene's axes to the camera's (x right, y down, z forward).
        eye: Its position in the scene.
        focal: Focal length in pixels.
        size: Width and height of its image in pixels.
    """

    turn: Float[ndarray, "3 3"]
    eye: Float[ndarray, " 3"]
    focal: float
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Figure:
    """A motion on the stage. Arrays have one row per tick of the stage's clock.

    Args:
        motion: The motion.
        name: What the viewers call it.
        colours: Colours of its middle, left and right.
        rows: The motion's row at each tick.
        shown: Whether the motion has started and not ended.
        points: The joints in the scene, (f j 3); NaN where unknown.
        target: The point that the camera follows, (f 3), below the middle of the body: on the floor, or at the height
            of the feet of a person who jumps or stands on something.
        compared: Whether it is the other motion of a comparison.
    """

    motion: PoseSequence
    name: str
    colours: tuple[Colour, Colour, Colour]
    rows: Int[ndarray, " f"]
    shown: Bool[ndarray, " f"]
    points: Float[ndarray, "f j 3"]
    target: Float[ndarray, "f 3"]
    compared: bool = False

    @property
    def valid(self) -> Bool[ndarray, " f"]:
        """Whether the person was detected."""
        valid: ndarray = self.motion.validity[self.rows]
        return valid

    @property
    def kept(self) -> Bool[ndarray, " f"] | None:
        """Whether the model kept the frame; None if it does not prune."""
        return None if self.motion.kept is None else self.motion.kept[self.rows] & self.shown

    @property
    def contact(self) -> Float[ndarray, "f 2"] | None:
        """Probability that the left and right foot stand."""
        return None if self.motion.contact is None else self.motion.contact[self.rows]

    @property
    def uncertainty(self) -> Float[ndarray, "f j"] | None:
        """Radius around each joint that holds the true position with 90 % probability."""
        return None if self.motion.uncertainty is None else self.motion.uncertainty[self.rows]

    @property
    def pose2d(self) -> PoseSequence | None:
        """The 2D poses, if they are in pixels of an image of known size. They have the rows of the motion."""
        pose2d = self.motion.pose2d
        if pose2d is None or pose2d.space != "pixels":
            return None
        size = pose2d.size or self.motion.size
        return None if size is None else replace(pose2d, size=size)


@dataclass(frozen=True, eq=False)
class Stage:
    """Figures on one clock.

    Args:
        figures: The figures.
        place: Where they are.
        times: Time of each tick in seconds, (f).
        rate: Ticks per second; the mean if they are not evenly spaced.
        target: The point between all figures that the camera follows, (f 3).
        camera: The camera that filmed them, if they are in the world.

    Example:
        >>> import poseglass as pg
        >>> stage = set_stage(pg.PoseSequence(np.zeros((30, 17, 3)), pg.H36M_17, "camera"))
        >>> stage.place, len(stage)
        ('body', 30)
    """

    figures: tuple[Figure, ...]
    place: Place
    times: Float[ndarray, " f"]
    rate: float
    target: Float[ndarray, "f 3"]
    camera: FilmingCamera | None = None

    def __len__(self) -> int:
        return len(self.times)

    @property
    def valid(self) -> Bool[ndarray, " f"]:
        """Whether anybody was detected."""
        valid: ndarray = np.any([figure.valid & figure.shown for figure in self.figures], 0)
        return valid

    @property
    def kept(self) -> Bool[ndarray, " f"] | None:
        """Whether the frame was kept for anybody; None if no model pruned."""
        parts = [figure.kept for figure in self.figures if figure.kept is not None]
        return np.any(parts, 0) if parts else None

    def viewpoint(self, aspect: float = 1.0) -> Viewpoint:
        """The usual viewpoint, far enough away to show everybody in a picture of this width per height.

        A person alone is followed, so the usual distance serves. Several people are to fit in whenever they were
        detected, apart from a few frames.
        """
        usual = Viewpoint()
        if len(self.figures) == 1:
            return usual
        needed = [usual.distance]
        for figure in self.figures:
            frames = figure.shown & figure.valid
            points = (figure.points - self.target[:, None])[frames]
            across, down, away = np.moveaxis((points + np.array([0, usual.height, 0])) @ usual.turn.T, -1, 0)  # f j
            reach = np.maximum(np.abs(across) / aspect, np.abs(down)) * 2 * usual.zoom / FILLED - away
            if len(reach := reach[np.isfinite(reach)]):
                needed.append(float(np.percentile(reach, FITTING)))
        return replace(usual, distance=min(max(needed), FARTHEST))


def set_stage(motions: Motions, compare: Motions = ()) -> Stage:
    """Put motions on one stage, on the clock of the longest.

    All are shown in the world if all have a place in it: a trajectory that leads there, or points in world space with
    the feet near 0. Otherwise they are shown before the camera if all have a trajectory, else relative to their pelvis
    and side by side. Outside the world, each figure is put on the floor, because its height is unknown.

    Args:
        motions: One motion or several.
        compare: Motions to compare with them, shown in other colours.

    Raises:
        PoseError: There is no motion, or one is empty or not 3D.
    """
    first, other = _listed(motions), _listed(compare)
    if not first:
        raise PoseError("expected a motion, got an empty list")
    everyone = [*first, *other]
    for motion in everyone:
        if motion.space not in ("camera", "world"):
            raise PoseError(f"expected a 3D motion in camera or world space, got {motion.space}; lift it first")
        if not len(motion):
            raise PoseError("expected a motion of at least one frame, got an empty one")
    place = _common_place(everyone)
    clock = max(everyone, key=lambda motion: motion.duration)
    figures = []
    for index, motion in enumerate(everyone):
        rows, shown = _rows(motion.times, clock.times, 0.5 / motion.rate)
        points = _on_floor(motion, place)
        middle = points[:, middle_joints(motion.skeleton)].mean(1)
        if place == "body" and len(everyone) > 1:
            group, spot = (other, index - len(first)) if index >= len(first) else (first, index)
            aside = APART * (spot - (len(group) - 1) / 2)
            points = points - np.where(np.isfinite(middle), middle, 0)[:, None] * [1, 0, 1] + [aside, 0, 0]
            middle = middle * [0, 1, 0] + [aside, 0, 0]
        target = _target(middle, points[..., 1].max(1), motion.rate, place)[rows]
        points = np.where(shown[:, None, None], points[rows], np.nan)
        compared = index >= len(first)
        colours = figure_colours(index + 4 - len(first) if compared else index, alone=len(first) == 1 and not compared)
        name = f"person {motion.person or index + 1}" if len(everyone) > 1 else "person"
        if other:
            name = ("B" if compared else "A") + (f" {name}" if len(first if not compared else other) > 1 else "")
        figures.append(Figure(motion, name, colours, rows, shown, points, target, compared))
    between = np.mean([figure.target for figure in figures], 0)
    camera = _filming_camera(first[0]) if place == "world" else None
    return Stage(tuple(figures), place, clock.times, clock.rate, between, camera)


def _listed(motions: Motions) -> tuple[PoseSequence, ...]:
    return (motions,) if isinstance(motions, PoseSequence) else tuple(motions)


def _common_place(motions: Sequence[PoseSequence]) -> Place:
    if all(_in_world(motion) for motion in motions):
        return "world"
    return "camera" if all(motion.trajectory is not None for motion in motions) else "body"


def _in_world(motion: PoseSequence) -> bool:
    if motion.space == "camera":
        return motion.is_placed
    known = np.isfinite(motion.points).all(2)
    lowest = np.where(known, motion.points[..., 1], np.inf).min(1)[known.any(1)]
    return len(lowest) > 0 and abs(float(np.percentile(lowest, 20))) <= NEAR_FLOOR


def _on_floor(motion: PoseSequence, place: Place) -> Float[ndarray, "f j 3"]:
    """The motion's points in the scene."""
    points: ndarray
    if place == "world":
        points = motion.world().points.astype(np.float64) * TO_STAGE
        return points
    points = motion.points.astype(np.float64)
    if motion.space == "world":
        points = points * TO_STAGE
    elif place == "camera" and motion.root is not None:
        points = points + motion.root[:, None]
    ground = GroundLevel(motion.rate)
    points[..., 1] -= np.array([ground(pose) for pose in points])[:, None]
    return points


def _rows(
    times: Float[ndarray, " m"], clock: Float[ndarray, " f"], late: float
) -> tuple[Int[ndarray, " f"], Bool[ndarray, " f"]]:
    """The row that is nearest to each tick of the clock, and whether one is no more than `late` seconds away."""
    after = (
        np.clip(np.searchsorted(times, clock), 1, max(1, len(times) - 1))
        if len(times) > 1
        else np.zeros(len(clock), int)
    )
    before = np.maximum(after - 1, 0)
    rows = np.where(clock - times[before] <= times[after] - clock, before, after)
    shown = (clock >= times[0] - late - 1e-9) & (clock <= times[-1] + late + 1e-9)
    return rows, shown


def _target(
    middle: Float[ndarray, "f 3"], lowest: Float[ndarray, " f"], rate: float, place: Place
) -> Float[ndarray, "f 3"]:
    """The point that a camera follows: calm where figures walk through the scene, and up and down with their feet."""
    known = np.isfinite(middle).all(1) & np.isfinite(lowest)
    if not known.any():
        return np.zeros_like(middle)
    if place == "body":
        return np.where(known[:, None], middle * [1, 0, 1], 0.0)
    from scipy.ndimage import gaussian_filter1d

    frames, path = np.arange(len(middle)), np.stack([middle[:, 0], lowest + SOLE, middle[:, 2]], 1)
    filled = np.stack([np.interp(frames, frames[known], path[known, axis]) for axis in range(3)], 1)
    calm: ndarray = gaussian_filter1d(filled, CALM * rate, axis=0, mode="nearest")
    return calm


def _filming_camera(motion: PoseSequence) -> FilmingCamera | None:
    path, size = motion.trajectory, motion.size or (motion.pose2d.size if motion.pose2d else None)
    if path is None or path.to_world is None or size is None:
        return None
    turn, move = path.to_world[:3, :3], path.to_world[:3, 3]
    return FilmingCamera(turn.T * TO_STAGE, move * TO_STAGE, path.focal or LONG_SIDES * max(size), size)
