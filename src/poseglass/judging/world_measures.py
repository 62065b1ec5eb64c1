"""Errors of a motion in the world: the one table of all measures, for a camera that stands still.

A measure is the ratio of two sums over frames, so that views of different lengths can be pooled. It compares a
predicted with a true :class:`PlacedMotion`, both in the camera's axes. To add one, write a function that returns the
two sums, and add a row to :data:`WORLD_MEASURES`.

"WHAM" is Shin et al., WHAM: Reconstructing World-grounded Humans with Accurate 3D Motion, CVPR 2024, section 4, whose
measures the field uses. p and t stand for a predicted and a true position, N for the number of frames.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.geometry import similarity
from poseglass.body.skeleton import H36M_17
from poseglass.errors import PoseError

__all__ = ["SEGMENT", "WORLD_MEASURES", "PlacedMotion", "WorldMeasure", "standing"]

SEGMENT = 100  # frames of the segments that are aligned as one (WHAM)
ALIGNED = 2  # frames at the start of a segment that W-MPJPE aligns (WHAM)
# A foot stands if its ankle is slower than this and at most so high above its lowest point; our own choice. Walking
# ankles reach 3 m/s and 20 cm; marker noise alone moves an ankle by up to 0.1 m/s.
STILL, LOW = 0.15, 0.05  # metres per second, metres
CONTACT = 0.5  # from this probability on, a foot is predicted to stand
ANKLES = (H36M_17.index("left_ankle"), H36M_17.index("right_ankle"))

Sums = tuple[float, float]


@dataclass(frozen=True, eq=False)
class PlacedMotion:
    """A person in front of a camera.

    Args:
        points: Human3.6M's 17 joints in the camera's axes (x right, y down, z forward), metres (f 17 3).
        contact: Probability that the left and the right foot stand (f 2).
        up: Direction in the camera's axes that points up in the world (3); NaN if unknown.
        fps: Frames per second.
    """

    points: Float[ndarray, "f 17 3"]
    contact: Float[ndarray, "f 2"]
    up: Float[ndarray, " 3"]
    fps: float

    @property
    def root(self) -> Float[ndarray, "f 3"]:
        """Path of the pelvis."""
        return self.points[:, 0]

    @property
    def stands(self) -> Bool[ndarray, "f 2"]:
        """Whether the left and the right foot stand."""
        return self.contact >= CONTACT


def standing(ankles: Float[ndarray, "f 2 3"], fps: float) -> Bool[ndarray, "f 2"]:
    """Whether each foot stands: its ankle is slower than 0.15 m/s and within 5 cm of its lowest point.

    The speed is half the distance between the frames before and after, or at the ends the distance to the neighbour.

    Args:
        ankles: Positions in world space, metres, y up, of one take (f 2 3).
        fps: Frames per second.

    Raises:
        PoseError: There are fewer than two frames.

    Example:
        >>> ankles = np.zeros((5, 2, 3))
        >>> ankles[:, 1, 2] = [0, 0, 0, 0.01, 0.02]  # the right foot starts to move at 0.3 m/s
        >>> standing(ankles, fps=30.0)[:, 1].tolist()
        [True, True, False, False, False]
    """
    if len(ankles) < 2:
        raise PoseError(f"speeds need two frames or more, got {len(ankles)}")
    speed = fps * np.linalg.norm(np.gradient(ankles, axis=0), axis=-1)
    stands: ndarray = (speed < STILL) & (ankles[..., 1] <= ankles[..., 1].min(0) + LOW)
    return stands


def _segments(motion: PlacedMotion) -> Float[ndarray, "_ 100 17 3"]:
    """Consecutive segments; what remains at the end is left out."""
    count = len(motion.points) // SEGMENT
    return motion.points[: count * SEGMENT].reshape(count, SEGMENT, 17, 3)


def _aligned_error(predicted: PlacedMotion, true: PlacedMotion, frames: int) -> Sums:
    """Joint errors in mm after a similarity transform per segment, fitted to its first frames."""
    segments, targets = _segments(predicted), _segments(true)
    start = (len(segments), frames * 17, 3)
    fitted = similarity(segments[:, :frames].reshape(start), targets[:, :frames].reshape(start))
    joints = (len(segments), SEGMENT * 17, 3)
    errors = np.linalg.norm(fitted(segments.reshape(joints)) - targets.reshape(joints), axis=-1)
    return 1000 * float(errors.sum()), errors.size


def wa_mpjpe(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """World-aligned MPJPE (WHAM): mean |s R p + d - t| over joints and frames, in mm.

    One similarity transform s, R, d per segment of 100 frames is fitted to all of its joints by least squares. It is
    the error of the path's shape and the poses: turning, moving or scaling a prediction does not change it.
    """
    return _aligned_error(predicted, true, SEGMENT)


def w_mpjpe(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """World MPJPE (WHAM): as :func:`wa_mpjpe`, but aligned on the first two frames of each segment.

    It therefore includes the drift after those frames, and the error of their scale and direction.
    """
    return _aligned_error(predicted, true, ALIGNED)


def rte(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """Root translation error (WHAM): mean |R p + d - t| of the pelvis over the distance that it travels, in %.

    R, d fit the whole path by least squares, without a scale; the distance is the sum of |t(f+1) - t(f)|. The view
    weighs as much as its number of frames. A view in which the pelvis does not move at all does not count.
    """
    distance = float(np.linalg.norm(np.diff(true.root, axis=0), axis=-1).sum())
    if distance == 0:
        return 0.0, 0
    moved = similarity(predicted.root, true.root, scaled=False)(predicted.root)
    return 100 * float(np.linalg.norm(moved - true.root, axis=-1).sum()) / distance, len(moved)


def _root_scale(predicted: PlacedMotion, true: PlacedMotion) -> float:
    """The factor s that minimises the sum of |s p - t|^2 over the path of the pelvis."""
    return float((predicted.root * true.root).sum() / (predicted.root**2).sum())


def root_error(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """Distance of the pelvis from its true place before the camera, scale aside: mean |s p - t|, in cm.

    One camera cannot tell a small person nearby from a large one farther away, so one factor s for the whole take,
    about the camera, is fitted by least squares.
    """
    error = np.linalg.norm(_root_scale(predicted, true) * predicted.root - true.root, axis=-1)
    return 100 * float(error.sum()), len(error)


def scale_off(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """By how much the path is too large or too small: |1/s - 1| with the factor s of :func:`root_error`, in %."""
    frames = len(true.root)
    return 100 * abs(1 / _root_scale(predicted, true) - 1) * frames, frames


def jitter(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """Mean |third difference| of the predicted joints times fps^3, in 10 m/s^3 (WHAM). The truth has some as well."""
    jerks = np.linalg.norm(np.diff(predicted.points, n=3, axis=0), axis=-1) * predicted.fps**3
    return float(jerks.sum()) / 10, jerks.size


def sliding(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """Foot sliding: mean |p(f+1) - p(f)| of an ankle while the true foot stands in both frames, in mm per frame."""
    steps = np.linalg.norm(np.diff(predicted.points[:, ANKLES], axis=0), axis=-1)
    stands = true.stands[1:] & true.stands[:-1]
    return 1000 * float(steps[stands].sum()), int(stands.sum())


def contact_f1(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """F1 score of the feet's contact, 2 TP / (2 TP + FP + FN), over frames and feet of all views, in %."""
    both = 2 * int((predicted.stands & true.stands).sum())
    return 100.0 * both, both + int((predicted.stands != true.stands).sum())


