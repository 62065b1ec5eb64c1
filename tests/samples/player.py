"""The page of the 3D player for a motion, and the record of the motion in it."""

import base64
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from poseglass.show.stage import Motions
from poseglass.show.viewer import write_page


def motion_page(motion: Motions, **settings: object) -> str:
    """The HTML of the page."""
    with TemporaryDirectory() as folder:
        return write_page(motion, Path(folder) / "page.html", **settings).read_text(encoding="utf-8")


def read_record(page: str) -> dict:
    """The record that the page stores as JSON."""
    return json.loads(re.search(r'<script type="application/json" id="motion">(.*?)</script>', page, re.S)[1])


def stored(numbers: dict, *shape: int) -> np.ndarray:
    """The numbers that the page stores as multiples of a step; NaN where unknown."""
    steps = np.frombuffer(base64.b64decode(numbers["values"]), "<i2").reshape(shape)
    return np.where(steps == -32768, np.nan, steps * numbers["step"])
