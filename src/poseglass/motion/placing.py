"""Add a trajectory to a lifted motion: the path of the pelvis, contact of the feet, and the way to the world."""

import logging
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.body.geometry import USUAL_FOCAL
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError
from poseglass.motion.contact import ANKLES, foot_contact, still_feet
from poseglass.motion.ground import WEIGHTS, find_ground
from poseglass.motion.root_path import Support, root_path
from poseglass.motion.sight import Sight

__all__ = ["CAMERAS", "place", "stature"]

log = logging.getLogger("poseglass")

CAMERAS = ("auto", "static", "moving")
HEIGHTS, PITCHES = (0.3, 3.0), (-90.0, 90.0)
SOLE = 1.05  # a person's height by the length of their bones from the ankles up
ROUNDS = 2  # from path to contact and back
UNSURE = 8.0  # degrees: if the way up is less sure than that, say so


def place(
    motion: PoseSequence,
    *,
    focal: float | None = None,
    height: float | None = None,
    pitch: float | None = None,
    camera: str = "auto",
) -> PoseSequence:
    """Add the trajectory to a lifted motion: where the person is, when the feet stand, and where the ground is.

    The path is one robust solve over the whole track (:func:`poseglass.motion.root_path.root_path`): it fits the 2D
    poses, is smooth, and keeps feet that stand in place.

    Args:
        motion: Poses of Human3.6M's joints in camera space, relative to the pelvis, with `pose2d` and `size`. Without
            a size, or without a frame, it is returned unchanged.
        focal: Focal length in pixels. Default: 1.1 times the image's longer side; then the distance from the camera,
            and with it the scale of the path, is a guess.
        height: The person's height in metres. The poses, their uncertainty and the path are scaled to it;
            all directions stay.
        pitch: Degrees that the camera looks down; the camera is then taken not to roll. By default, the way up is
            estimated.
        camera: ``"moving"``: the path is relative to the camera, and there is no way to the world. ``"auto"`` stands
            for ``"static"`` here, as poses do not tell; :class:`poseglass.lifting.lifter.Lifter` tests the video.

    Raises:
        PoseError: The motion is not a lifted one, or a number is out of range.

    Example:
        >>> import poseglass as pg
        >>> stand = np.random.default_rng(0).normal(0, 0.4, (30, 17, 3)) * [1, 1, 0.2]
        >>> stand -= stand[:, :1]
        >>> places = stand + [1, 0.5, 4]
        >>> pixels = 1000 * places[..., :2] / places[..., 2:] + [960, 540]
        >>> pose2d = pg.PoseSequence(pixels, pg.H36M_17, "pixels", size=(1920, 1080))
        >>> motion = pg.PoseSequence(stand, pg.H36M_17, "camera", pose2d=pose2d, size=(1920, 1080))
        >>> place(motion, focal=1000).root.mean(0).round(1).tolist()
        [1.0, 0.5, 4.0]
    """
    _check(motion, focal, height, pitch, camera)
    if motion.size is None or motion.pose2d is None or not len(motion):
        return motion
    if focal is None:
        focal = USUAL_FOCAL * max(motion.size)
    points, radii = motion.points.astype(np.float64), motion.uncertainty
    if height is not None:
        scale = height / stature(points)
        points, radii = points * scale, None if radii is None else radii * scale
    sight = _sight(replace(motion, points=points), focal)
    times = motion.times
    path = root_path(sight, times)
    contact = still_feet(points + path[:, None], times)
    for _ in range(ROUNDS):
        # The way up rests on the slow feet: it must not depend on the contact, which depends on it.
        places = points + path[:, None]
        ground = find_ground(places, still_feet(places, times), times, pitch=pitch)
        contact = foot_contact(places, ground.up, times)
        path = root_path(sight, times, Support(contact, points[:, ANKLES], ground.up, WEIGHTS @ points))
    places = points + path[:, None]
    to_world = None
    if camera != "moving":
        ground = find_ground(places, still_feet(places, times), times, pitch=pitch)
        to_world = ground.to_world(path[0])
        if ground.sigma > UNSURE:
            log.info("no one stands or walks upright: the camera is taken to be level (give its pitch if it is not)")
    trajectory = Trajectory(path, contact=contact, to_world=to_world, focal=float(focal))
    return replace(motion, points=points, trajectory=trajectory, uncertainty=radii)


def stature(points: Float[ndarray, "f 17 3"]) -> float:
    """The height in metres of a person who stands upright, from the lengths of their bones.

    The medians of legs, trunk, and neck with head, and 5 % for the part below the ankles.
    """

    def median(*joints: str) -> float:
        ends = points[:, [H36M_17.index(joint) for joint in joints]]
        return float(np.median(np.linalg.norm(np.diff(ends, axis=1), axis=-1).sum(1)))

    legs = (median("left_hip", "left_knee", "left_ankle") + median("right_hip", "right_knee", "right_ankle")) / 2
    return SOLE * (legs + median("pelvis", "spine", "thorax") + median("thorax", "head_top"))


def _sight(motion: PoseSequence, focal: float) -> Sight:
    assert motion.pose2d is not None
    assert motion.size is not None
    flat = motion.pose2d.to_skeleton(H36M_17)
    weights = np.where(motion.validity[:, None] & flat.validity[:, None], flat.confidence, 0).astype(np.float64)
    pixels = np.where(weights[..., None] > 0, flat.points, 0)
    weights = np.where(np.isfinite(motion.points).all(-1), weights, 0)
    return Sight(motion.points, (pixels - np.array(motion.size) / 2) / focal, weights)


def _check(motion: PoseSequence, focal: float | None, height: float | None, pitch: float | None, camera: str) -> None:
    if motion.space != "camera" or motion.skeleton != H36M_17:
        raise PoseError(
            f"expected a lifted motion, of {H36M_17.name} in camera space, got {motion.skeleton.name} in "
            f"{motion.space} space"
        )
    if focal is not None and not 0 < focal < np.inf:
        raise PoseError(f"focal must be a length in pixels above 0, got {focal}")
    for name, value, (low, high), unit in (("height", height, HEIGHTS, "metres"), ("pitch", pitch, PITCHES, "degrees")):
        if value is not None and not low <= value <= high:
            raise PoseError(f"{name} must be from {low:g} to {high:g} {unit}, got {value}")
    if camera not in CAMERAS:
        raise PoseError(f"camera must be one of {', '.join(CAMERAS)}, got {camera!r}")