def tilt(predicted: PlacedMotion, true: PlacedMotion) -> Sums:
    """Angle between the predicted and the true upward direction, in degrees; NaN if no direction is predicted."""
    across = np.linalg.norm(np.cross(predicted.up, true.up))
    frames = len(true.points)
    return float(np.degrees(np.arctan2(across, predicted.up @ true.up))) * frames, frames


@dataclass(frozen=True)
class WorldMeasure:
    """A row of :data:`WORLD_MEASURES`.

    Attributes:
        unit: The unit of the value.
        sums: From a predicted and a true motion of the same length to two sums, whose ratio is the value.
        pooled: How the values of several views are combined: ``"mean"``, the ratio of all sums; or ``"median"`` of the
            views' values, which a few views do not dominate.
    """

    unit: str
    sums: Callable[[PlacedMotion, PlacedMotion], Sums]
    pooled: Literal["mean", "median"] = "mean"

    def value(self, views: Float[ndarray, "_ 2"]) -> float:
        """The value over views, from the sums of each; NaN if no view counts.

        Example:
            >>> views = np.array([[10.0, 10], [60, 20], [0, 0]])
            >>> WorldMeasure("mm", wa_mpjpe).value(views), WorldMeasure("mm", wa_mpjpe, "median").value(views)
            (2.3333333333333335, 2.0)
        """
        views = views[views[:, 1] > 0]
        if not len(views):
            return float("nan")
        total, weight = views.sum(0)
        return float(total / weight if self.pooled == "mean" else np.median(views[:, 0] / views[:, 1]))


# In the order of the printed table.
WORLD_MEASURES = {
    "WA-MPJPE": WorldMeasure("mm", wa_mpjpe),
    "W-MPJPE": WorldMeasure("mm", w_mpjpe),
    "RTE": WorldMeasure("%", rte),
    "median RTE": WorldMeasure("%", rte, "median"),
    "root error": WorldMeasure("cm", root_error),
    "scale off": WorldMeasure("%", scale_off),
    "jitter": WorldMeasure("10 m/s^3", jitter),
    "sliding": WorldMeasure("mm/frame", sliding),
    "contact F1": WorldMeasure("%", contact_f1),
    "tilt": WorldMeasure("degrees", tilt),
}
