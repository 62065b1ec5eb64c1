"""Add a trajectory to a lifted motion: the path of the pelvis, contact of the feet, and the way to the world."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.geometry import USUAL_FOCAL
from poseglass.body.pose import PoseSequence
from poseglass.body.skeleton import H36M_17
from poseglass.body.trajectory import Trajectory
from poseglass.errors import PoseError
from poseglass.motion.body_size import body_size
from poseglass.motion.contact import ANKLES, foot_contact, still_feet
from poseglass.motion.flight import free_fall
from poseglass.motion.ground import Ground, find_ground
from poseglass.motion.root_path import Support, root_path
from poseglass.motion.sight import Sight

__all__ = ["CAMERAS", "Placing", "place", "place_together", "sight_of", "stature"]

log = logging.getLogger("poseglass")

CAMERAS = ("auto", "static", "moving")
HEIGHTS, PITCHES = (0.3, 3.0), (-90.0, 90.0)
SOLE = 1.05  # a person's height, divided by the length of their bones from the ankles up
ROUNDS = 2  # from path to contact and back
UNSURE = 8.0  # degrees: a larger uncertainty of the direction up is logged


@dataclass(frozen=True)
class Placing:
    """What is known about the people and the camera, and helps to place a motion in the world.

    Args:
        height: The (first) person's height in metres; the poses and the path are scaled to it.
        pitch: Degrees that the camera looks down, without roll; 0 is level. Default: estimated.
        camera: ``"static"``, ``"moving"`` (no world, only the path relative to the camera), or ``"auto"``.

    Raises:
        PoseError: A value is out of range.
    """

    height: float | None = None
    pitch: float | None = None
    camera: str = "auto"

    def __post_init__(self) -> None:
        _check_options(None, self.height, self.pitch, self.camera)


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
    poses, is smooth, keeps feet that stand in place, and falls freely in flight. For its distance, each pose
    counts as if it had the person's usual size (:func:`poseglass.motion.body_size.body_size`).

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
        >>> stand = np.repeat(np.random.default_rng(0).normal(0, 0.4, (1, 17, 3)), 30, 0)
        >>> stand -= stand[:, :1]
        >>> places = stand + [1, 0.5, 4]
        >>> pixels = 1000 * places[..., :2] / places[..., 2:] + [960, 540]
        >>> pose2d = pg.PoseSequence(pixels, pg.H36M_17, "pixels", size=(1920, 1080))
        >>> motion = pg.PoseSequence(stand, pg.H36M_17, "camera", pose2d=pose2d, size=(1920, 1080))
        >>> place(motion, focal=1000).root.mean(0).round(1).tolist()
        [1.0, 0.5, 4.0]
    """
    return place_together([motion], focal=focal, height=height, pitch=pitch, camera=camera)[0]


def place_together(
    motions: Sequence[PoseSequence],
    *,
    focal: float | None = None,
    height: float | None = None,
    pitch: float | None = None,
    camera: str = "auto",
) -> list[PoseSequence]:
    """Add trajectories to the motions of people whom one camera saw at the same time: they share one world.

    The arguments are those of :func:`place`, with three differences. The ground is estimated from all people. The
    origin is below the first person's first position. `height` is that of the first person, and the others are scaled
    by the same factor.

    Raises:
        PoseError: A motion is not a lifted one, a number is out of range, or the image sizes differ.
    """
    for motion in motions:
        _check(motion)
    _check_options(focal, height, pitch, camera)
    sizes = {motion.size for motion in motions}
    if len(sizes) > 1:
        raise PoseError(f"people seen by one camera have one image size, got {sorted(map(str, sizes))}")
    if not motions or motions[0].size is None or any(not len(one) or one.pose2d is None for one in motions):
        return list(motions)
    if focal is None:
        focal = USUAL_FOCAL * max(motions[0].size)
    scale = 1.0 if height is None else height / stature(motions[0].points)
    people = [_Person(motion, focal, scale) for motion in motions]
    for _ in range(ROUNDS):
        ground = _ground(people, pitch)
        for person in people:
            person.solve(ground)
    ground = _ground(people, pitch)
    to_world = None if camera == "moving" else ground.to_world(people[0].path[0])
    if to_world is not None and ground.sigma > UNSURE:
        log.info("no one stands or walks upright: the camera is taken to be level (give its pitch if it is not)")
    return [person.placed(to_world) for person in people]


