"""The focal length that a file's metadata states, in pixels."""

from collections.abc import Mapping
from math import hypot
from pathlib import Path
from typing import Any

from poseglass.files.quiet import without_warnings

__all__ = ["focal_of_image", "focal_of_tags"]

FULL_FRAME = hypot(36, 24)  # millimetres: the diagonal that "35 mm equivalent" refers to (CIPA DCG-001)
# Keys under which QuickTime files (Apple's) and FFmpeg's readers state the 35 mm equivalent.
EQUIVALENT = ("com.apple.quicktime.camera.focal_length.35mm_equivalent", "FocalLengthIn35mmFilm")
CREDIBLE = (0.2, 20.0)  # focal length over the longer side: beyond a fisheye and a telescope, the tag is wrong
# Numbers of Exif tags (CIPA DC-008): the pointer to the camera's part, and in it:
EXIF, FOCAL_MM, FOCAL_35MM, WIDTH, PER_UNIT, UNIT = 0x8769, 0x920A, 0xA405, 0xA002, 0xA20E, 0xA210
MILLIMETRES = {2: 25.4, 3: 10.0}  # of the units of PER_UNIT: inch, centimetre


def focal_of_tags(tags: Mapping[str, str], size: tuple[int, int]) -> float | None:
    """The focal length in pixels from the 35 mm equivalent in a video's tags; None without a credible one.

    Example:
        >>> round(focal_of_tags({"com.apple.quicktime.camera.focal_length.35mm_equivalent": "26"}, (1920, 1080)))
        1324
    """
    for key in EQUIVALENT:
        try:
            equivalent = float(tags[key])
        except (KeyError, ValueError):
            continue
        if (focal := _credible(equivalent / FULL_FRAME * hypot(*size), size)) is not None:
            return focal
    return None


def focal_of_image(path: Path, size: tuple[int, int]) -> float | None:
    """The focal length in pixels from an image's Exif data; None without credible ones.

    From the 35 mm equivalent, else from the focal length in millimetres and the pixels per unit of the sensor.
    """
    try:
        from PIL import Image

        with without_warnings(), Image.open(path) as image:
            tags = dict(image.getexif().get_ifd(EXIF))
    except Exception:  # no Pillow, not an image that it reads, or damaged tags: then nothing is known
        return None
    equivalent = _number(tags.get(FOCAL_35MM))
    if equivalent and (focal := _credible(equivalent / FULL_FRAME * hypot(*size), size)) is not None:
        return focal
    length, density = _number(tags.get(FOCAL_MM)), _number(tags.get(PER_UNIT))
    unit = MILLIMETRES.get(int(_number(tags.get(UNIT)) or 2))
    if not (length and density and unit):
        return None
    shrink = max(size) / (_number(tags.get(WIDTH)) or max(size))
    return _credible(length * density / unit * shrink, size)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _credible(focal: float, size: tuple[int, int]) -> float | None:
    low, high = CREDIBLE
    return focal if low <= focal / max(size) <= high else None
