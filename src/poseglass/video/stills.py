"""A few frames of a video at full size, evenly spread over it, in bounded memory."""

from threading import Lock

from jaxtyping import UInt8
from numpy import ndarray

from poseglass.video.pictures import packed, unpacked
from poseglass.video.reading import Frame

__all__ = ["MOST", "Stills"]

MOST = 50
"""The most stills: ten for each picture of a contact sheet."""
QUALITY = 95
"""JPEG quality. 50 stills of 1920 x 1080 take about 30 MB."""


class Stills:
    """Keeps every frame of a short video, and the first frame of each of up to 50 equal intervals of a longer one.

    The result does not depend on the order in which the frames come.

    Args:
        fps: Frames per second.

    Example:
        >>> import numpy as np
        >>> stills = Stills(30)
        >>> for t in range(200):
        ...     stills.add(Frame(np.zeros((8, 8, 3), np.uint8), t / 30))
        >>> stills.frames[:3], len(stills.frames)
        ([0, 4, 8], 50)
    """

    def __init__(self, fps: float) -> None:
        self._step = 0.5 / fps  # seconds of an interval
        self._times = set[float]()  # of all frames
        self._kept: dict[int, tuple[float, bytes]] = {}  # time and picture, by interval
        self._lock = Lock()

    def add(self, frame: Frame) -> None:
        """Keep a frame, if it is the first of its interval."""
        with self._lock:
            self._times.add(frame.seconds)
            earlier = self._kept.get(self._interval(frame.seconds))
        if earlier is not None and earlier[0] <= frame.seconds:
            return
        picture = packed(frame.image, QUALITY)
        with self._lock:
            self._keep(frame.seconds, picture)
            while len(self._kept) > MOST:
                kept, self._kept, self._step = self._kept, {}, 2 * self._step
                for seconds, other in kept.values():
                    self._keep(seconds, other)

    @property
    def frames(self) -> list[int]:
        """The numbers of the kept frames, increasing."""
        numbers = {seconds: number for number, seconds in enumerate(sorted(self._times))}
        return sorted(numbers[seconds] for seconds, _ in self._kept.values())

    def image(self, frame: int) -> UInt8[ndarray, "_ _ 3"]:
        """The picture of a kept frame.

        Raises:
            KeyError: The frame was not kept.
        """
        pictures = dict(self._kept.values())
        return unpacked(pictures[sorted(self._times)[frame]])

    def _interval(self, seconds: float) -> int:
        return int(seconds / self._step + 1e-6)

    def _keep(self, seconds: float, picture: bytes) -> None:
        earlier = self._kept.get(interval := self._interval(seconds))
        if earlier is None or seconds < earlier[0]:
            self._kept[interval] = seconds, picture
