"""The page of the 3D player for a motion, and the record of the motion in it."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from poseglass import PoseSequence
from poseglass.show.viewer import write_page


def motion_page(motion: PoseSequence, title: str | None = None) -> str:
    """The HTML of the page."""
    with TemporaryDirectory() as folder:
        return write_page(motion, Path(folder) / "page.html", title=title).read_text(encoding="utf-8")


def read_record(page: str) -> dict:
    """The record that the page stores as JSON."""
    return json.loads(re.search(r'<script type="application/json" id="motion">(.*?)</script>', page, re.S)[1])
