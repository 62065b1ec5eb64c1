"""What cameras of one's own saw of a take: 3D in camera space, its projection, and 2D keypoints beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.geometry import Camera
from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.findings import Finding, Findings
from poseglass.errors import FormatError, PoseError
from poseglass.keypoints import read_keypoints
from poseglass.own.description import UP, OwnCamera
from poseglass.own.takes import Body, Source

__all__ = ["View", "views"]

NEAR, FAR = 0.02, 0.06  # of the image's width, between keypoints and projected 3D in the median: odd, wrong


@dataclass(frozen=True, eq=False)
class View:
    """A take as one camera saw it.

    Args:
        camera: Its name.
        size: Width and height of its images.
        points3d: Metres in camera space (f 17 3).
        truth: The projected 3D poses in pixels (f 17 2).
        detected: 2D keypoints in pixels (f 17 2), if there are any.
        scores: How sure they are (f 17).
        valid: Whether a frame counts (f): all is known, and lies before the camera.
        apart: Pixels between keypoints and projected 3D in the median.
    """

    camera: str
    size: tuple[int, int]
    points3d: Float[ndarray, "f 17 3"]
    truth: Float[ndarray, "f 17 2"]
    detected: Float[ndarray, "f 17 2"] | None
    scores: Float[ndarray, "f 17"] | None
    valid: Bool[ndarray, " f"]
    apart: float = 0.0


def views(body: Body, source: Source, unit: float, up: str) -> Iterator[tuple[View | None, Findings]]:
    """Each camera's view of a take, and what is wrong with it.

    Args:
        body: The take, in metres, with y up or in the space of its camera.
        source: Where it is from.
        unit: Metres in the unit of length in which the cameras' places are given.
        up: The axis that points up in them.
    """
    cameras, entry = source.description.cameras, body.take.entry
    wanted = {entry.camera} if entry.camera else {*entry.cameras} or {*cameras}
    if body.space == "camera" and len(wanted) != 1:
        text = f"it is in camera space, but of which camera? Say camera = one of {', '.join(cameras)} in its take"
        yield None, Findings([Finding("error", str(body.take.path), text)])
        return
    for name in sorted(wanted & cameras.keys()):
        own, place = cameras[name], f"{body.take.path}, camera {name}"
        if body.space == "world" and not own.placed:
            text = "the 3D is in the world, so this camera needs rotation and translation (or position)"
            yield None, Findings([Finding("error", place, text)])
            continue
        yield _view(body, source, name, _moved(own, unit, up))


def _view(body: Body, source: Source, name: str, camera: Camera) -> tuple[View | None, Findings]:
    own, place = source.description.cameras[name], f"{body.take.path}, camera {name}"
    points = camera.to_camera(body.points) if body.space == "world" else body.points
    truth = camera.project(points)
    known = np.isfinite(points).all((1, 2))
    valid = known & np.isfinite(truth).all((1, 2))
    problems = Findings()
    if not valid.any():
        problems.append(
            Finding("error", place, "in no frame is everything before the camera; is its rotation the inverse?")
        )
        return None, problems
    if (behind := known & ~valid).any():
        text = f"{int(behind.sum())} frames are behind the camera, this is the first; they do not count"
        problems.append(Finding("warning", f"{place}, frame {int(behind.argmax())}", text))
    inside = ((truth[valid] >= 0) & (truth[valid] <= np.array(own.size))).all(-1)
    if not inside.any():
        return None, Findings(
            [*problems, Finding("error", place, "no joint is ever inside the image; are size, focal or place right?")]
        )
    if inside.mean() < 0.5:
        text = f"{1 - inside.mean():.0%} of the joints are outside the image"
        problems.append(Finding("warning", place, text))
    detected = scores = None
    apart = 0.0
    if file := body.take.entry.keypoints.get(name):
        path = (source.path if source.path.is_dir() else source.path.parent) / file
        try:
            layout = body.take.entry.layout or source.description.layout or None
            seen = read_keypoints(path, layout=layout, size=own.size, fps=body.fps).to_skeleton()
        except (FormatError, PoseError) as problem:
            return None, Findings(
                [*problems, Finding("error", f"{place}, {path}", Finding.from_exception(str(path), problem).text)]
            )
        if len(seen) < len(points):
            text = f"there are 2D keypoints of {len(seen)} frames, and 3D of {len(points)}"
            return None, Findings([*problems, Finding("error", f"{place}, {path}", text)])
        detected, scores = seen.points[: len(points)].astype(np.float64), seen.confidence[: len(points)]
        off = np.where(scores > 0, np.linalg.norm(detected - truth, axis=-1), np.nan)[valid]
        if not np.isfinite(off).any():
            return None, Findings(
                [*problems, Finding("error", f"{place}, {path}", "no keypoint is known in any frame that counts")]
            )
        apart = float(np.nanmedian(off))
        if apart > NEAR * own.size[0]:
            worst = np.flatnonzero(valid)[int(np.nanargmax(np.nanmean(np.nan_to_num(off), 1)))]
            mirrored = np.linalg.norm(detected[:, H36M_17.mirror] - truth, axis=-1)[valid]
            mirrored = np.where(scores[valid][:, H36M_17.mirror] > 0, mirrored, np.nan)
            turned = bool(np.isfinite(mirrored).any() and np.nanmedian(mirrored) < apart / 2)
            why = "left and right are exchanged in them" if turned else "another camera, another take, other frames?"
            text = (
                f"2D keypoints are {apart:.0f} pixels from the projected 3D in the median, most in frame {worst}; {why}"
            )
            problems.append(
                Finding("error" if turned or apart > FAR * own.size[0] else "warning", f"{place}, {path}", text)
            )
        detected = np.where(scores[..., None] > 0, detected, 0)
    view = View(name, own.size, points, np.where(valid[:, None, None], truth, 0), detected, scores, valid, apart)
    return view, problems


def _moved(own: OwnCamera, unit: float, up: str) -> Camera:
    """The camera where the world is in metres with y up."""
    turn, camera = np.array(UP[up], float), own.camera
    return Camera(
        camera.rotation @ turn.T,
        turn @ (camera.position * unit),
        camera.focal,
        camera.centre,
        camera.radial,
        camera.tangential,
    )
