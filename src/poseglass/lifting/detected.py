"""The people that a detector finds in an image, checked: detectors may be the user's own."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from poseglass.errors import DetectorError
from poseglass.people.detection import DetectedPerson

if TYPE_CHECKING:
    from poseglass.detect._base import Detector

__all__ = ["detected_in"]


def detected_in(detector: "Detector", image: UInt8[ndarray, "_ _ 3"], seconds: float) -> list[DetectedPerson]:
    """Detect the people in an image. Scores are clipped to 0..1; those that are not numbers become 0.

    Args:
        detector: The detector.
        image: The image, RGB.
        seconds: Its time.

    Raises:
        DetectorError: The detector fails, or returns an array of another shape than (people, joints, 3).

    Example:
        >>> from poseglass import COCO_17, FakeDetector, PoseSequence
        >>> detector = FakeDetector(PoseSequence(np.ones((1, 17, 2)), COCO_17, "pixels"))
        >>> len(detected_in(detector, np.zeros((4, 4, 3), np.uint8), 0.0))
        1
    """
    people = np.asarray(detector.detect(image, seconds))  # p j 3
    joints = len(detector.skeleton)
    if people.ndim != 3 or people.shape[1:] != (joints, 3):
        raise DetectorError(
            f"{type(detector).__name__}.detect must return an array of shape (people, {joints}, 3) for the joints "
            f"of {detector.skeleton.name}, got {people.shape}"
        )
    scores = np.where(np.isfinite(people[..., 2]), people[..., 2], 0).clip(0, 1)  # p j
    return [DetectedPerson(places, score) for places, score in zip(people[..., :2], scores, strict=True)]
