"""`Background`: tell a moving camera from a still one by the corners of the background."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import VideoError
from poseglass.video.reading import Frame

__all__ = ["Background", "Boxes"]

INTERVAL = 0.5  # seconds between two pictures
WIDTH = 320  # pixels of the pictures' longer side
CORNERS = 150  # the most that are tracked from one picture to the next
FEWEST = 12  # corners outside the people that are enough to judge by
RETURN = 0.7  # pixels from its start within which a corner must end that is tracked there and back
# Our own choices, as shares of the picture's longer side. A hand-held phone sways by 0.2 to 0.5 % in half a second; a
# pan of 2 degrees per second moves the picture of an ordinary lens by 2 %.
STEP = 0.008  # the picture moves if its corners move farther than this
DRIFT = 0.05  # the video moves if its steps add up to this
MOVING = 3  # the video moves if this many pictures move, or
MOVING_SHARE = 0.2  # this share of them


class Boxes(NamedTuple):
    """A person's box in every frame; NaN where they are out of sight.

    Args:
        times: Seconds of the frames, increasing (f).
        corners: Left, top, right and bottom edge in pixels (f 4).
    """

    times: Float[ndarray, " f"]
    corners: Float[ndarray, "f 4"]


class _Tracked(NamedTuple):
    """Corners of a picture and their way to the next picture, as shares of the longer side."""

    seconds: float
    corners: Float[ndarray, "n 2"]
    moved: Float[ndarray, "n 2"]


class Background:
    """Watches a frame every half a second, and judges at the end, when the people's places are known.

    Example:
        >>> background = Background()
        >>> picture = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
        >>> for number in range(4):
        ...     background.watch(Frame(picture, number / 2))
        >>> background.moves([])
        False
    """

    def __init__(self) -> None:
        self._tracked: list[_Tracked] = []
        self._last: tuple[float, ndarray] | None = None

    def watch(self, frame: Frame) -> None:
        """Look at a frame, if half a second has passed since the last one.

        Raises:
            VideoError: OpenCV is not installed.
        """
        if self._last is not None and frame.seconds < self._last[0] + INTERVAL:
            return
        try:
            import cv2
        except ImportError as missing:
            raise VideoError('this needs OpenCV; run pip install "poseglass[video]"') from missing
        height, width = frame.image.shape[:2]
        shrink = min(1.0, WIDTH / max(height, width))
        small = cv2.resize(frame.image, (max(1, round(width * shrink)), max(1, round(height * shrink))))
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        if self._last is not None:
            seconds, before = self._last
            corners = cv2.goodFeaturesToTrack(before, CORNERS, 0.01, 7)
            if corners is not None:
                follow: Any = cv2.calcOpticalFlowPyrLK  # its types are too wide to use
                after, ahead, _ = follow(before, grey, corners, None)
                back, home, _ = follow(grey, before, after, None)
                kept = (ahead & home).ravel() > 0
                kept &= np.linalg.norm(back - corners, axis=-1).ravel() < RETURN
                start, end = np.asarray(corners)[kept, 0].astype(np.float64), after[kept, 0].astype(np.float64)
                side = max(grey.shape)
                self._tracked.append(_Tracked(seconds, start / side, (end - start) / side))
        self._last = (frame.seconds, grey)

    def moves(self, people: Sequence[Boxes], size: tuple[int, int] | None = None) -> bool | None:
        """Whether the camera moves; None if too little of the background can be tracked.

        Args:
            people: The people's boxes. Corners in them do not count.
            size: Width and height of the image that the boxes are in.
        """
        steps = []
        for tracked in self._tracked:
            outside = np.ones(len(tracked.corners), bool)
            for person in people:
                outside &= ~_inside(tracked, person, max(size) if size else 1)
            if outside.sum() >= FEWEST:
                moved = tracked.moved[outside]
                steps.append((np.median(np.linalg.norm(moved, axis=-1)), *np.median(moved, axis=0)))
        if not steps:
            return None
        lengths, *vectors = np.array(steps).T
        count = int((lengths > STEP).sum())
        travelled = np.cumsum(np.stack(vectors, -1), axis=0)
        drift = np.linalg.norm(np.ptp(np.concatenate([np.zeros((1, 2)), travelled]), axis=0))
        return bool(count >= MOVING or count > MOVING_SHARE * len(steps) or drift > DRIFT)


def _inside(tracked: _Tracked, person: Boxes, side: int) -> ndarray:
    """Which corners lie in the person's box at that time, enlarged by a tenth (n)."""
    nearest = int(np.argmin(np.abs(person.times - tracked.seconds)))
    box = person.corners[nearest] / side
    margin = 0.1 * np.tile(box[2:] - box[:2], 2) * [-1, -1, 1, 1]
    left, top, right, bottom = box + margin
    x, y = tracked.corners.T
    inside: ndarray = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)  # NaN is nowhere
    return inside
