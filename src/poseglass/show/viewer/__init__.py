"""A 3D player of motions in one HTML file, which opens offline in any browser.

The page consists of the template files in this folder (:file:`page.html`, :file:`page.css` and the scripts), the
motions (:mod:`poseglass.show.viewer.record`) and, if wanted, a small copy of the video
(:mod:`poseglass.show.viewer.clip`).
"""

import html
import json
import re
import tempfile
import warnings
import webbrowser
from collections.abc import Mapping, Sequence
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from poseglass.body.pose import PoseSequence
from poseglass.errors import PoseError
from poseglass.files.printable import printable
from poseglass.files.writing import writing
from poseglass.show.stage import Motions, Stage, set_stage
from poseglass.show.viewer.record import COLOURS, page_record

if TYPE_CHECKING:
    from poseglass.video.spool import Video

__all__ = ["filled_template", "frame_for_notebook", "view", "write_page"]

SCRIPTS = (
    "data", "camera", "canvas", "floor", "figures", "keypoints", "video", "timeline", "plots", "download", "pointer",
    "keys", "player",
)  # fmt: skip
"""The page's scripts. Each holds one idea in one function; :file:`player.js` brings them together."""
NOTEBOOK_FRAMES = 9000
"""A notebook shows longer motions with fewer frames per second, so that it does not grow by more than about 3 MB."""
NOTEBOOK_HEIGHT = 560  # pixels


def write_page(
    motion: Motions,
    path: str | PathLike[str],
    *,
    title: str | None = None,
    compare: Motions = (),
    video: "Video | None" = None,
) -> Path:
    """Write a self-contained page that plays motions. Kept frames are highlighted on the timeline.

    A motion whose place in the world is known walks over the floor.

    Args:
        motion: The 3D motion, or those of several people. Their 2D poses, if in pixels, are shown over the video.
        path: The file to write, ending in ``.html``.
        title: The title of the page. Default: the name of the file.
        compare: Another motion or several, shown in other colours over the first or beside it.
        video: The video that the motion was lifted from, or the :class:`poseglass.video.spool.Spool` that kept its
            pictures; its frame t belongs to row t of the motion. A small copy of it is stored in the page. Without it,
            the viewer can open the video from their own disk.

    Raises:
        PoseError: A motion is empty, entirely unknown or not 3D, the name does not end in ``.html``, or the file cannot
            be written.
        VideoError: The video cannot be read.

    Example:
        >>> motion = pg.lift("walk.mp4")  # doctest: +SKIP
        >>> write_page(motion, "walk.html", video="walk.mp4")  # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise PoseError(f"expected a file name that ends in .html, got {path}")
    stage, clip = set_stage(motion, compare), ""
    for figure in stage.figures:
        figure.motion.require_known("show")
    if video is not None:
        from poseglass.show.viewer.clip import small_copy

        clip = small_copy(video, stage.times - stage.times[0])
    page = _page(stage, printable(path.stem if title is None else title), clip)
    with writing(path, PoseError) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def view(
    motion: Motions,
    compare: Motions = (),
    *,
    title: str = "motion",
    video: "Video | None" = None,
) -> Path:
    """Show motions in the web browser. Return the path of the page, which is in a temporary folder.

    Args:
        motion: The 3D motion, or those of several people.
        compare: Another motion or several, to compare with the first.
        title: The title of the page.
        video: The video that the motion was lifted from, to show it beside the figure.

    Warns:
        UserWarning: No browser could be opened.

    Raises:
        PoseError: A motion is empty or not 3D.
        VideoError: The video cannot be read.

    Example:
        >>> walk = pg.PoseSequence.load("walk.npz")  # doctest: +SKIP
        >>> pg.view(walk, pg.smooth(walk, "butterworth:6"))  # doctest: +SKIP
    """
    folder = Path(tempfile.mkdtemp(prefix="poseglass-"))
    path = write_page(motion, folder / "motion.html", title=title, compare=compare, video=video)
    if not webbrowser.open(path.as_uri()):
        warnings.warn(f"no web browser could be opened; open {path} yourself", stacklevel=2)
    return path


def frame_for_notebook(motion: PoseSequence) -> str | None:
    """The player as an HTML element for a notebook; None for poses that it cannot play.

    A motion of more than 9000 frames is thinned.
    """
    if motion.space not in ("camera", "world") or not (motion.confidence > 0).any():
        return None
    step = -(-len(motion) // NOTEBOOK_FRAMES)
    page = html.escape(_page(set_stage(motion[::step]), repr(motion), ""))
    return f'<iframe srcdoc="{page}" style="width: 100%; height: {NOTEBOOK_HEIGHT}px; border: 0"></iframe>'


def _page(stage: Stage, title: str, clip: str) -> str:
    # "</script>" in a joint name would end the script early, so "<" is written as a JSON escape.
    record = json.dumps(page_record(stage), allow_nan=False).replace("<", "\\u003c")
    return filled_template("page.html", SCRIPTS, {"title": html.escape(title), "motion": record, "clip": clip})


def filled_template(name: str, scripts: Sequence[str], parts: Mapping[str, str]) -> str:
    """A page with its style, colours and scripts.

    Args:
        name: The template file.
        scripts: The names of the scripts, without suffix.
        parts: What else the template needs, by the names in its double braces.
    """
    variables = "; ".join(f"--{name}: rgb{colour}" for name, colour in COLOURS.items())
    every = {
        "colours": f":root {{ {variables}; }}",
        "style": _template("page.css"),
        "script": "\n".join(_template(f"{script}.js") for script in scripts),
    } | dict(parts)
    # All in one pass, so that braces in a title are not replaced.
    return re.sub(r"\{\{(\w+)\}\}", lambda gap: every[gap[1]], _template(name))


def _template(name: str) -> str:
    return files("poseglass.show.viewer").joinpath(name).read_text(encoding="utf-8")
