"""A 3D player of a motion in one HTML file, which opens offline in any browser.

The page consists of three template files in this folder (:file:`player.html`, ``.css``, ``.js``) and the motion. Points
are stored in base64 as 16-bit steps of a millimetre (coarser beyond 32 m), so that an hour at 30 fps takes about 25 MB.
"""

import base64
import html
import json
import re
import tempfile
import warnings
import webbrowser
from dataclasses import asdict
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import Skeleton
from poseglass.errors import PoseError
from poseglass.files.writing import writing
from poseglass.show import scene as _scene
from poseglass.show.scene import (
    GRID,
    SHADING,
    Colour,
    Viewpoint,
    bone_ends,
    girths,
    middle_joints,
    mix,
    side_colours,
)
from poseglass.show.stage import set_stage

__all__ = ["view", "write_page"]

UNKNOWN = -32768  # the 16-bit number of an unknown coordinate
FINEST, FINEST_2D = 0.001, 0.25  # metres and pixels per step of a coordinate
COLOURS: dict[str, Colour] = {
    name: getattr(_scene, name.upper())
    for name in ("night", "slate", "ink", "dim", "left", "right", "bone", "amber", "rose")
} | {"glow": mix(_scene.NIGHT, (90, 112, 160), 0.16)}


def write_page(motion: PoseSequence, path: str | PathLike[str], *, title: str | None = None) -> Path:
    """Write a self-contained page that plays a motion. Kept frames are highlighted on the timeline.

    Args:
        motion: The 3D motion. Its ``pose2d``, if in pixels, is shown in a corner.
        path: The file to write, ending in ``.html``.
        title: The title of the page. Default: the name of the file.

    Raises:
        PoseError: The motion is empty or not 3D, the name does not end in ``.html``, or the file cannot be written.

    Example:
        >>> motion = pg.lift("walk.mp4")  # doctest: +SKIP
        >>> write_page(motion, "walk.html")  # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise PoseError(f"expected a file name that ends in .html, got {path}")
    if not len(motion):
        raise PoseError("expected a motion of at least one frame, got an empty one")
    # "</script>" in a joint name would end the script early, so "<" is written as a JSON escape.
    record = json.dumps(_record(motion), allow_nan=False).replace("<", "\\u003c")
    variables = "; ".join(f"--{name}: rgb{colour}" for name, colour in COLOURS.items())
    parts = {
        "title": html.escape(path.stem if title is None else title),
        "colours": f":root {{ {variables}; }}",
        "style": _template("player.css"),
        "script": _template("player.js"),
        "motion": record,
    }
    # All in one pass, so that braces in a title are not replaced.
    page = re.sub(r"\{\{(\w+)\}\}", lambda gap: parts[gap[1]], _template("player.html"))
    with writing(path, PoseError) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def view(motion: PoseSequence, *, title: str = "motion") -> Path:
    """Show a motion in the web browser. Return the path of the page, which is in a temporary folder.

    Warns:
        UserWarning: No browser could be opened.

    Raises:
        PoseError: The motion is empty or not 3D.

    Example:
        >>> view(pg.PoseSequence.load("walk.npz"))  # doctest: +SKIP
    """
    path = write_page(motion, Path(tempfile.mkdtemp(prefix="poseglass-")) / "motion.html", title=title)
    if not webbrowser.open(path.as_uri()):
        warnings.warn(f"no web browser could be opened; open {path} yourself", stacklevel=2)
    return path


def _record(motion: PoseSequence) -> dict[str, Any]:
    """The player's data. Points are relative to the ground, with y down."""
    points = set_stage(motion).figures[0].points
    pose2d, flat = motion.pose2d, None
    if pose2d is not None and pose2d.space == "pixels" and (size := pose2d.size or motion.size):
        sure = pose2d.confidence >= _scene.SURE
        flat = {"size": size} | _body(pose2d.skeleton, np.where(sure[..., None], pose2d.points, np.nan), FINEST_2D)
    facts = [f"{len(motion)} frames", f"{motion.rate:g} fps", f"{motion.space} space in {motion.units}"]
    facts += [motion.skeleton.name]
    if motion.kept is not None:
        facts.insert(1, f"{int(motion.kept.sum())} kept")
    return {
        "frames": len(motion),
        "fps": motion.rate,
        "facts": " · ".join(facts),
        "colours": COLOURS,
        "camera": asdict(Viewpoint()),
        "grid": asdict(GRID),
        "shading": asdict(SHADING),
        "body": _body(motion.skeleton, points, FINEST)
        | {"girths": girths(motion.skeleton).tolist(), "middle": middle_joints(motion.skeleton)},
        "flat": flat,
        "valid": _text(motion.validity.astype("u1")),
        "kept": None if motion.kept is None else _text(motion.kept.astype("u1")),
        "times": None if motion.timestamps is None else _text((motion.times - motion.times[0]).astype("<f4")),
    }


def _body(skeleton: Skeleton, points: Float[ndarray, "f j _"], finest: float) -> dict[str, Any]:
    """The points in whole steps (of size `finest` if 16 bits suffice), and the facts needed to draw them."""
    known = np.isfinite(points).all(-1, keepdims=True)
    points = np.where(known, points, 0)
    step = max(finest, float(np.abs(points).max()) / 32767)
    sides = [(_scene.BONE, _scene.LEFT, _scene.RIGHT).index(colour) for colour in side_colours(skeleton)[1]]
    return {
        "joints": len(skeleton),
        "bones": list(zip(*bone_ends(skeleton), strict=True)),
        "sides": sides,
        "step": step,
        "points": _text(np.where(known, np.rint(points / step), UNKNOWN).astype("<i2")),
    }


def _text(array: ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _template(name: str) -> str:
    return files("poseglass.show.viewer").joinpath(name).read_text(encoding="utf-8")
