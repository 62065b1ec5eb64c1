"""When nobody is detected in a video: try once more, then say what was tried."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from poseglass.errors import DetectorError

if TYPE_CHECKING:
    from poseglass.detect._base import Detector

__all__ = ["NobodyError", "with_second_try"]

log = logging.getLogger("poseglass")

Result = TypeVar("Result")
WAYS_OUT = (
    "try another detector (--detector mediapipe-heavy) or a lower --confidence, and check that people are large enough "
    "and upright in the image"
)


class NobodyError(DetectorError):
    """Nobody was detected in any frame of a video."""


def with_second_try(attempt: "Callable[[Detector], Result]", detector: "Detector") -> Result:
    """Lift with a detector and, if it finds nobody, with its :meth:`poseglass.detect.Detector.second_try`.

    A success at the second try is logged as a warning.

    Args:
        attempt: Lifts a video with a detector.
        detector: The detector.

    Raises:
        NobodyError: Nobody was detected in both tries. The message says what was tried.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> points = pg.PoseSequence(np.ones((1, 17, 2)), pg.COCO_17, "pixels")
        >>> with_second_try(lambda detector: detector.skeleton.name, pg.FakeDetector(points))
        'coco17'
    """
    try:
        return attempt(detector)
    except NobodyError as nobody:
        second = detector.second_try()
        if second is None:
            raise NobodyError(f"{nobody}; {WAYS_OUT}") from None
        log.info("%s; trying again with %s", nobody, second.difference)
    try:
        result = attempt(second.detector)
    except NobodyError as nobody:
        raise NobodyError(f"{nobody}, nor with {second.difference}; {WAYS_OUT}") from None
    log.warning("people were only detected with %s: check the result", second.difference)
    return result
