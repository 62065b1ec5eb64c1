"""A queue of a video's pictures, shrunk to their display size, that wait until their frame is drawn."""

from collections import deque

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from poseglass.show.rendering.draw import cv2
from poseglass.video._ffmpeg import av

__all__ = ["PLAIN", "WaitingPictures", "fit"]

PLAIN = 256
"""Number of waiting pictures stored as YUV 4:2:0, in half of RGB's memory; any further ones are stored as JPEG."""
QUALITY = 90
"""JPEG quality: a fifth of YUV's memory, and 4 ms of work per picture of 960 x 540."""


class WaitingPictures:
    """A queue of pictures in little memory. One thread may put pictures in and another take them out.

    A picture of 960 x 540 takes 0.8 MB as YUV 4:2:0 and about 0.15 MB as JPEG.

    Args:
        size: Width and height at which the pictures are shown. Odd sides grow by one, because YUV 4:2:0 needs it.

    Example:
        >>> pictures = WaitingPictures((64, 47))
        >>> pictures.put(np.full((480, 640, 3), 200, np.uint8))
        >>> pictures.take().shape
        (48, 64, 3)
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size[0] + size[0] % 2, size[1] + size[1] % 2
        self._waiting: deque[UInt8[ndarray, ...]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, image: UInt8[ndarray, "_ _ 3"]) -> None:
        """Add an RGB picture of any size."""
        width, height = self.size
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        # FFmpeg averages while it shrinks, as in VideoReader, so that thin objects do not flicker.
        picture = frame.to_ndarray(format="yuv420p", width=width, height=height, interpolation="BILINEAR")
        if len(self._waiting) >= PLAIN:
            rgb = cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420)
            picture = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        self._waiting.append(picture)

    def take(self) -> UInt8[ndarray, "_ _ 3"]:
        """Remove and return the oldest picture, RGB. Raises IndexError if there is none."""
        picture = self._waiting.popleft()
        if picture.ndim == 1:
            return np.asarray(cv2.imdecode(picture, cv2.IMREAD_COLOR))
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420))


def fit(image: UInt8[ndarray, "_ _ 3"], size: tuple[int, int]) -> UInt8[ndarray, "_ _ 3"]:
    """Scale an image to a width and height."""
    if image.shape[1::-1] == size:
        return image
    # If an image shrinks a lot, averaging keeps thin objects from flickering; otherwise interpolation is faster.
    how = cv2.INTER_AREA if image.shape[0] >= 1.9 * size[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how))
