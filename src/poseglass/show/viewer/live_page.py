"""The page that shows live poses: the scene of the player, and the image beside it."""

import html
import json
from dataclasses import asdict

from poseglass.body.skeleton import H36M_17, Skeleton
from poseglass.files.printable import printable
from poseglass.motion.contact import ANKLES
from poseglass.show.scene import GRID, SHADING, Viewpoint, figure_colours, girths
from poseglass.show.viewer import filled_template
from poseglass.show.viewer.record import COLOURS, limbs

__all__ = ["live_page"]

SCRIPTS = ("camera", "canvas", "floor", "figures", "keypoints", "pointer", "live")


def live_page(title: str, skeleton: Skeleton) -> str:
    """The page, HTML. It listens to the server-sent events of ``/poses``.

    Args:
        title: Its title.
        skeleton: The joints of the 2D poses.

    Example:
        >>> "EventSource" in live_page("camera 0", H36M_17)
        True
    """
    person = {
        "name": "person",
        "compared": False,
        "colours": figure_colours(0, alone=True),
        "body": limbs(H36M_17) | {"girths": girths(H36M_17).tolist()},
        "flat": limbs(skeleton) | {"size": [16, 9]},
        "ankles": ANKLES,
    }
    record = {
        "fps": 30,
        "place": "body",
        "colours": COLOURS,
        "view": asdict(Viewpoint()),
        "camera": None,
        "grid": asdict(GRID),
        "shading": asdict(SHADING),
        "people": [person],
    }
    return filled_template("live.html", SCRIPTS, {"title": html.escape(printable(title)), "motion": json.dumps(record)})
