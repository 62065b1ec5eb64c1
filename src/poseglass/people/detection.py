"""`DetectedPerson`: one person in one frame, how large and how prominent they are, and who was detected twice."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

__all__ = ["DetectedPerson", "box", "detected_twice", "extent", "gap", "mostly_known", "movement", "strength"]

TWICE = 0.1
"""Two detections show one person if their joints lie closer than this on average, in extents of the body. Measured on
Pose2Sim's and Sports2D's demos: MediaPipe's double detections lie up to 0.05 apart, two people at least 0.4."""


class DetectedPerson(NamedTuple):
    """One person in one frame: joints in pixels, scores from 0 to 1, and a tracker's number if there is one."""

    points: Float[ndarray, "j 2"]
    scores: Float[ndarray, " j"]
    track: int | None = None


def _known(person: DetectedPerson) -> Bool[ndarray, " j"]:
    """Which joints have a score above 0 and a finite position."""
    known: ndarray = (person.scores > 0) & np.isfinite(person.points).all(-1)
    return known


def box(person: DetectedPerson) -> Float[ndarray, " 4"]:
    """Left, top, right and bottom of the known joints; NaN if there are none."""
    known = person.points[_known(person)]
    return np.concatenate([known.min(0), known.max(0)]) if len(known) else np.full(4, np.nan)


def _centre(person: DetectedPerson) -> Float[ndarray, " 2"]:
    """The mean of the known joints, weighted by their scores; NaN if there are none."""
    known = _known(person)
    if not known.any():
        return np.full(2, np.nan)
    mean: ndarray = np.average(person.points[known], axis=0, weights=person.scores[known])
    return mean


def extent(person: DetectedPerson) -> float:
    """The diagonal of the box in pixels, at least 1; 0 if no joint is known.

    Unlike the area, it hardly changes when a person turns sideways or raises an arm.
    """
    corners = box(person)
    return 0.0 if np.isnan(corners).any() else max(float(np.hypot(*(corners[2:] - corners[:2]))), 1.0)


def mostly_known(person: DetectedPerson) -> bool:
    """Whether at least half of the joints are known."""
    return 2 * int(_known(person).sum()) >= len(person.scores)


def strength(person: DetectedPerson) -> float:
    """How prominent a person is: mean score times extent in pixels. Scores that are not finite count as 0."""
    return float(np.where(np.isfinite(person.scores), person.scores, 0).mean()) * extent(person)


def _common(one: DetectedPerson, other: DetectedPerson) -> tuple[Float[ndarray, "_ 2"], Float[ndarray, " _"]]:
    """From each joint of one detection to that of the other, and the weights: the lower of the two scores.

    Without a common joint, one row from centre to centre.
    """
    both = _known(one) & _known(other)
    if not both.any():
        return (_centre(other) - _centre(one))[None], np.ones(1)
    return other.points[both] - one.points[both], np.minimum(one.scores[both], other.scores[both])


def movement(one: DetectedPerson, other: DetectedPerson) -> Float[ndarray, " 2"]:
    """The mean step from the joints of one detection to those of the other, in pixels; NaN if one has no joint."""
    ways, weights = _common(one, other)
    mean: ndarray = np.average(ways, axis=0, weights=weights)
    return mean


def gap(one: DetectedPerson, other: DetectedPerson, shift: Float[ndarray, " 2"] | float = 0.0) -> float:
    """The mean distance between the joints of two detections in pixels, after the first is moved by `shift`."""
    ways, weights = _common(one, other)
    return float(np.average(np.linalg.norm(ways - shift, axis=-1), weights=weights))


def detected_twice(person: DetectedPerson, others: Sequence[DetectedPerson]) -> bool:
    """Whether a detection shows the same person as one of the others.

    People with numbers are different people: a tracker told them apart.

    Example:
        >>> one = DetectedPerson(np.array([[0.0, 0.0], [50, 100]]), np.ones(2))
        >>> detected_twice(one, [one._replace(points=one.points + 3)])
        True
    """
    return any(
        gap(person, other) < TWICE * min(extent(person), extent(other))
        for other in others
        if person.track is None or other.track is None
    )
