"""2D detectors: an image in, the keypoints of everyone in it out. :data:`DETECTORS` lists them."""

import os
from collections.abc import Callable
from functools import partial

from poseglass.detect._base import Detector as Detector
from poseglass.detect._base import SecondTry as SecondTry
from poseglass.detect.fake import FakeDetector as FakeDetector
from poseglass.detect.mediapipe import MediaPipeDetector as MediaPipeDetector
from poseglass.errors import DetectorError

__all__ = ["DETECTORS", "Detector", "FakeDetector", "MediaPipeDetector", "SecondTry", "make_detector"]

DETECTORS: dict[str, Callable[[str | os.PathLike[str] | None], Detector]] = {
    "mediapipe": MediaPipeDetector,
    "mediapipe-lite": partial(MediaPipeDetector, size="lite"),
    "mediapipe-heavy": partial(MediaPipeDetector, size="heavy"),
}
"""Functions that make a detector, by name. Each takes the path of the weights, or None for the default weights."""


def make_detector(
    name: str, weights: str | os.PathLike[str] | None = None, *, confidence: float | None = None
) -> Detector:
    """Make a detector of :data:`DETECTORS`.

    Args:
        name: The detector's name.
        weights: The path of its weights. Default: the detector's default weights.
        confidence: The minimum confidence in a person, from 0 to 1. Default: the detector's own.

    Raises:
        DetectorError: There is no detector of that name, a package is missing, the weights cannot be loaded, or the
            detector does not take this confidence.

    Example:
        >>> make_detector("mediapipe-heavy")  # doctest: +SKIP
    """
    if name not in DETECTORS:
        raise DetectorError(f"there is no detector {name!r}; the detectors are {', '.join(DETECTORS)}")
    detector = DETECTORS[name](weights)
    return detector if confidence is None else detector.with_confidence(confidence)
