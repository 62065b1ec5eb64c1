"""`CameraView`: a take as one of the user's cameras saw it, in 3D camera space and in 2D."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.geometry import UP, Camera
from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.findings import Finding, Findings, count
from poseglass.errors import FormatError, PoseError
from poseglass.keypoints import read_keypoints
from poseglass.own.bodies import BodyMotion
from poseglass.own.conventions import Conventions
from poseglass.own.description import OwnCamera
from poseglass.own.sources import MotionSource

__all__ = ["CameraView", "camera_views"]

# Median distance of keypoints from the projected 3D poses, as a share of the image's width, above which there is a
# warning or an error. At 4 m and a focal length of one image width, these are 8 cm and 24 cm (a forearm).
UNUSUAL_DISTANCE, WRONG_DISTANCE = 0.02, 0.06
MOSTLY = 0.5  # warn if less than this share of the joints is inside the image


@dataclass(frozen=True, eq=False)
class CameraView:
    """A take as one camera saw it.

    Args:
        camera: The camera's name.
        size: Width and height of its images in pixels.
        points3d: Joints in camera space in metres (f 17 3).
        projected: The projected 3D poses in pixels (f 17 2).
        detected: The take's own 2D keypoints in pixels (f 17 2), if there are any.
        scores: The confidence of the 2D keypoints (f 17).
        valid: Whether each frame can be used (f): all joints are known and in front of the camera.
        distance: Median distance in pixels of the 2D keypoints from the projected 3D poses.
    """

    camera: str
    size: tuple[int, int]
    points3d: Float[ndarray, "f 17 3"]
    projected: Float[ndarray, "f 17 2"]
    detected: Float[ndarray, "f 17 2"] | None
    scores: Float[ndarray, "f 17"] | None
    valid: Bool[ndarray, " f"]
    distance: float = 0.0


def camera_views(
    body: BodyMotion, source: MotionSource, conventions: Conventions
) -> Iterator[tuple[CameraView | None, Findings]]:
    """Project a take into each camera that saw it.

    Args:
        body: The take in metres, with y up or in the space of its camera.
        source: The source, which describes the cameras.
        conventions: The unit and the upward axis of the cameras' positions, where the description lacks them.

    Yields:
        The view, and findings about it. The view is None if it cannot be used.
    """
    cameras, entry = source.description.cameras, body.file.entry
    names = {entry.camera} if entry.camera else {*entry.cameras} or {*cameras}
    place = str(body.file.path)
    if body.space == "camera" and len(names) != 1:
        text = (
            f"the camera of its 3D poses is unknown; in its [[takes]] entry, set camera to one of {', '.join(cameras)}"
        )
        yield None, Findings([Finding("error", place, text)])
        return
    unit, up = conventions.unit_of(source.description), conventions.up_of(source.description)
    for name in sorted(names & cameras.keys()):
        if body.space == "world" and not cameras[name].placed:
            text = "expected rotation and translation (or position), because the 3D poses are in the world"
            yield None, Findings([Finding("error", f"{place}, camera {name}", text)])
            continue
        yield _view(body, source, name, _camera(cameras[name], unit, up))


def _view(body: BodyMotion, source: MotionSource, name: str, camera: Camera) -> tuple[CameraView | None, Findings]:
    size, place, findings = source.description.cameras[name].size, f"{body.file.path}, camera {name}", Findings()
    points = camera.to_camera(body.points) if body.space == "world" else body.points
    projected = camera.project(points)
    known = np.isfinite(points).all((1, 2))
    valid = known & np.isfinite(projected).all((1, 2))
    if not valid.any():
        findings.error(place, "no frame has all joints in front of the camera; is its rotation inverted?")
        return None, findings
    if (behind := known & ~valid).any():
        text = f"{count(int(behind.sum()), 'frame')} with joints behind the camera, this one first; left out"
        findings.warning(f"{place}, frame {int(behind.argmax())}", text)
    inside = ((projected[valid] >= 0) & (projected[valid] <= np.array(size))).all(-1)
    if not inside.any():
        findings.error(place, "no joint is ever inside the image; check size, focal, rotation and translation")
        return None, findings
    if inside.mean() < MOSTLY:
        findings.warning(place, f"{1 - inside.mean():.0%} of the joints are outside the image")
    view = CameraView(name, size, points, np.where(valid[:, None, None], projected, 0), None, None, valid)
    if file := body.file.entry.keypoints.get(name):
        return _with_keypoints(view, body, source, source.folder / file, findings)
    return view, findings


def _with_keypoints(
    view: CameraView, body: BodyMotion, source: MotionSource, path: Path, findings: Findings
) -> tuple[CameraView | None, Findings]:
    """Add the 2D keypoints of a file to a view, after comparing them with the projected 3D poses."""
    place = f"{body.file.path}, camera {view.camera}, {path}"
    layout = body.file.entry.layout or source.description.layout or None
    try:
        poses = read_keypoints(path, layout=layout, size=view.size, fps=body.fps).to_skeleton()
    except (FormatError, PoseError) as problem:
        findings.error(place, Finding.from_exception(str(path), problem).text)
        return None, findings
    if len(poses) < len(body):
        findings.error(place, f"expected 2D keypoints for each of {len(body)} frames of 3D poses, got {len(poses)}")
        return None, findings
    detected, scores = poses.points[: len(body)].astype(np.float64), poses.confidence[: len(body)]
    distance = _distances(detected, scores, view)
    if not np.isfinite(distance).any():
        findings.error(place, "no usable frame has known keypoints")
        return None, findings
    median, width = float(np.nanmedian(distance)), view.size[0]
    if median > UNUSUAL_DISTANCE * width:
        mirror = H36M_17.mirror
        mirrored = _distances(detected[:, mirror], scores[:, mirror], view)
        is_mirrored = bool(np.isfinite(mirrored).any() and np.nanmedian(mirrored) < median / 2)
        worst = np.flatnonzero(view.valid)[int(np.nan_to_num(distance).mean(1).argmax())]
        reason = "their left and right are swapped" if is_mirrored else "another camera, take or first frame?"
        apart = f"2D keypoints are {median:.0f} pixels (median) from the projected 3D poses, most in frame {worst}"
        is_error = is_mirrored or median > WRONG_DISTANCE * width
        findings.append(Finding("error" if is_error else "warning", place, f"{apart}; {reason}"))
    detected = np.where(scores[..., None] > 0, detected, 0)
    return replace(view, detected=detected, scores=scores, distance=median), findings


def _distances(
    detected: Float[ndarray, "f 17 2"], scores: Float[ndarray, "f 17"], view: CameraView
) -> Float[ndarray, "k 17"]:
    """Distances in pixels in the usable frames (k 17); NaN for keypoints with a score of 0."""
    distances: ndarray = np.where(scores > 0, np.linalg.norm(detected - view.projected, axis=-1), np.nan)
    usable: ndarray = distances[view.valid]
    return usable


def _camera(own: OwnCamera, unit: float, up: str) -> Camera:
    """The camera in a world in metres with y up."""
    rotation, camera = np.array(UP[up], float), own.camera
    return replace(camera, rotation=camera.rotation @ rotation.T, position=rotation @ (camera.position * unit))
