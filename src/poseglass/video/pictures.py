"""Scale pictures, and pack them as JPEG."""

from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from poseglass.errors import VideoError

__all__ = ["packed", "resized", "unpacked"]


def resized(image: UInt8[ndarray, "_ _ 3"], size: tuple[int, int]) -> UInt8[ndarray, "_ _ 3"]:
    """Scale an image to a width and height.

    Example:
        >>> resized(np.zeros((90, 160, 3), np.uint8), (80, 45)).shape
        (45, 80, 3)
    """
    if image.shape[1::-1] == size:
        return image
    cv2 = _cv2()
    # If an image shrinks a lot, averaging keeps thin objects from flickering; otherwise interpolation is faster.
    how = cv2.INTER_AREA if image.shape[0] >= 1.9 * size[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how))


def packed(image: UInt8[ndarray, "_ _ 3"], quality: int) -> bytes:
    """An RGB image as the bytes of a JPEG file of this quality (1 to 100).

    Example:
        >>> grey = np.full((90, 160, 3), 128, np.uint8)
        >>> np.array_equal(unpacked(packed(grey, 90)), grey)
        True
    """
    cv2 = _cv2()
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    stored: bytes = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return stored


def unpacked(stored: bytes) -> UInt8[ndarray, "_ _ 3"]:
    """The RGB image in the bytes of a JPEG file."""
    cv2 = _cv2()
    return np.asarray(cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR_RGB))


def _cv2() -> Any:
    try:
        import cv2
    except ImportError as missing:
        raise VideoError('this needs OpenCV; run pip install "poseglass[video]"') from missing
    return cv2
