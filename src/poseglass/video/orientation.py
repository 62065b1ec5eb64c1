"""`Orientation`: how a stored image must be turned or mirrored to be upright."""

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from poseglass.files.quiet import without_warnings
from poseglass.video._ffmpeg import SideData, av

__all__ = ["Orientation", "exif_orientation", "matrix_orientation"]

TAG = 0x0112  # Exif's orientation (CIPA DC-008)
ASLANT = 2.0  # degrees off a quarter turn that go unmentioned


class Orientation(NamedTuple):
    """What makes an image upright: first exchange x and y, then mirror.

    Args:
        swaps: Exchange rows and columns.
        mirrors_x: Then mirror from left to right.
        mirrors_y: Then mirror upside down.

    Example:
        >>> quarter = Orientation(swaps=True, mirrors_x=True)  # a quarter turn to the right
        >>> quarter.upright(np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, -1))[..., 0].tolist()
        [[3, 0], [4, 1], [5, 2]]
    """

    swaps: bool = False
    mirrors_x: bool = False
    mirrors_y: bool = False

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The width and height of an image of this size once it is upright. The same maps them back."""
        return size[::-1] if self.swaps else size

    def upright(self, image: UInt8[ndarray, "_ _ 3"]) -> UInt8[ndarray, "_ _ 3"]:
        """The image, upright and contiguous."""
        if self.swaps:
            image = image.transpose(1, 0, 2)
        image = image[:: -1 if self.mirrors_y else 1, :: -1 if self.mirrors_x else 1]
        # FFmpeg pads its rows, and an array with gaps is slow or, in MediaPipe, read wrongly.
        return np.ascontiguousarray(image)


OF_EXIF = {
    1: Orientation(),
    2: Orientation(mirrors_x=True),
    3: Orientation(mirrors_x=True, mirrors_y=True),
    4: Orientation(mirrors_y=True),
    5: Orientation(swaps=True),
    6: Orientation(swaps=True, mirrors_x=True),
    7: Orientation(swaps=True, mirrors_x=True, mirrors_y=True),
    8: Orientation(swaps=True, mirrors_y=True),
}
"""By the values of Exif's orientation (CIPA DC-008, 4.6.5)."""


def exif_orientation(path: Path) -> Orientation | None:
    """The orientation that an image's Exif data state; None if Pillow cannot read the file."""
    try:
        from PIL import Image

        with without_warnings(), Image.open(path) as image:
            return OF_EXIF.get(image.getexif().get(TAG, 1), Orientation())
    except Exception:  # no Pillow, not an image that it reads, or damaged tags
        return None


def matrix_orientation(frame: av.VideoFrame) -> tuple[Orientation, float]:
    """The orientation that a frame's display matrix states, and the degrees by which the matrix turns beyond it.

    A matrix maps a pixel (x, y) to (a x + c y, b x + d y), where a, b, c, d are its upper left numbers, row by row
    (ISO 14496-12, 6.2.2). The degrees are 0 unless they exceed :data:`ASLANT`.
    """
    try:
        side_data: Any = frame.side_data  # PyAV's own types leave out its keys
        a, b, _, c, d = (
            number / 65536 for number in struct.unpack_from("=5i", bytes(side_data.get(SideData.DISPLAYMATRIX)))
        )
    except (ValueError, TypeError, struct.error):
        # There is no matrix, or PyAV does not know other side data of the frame and then gives only the rotation.
        turn = np.radians(frame.rotation)
        a, b, c, d = np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)
    if not abs(a * d - b * c) > 0:  # flat, or not a number
        return Orientation(), 0.0
    if abs(a) + abs(d) >= abs(b) + abs(c):
        orientation, angle = Orientation(mirrors_x=a < 0, mirrors_y=d < 0), np.arctan2(b, a)
    else:
        orientation, angle = Orientation(swaps=True, mirrors_x=c < 0, mirrors_y=b < 0), np.arctan2(b, a)
    degrees = float(np.degrees(angle)) % 90
    degrees = min(degrees, 90 - degrees)
    return orientation, degrees if degrees > ASLANT else 0.0