class _Person:
    """One person while the path is solved."""

    def __init__(self, motion: PoseSequence, focal: float, scale: float) -> None:
        self._motion, self._focal, self._scale, self.times = motion, focal, scale, motion.times
        self._points = motion.points.astype(np.float64) * scale
        size = body_size(self._points, _visible(motion), self.times)
        self._sight = sight_of(motion, self._points / size[:, None, None], focal)
        self.path = root_path(self._sight, self.times)
        self._contact = np.full((len(motion), 2), 0.5)

    @property
    def places(self) -> Float[ndarray, "f 17 3"]:
        """The joints in the camera's axes."""
        places: ndarray = self._points + self.path[:, None]
        return places

    @property
    def seconds(self) -> Float[ndarray, " f"]:
        """How long each frame lasts; 0 if the person is not visible."""
        lengths = np.gradient(self.times) if len(self.times) > 1 else np.ones(1)
        counted: ndarray = lengths * self._sight.visible
        return counted

    def solve(self, ground: Ground) -> None:
        """Find the contact from the path, and the path from the contact."""
        places = self.places
        self._contact = foot_contact(places, ground.up, self.times)
        support = Support(self._contact, self._points[:, ANKLES])
        fall = free_fall(places, self._contact, ground.up, self.times)
        del places  # as large as the motion
        self.path = root_path(self._sight, self.times, support=support, fall=fall, start=self.path)

    def placed(self, to_world: Float[ndarray, "4 4"] | None) -> PoseSequence:
        """The motion with its trajectory."""
        radii = self._motion.uncertainty
        return replace(
            self._motion,
            points=self._points,
            uncertainty=None if radii is None else radii * self._scale,
            trajectory=Trajectory(self.path, contact=self._contact, to_world=to_world, focal=float(self._focal)),
        )


def _ground(people: Sequence[_Person], pitch: float | None) -> Ground:
    """The ground under all people, from slow feet: the contact itself depends on the ground."""
    places, still, seconds = (
        np.concatenate(parts)
        for parts in zip(*((one.places, still_feet(one.places, one.times), one.seconds) for one in people), strict=True)
    )
    return find_ground(places, still, seconds, pitch=pitch)


def stature(points: Float[ndarray, "f 17 3"]) -> float:
    """The height in metres of a person who stands upright, from the lengths of their bones.

    The medians of legs, trunk, and neck with head, and 5 % for the part below the ankles.
    """

    def median(*joints: str) -> float:
        ends = points[:, [H36M_17.index(joint) for joint in joints]]
        return float(np.median(np.linalg.norm(np.diff(ends, axis=1), axis=-1).sum(1)))

    legs = (median("left_hip", "left_knee", "left_ankle") + median("right_hip", "right_knee", "right_ankle")) / 2
    return SOLE * (legs + median("pelvis", "spine", "thorax") + median("thorax", "head_top"))


def _visible(motion: PoseSequence) -> Bool[ndarray, " f"]:
    """Whether a frame shows the person."""
    assert motion.pose2d is not None
    visible: ndarray = motion.validity & motion.pose2d.validity
    return visible


def sight_of(motion: PoseSequence, points: Float[ndarray, "f 17 3"], focal: float) -> Sight:
    """The lines of sight to the joints of a lifted motion with `pose2d` and `size`, for a focal length in pixels."""
    assert motion.pose2d is not None
    assert motion.size is not None
    flat = motion.pose2d.to_skeleton(H36M_17)
    weights = np.where(motion.validity[:, None] & flat.validity[:, None], flat.confidence, 0).astype(np.float64)
    weights = np.where(np.isfinite(points).all(-1), weights, 0)
    pixels = np.where(weights[..., None] > 0, flat.points, 0)
    return Sight(points, (pixels - np.array(motion.size) / 2) / focal, weights)


def _check(motion: PoseSequence) -> None:
    if motion.space != "camera" or motion.skeleton != H36M_17:
        raise PoseError(
            f"expected a lifted motion, of {H36M_17.name} in camera space, got {motion.skeleton.name} in "
            f"{motion.space} space"
        )


def _check_options(focal: float | None, height: float | None, pitch: float | None, camera: str) -> None:
    if focal is not None and not 0 < focal < np.inf:
        raise PoseError(f"focal must be a length in pixels above 0, got {focal}")
    for name, value, (low, high), unit in (("height", height, HEIGHTS, "metres"), ("pitch", pitch, PITCHES, "degrees")):
        if value is not None and not low <= value <= high:
            raise PoseError(f"{name} must be from {low:g} to {high:g} {unit}, got {value}")
    if camera not in CAMERAS:
        raise PoseError(f"camera must be one of {', '.join(CAMERAS)}, got {camera!r}")
