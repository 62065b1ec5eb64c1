"""Readers of 2D keypoint files that other tools write. :data:`FORMATS` lists them; each has a file of its own."""

from poseglass.keypoints.formats import FORMATS, SUFFIXES, Format
from poseglass.keypoints.layouts import COCO_18, LAYOUTS
from poseglass.keypoints.objects import from_rtmlib, from_supervision, from_ultralytics
from poseglass.keypoints.reading import read_keypoints, read_people

__all__ = [
    "COCO_18",
    "FORMATS",
    "LAYOUTS",
    "SUFFIXES",
    "Format",
    "from_rtmlib",
    "from_supervision",
    "from_ultralytics",
    "read_keypoints",
    "read_people",
]
