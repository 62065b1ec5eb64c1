"""Synthetic people whose path, contact and camera are known exactly."""

from dataclasses import dataclass

import numpy as np

import poseglass as pg

SIZE, FOCAL, FPS = (1920, 1080), 2000.0, 30.0
ANKLE = 0.08
J = {name: number for number, name in enumerate(pg.H36M_17.joints)}


@dataclass(frozen=True, eq=False)
class Scene:
    """A person in the world, and the camera that sees them.

    Args:
        world: True joints, metres, y up (f 17 3).
        contact: Whether each foot stands (f 2).
        turn: Rotation from the world to the camera.
        position: The camera's centre in the world.
        fps: Frames per second.
    """

    world: np.ndarray
    contact: np.ndarray
    turn: np.ndarray
    position: np.ndarray
    fps: float = FPS

    @property
    def camera(self) -> np.ndarray:
        """True joints in the camera's axes."""
        return (self.world - self.position) @ self.turn.T

    def motion(self, noise: float = 0.0, **changes) -> pg.PoseSequence:
        """The lifted motion: true poses without their place, and 2D poses with noise in pixels."""
        places = self.camera
        pixels = FOCAL * places[..., :2] / places[..., 2:] + np.array(SIZE) / 2
        pixels = pixels + np.random.default_rng(7).normal(0, noise, pixels.shape) if noise else pixels
        pose2d = pg.PoseSequence(pixels, pg.H36M_17, "pixels", fps=self.fps, size=SIZE)
        fields = {"fps": self.fps, "size": SIZE, "pose2d": pose2d} | changes
        return pg.PoseSequence(places - places[:, :1], pg.H36M_17, "camera", **fields)


def seen(
    world: np.ndarray, contact: np.ndarray, *, pitch: float = 0.0, distance: float = 6.0, fps: float = FPS
) -> Scene:
    """A scene whose camera looks down by `pitch` degrees at the middle of the path."""
    cosine, sine = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    turn = np.array([[1, 0, 0], [0, -cosine, sine], [0, -sine, -cosine]])
    middle = (world[:, 0].min(0) + world[:, 0].max(0)) / 2
    ahead = turn.T @ np.array([0.0, 0.0, 1.0])
    return Scene(world, contact, turn, middle - distance * ahead, fps)


def figure(pelvis: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """An upright person that faces +z, with the pelvis and the ankles at given places (f 3 each)."""
    world = np.zeros((len(pelvis), 17, 3))
    offsets = {
        "pelvis": (0, 0, 0),
        "right_hip": (-0.13, 0, 0),
        "left_hip": (0.13, 0, 0),
        "spine": (0, 0.24, 0.01),
        "thorax": (0, 0.49, 0),
        "neck_nose": (0, 0.58, 0.08),
        "head_top": (0, 0.72, 0.02),
        "left_shoulder": (0.15, 0.46, 0),
        "right_shoulder": (-0.15, 0.46, 0),
        "left_elbow": (0.2, 0.2, -0.03),
        "right_elbow": (-0.2, 0.2, -0.03),
        "left_wrist": (0.22, -0.02, 0.06),
        "right_wrist": (-0.22, -0.02, 0.06),
    }
    for name, offset in offsets.items():
        world[:, J[name]] = pelvis + np.array(offset)
    for side, ankle in (("left", left), ("right", right)):
        world[:, J[f"{side}_ankle"]] = ankle
        world[:, J[f"{side}_knee"]] = (world[:, J[f"{side}_hip"]] + ankle) / 2 + np.array([0, 0, 0.05])
    return world


def walk(*, seconds: float = 8.0, direction: float = 90.0, fps: float = FPS, **view) -> Scene:
    """A walk at 1.2 m/s with planted feet; `direction` in degrees from toward the camera (0) to its right (90)."""
    times = np.arange(round(seconds * fps)) / fps
    speed, period = 1.2, 1.0  # of one stride: two steps
    heading = np.array([np.sin(np.radians(direction)), 0, np.cos(np.radians(direction))])
    across = np.cross([0.0, 1, 0], heading)
    pelvis = speed * times[:, None] * heading + np.array([0, 0.93, 0])
    pelvis[:, 1] += 0.02 * np.cos(4 * np.pi * times / period)
    ankles, contact = [], []
    for side, shift in ((0.1, 0.0), (-0.1, 0.5)):  # left, right
        phase = times / period + shift
        whole, part = np.floor(phase), phase % 1
        swing = np.clip((part - 0.6) / 0.4, 0, 1)  # it stands for 60 % of the stride
        smooth = swing * swing * (3 - 2 * swing)
        along = speed * period * (whole + smooth - shift + 0.3)
        ankle = along[:, None] * heading + side * across
        ankle[:, 1] = ANKLE + 0.12 * np.sin(np.pi * swing)
        ankles.append(ankle)
        contact.append(part < 0.6)
    return seen(figure(pelvis, *ankles), np.stack(contact, -1), fps=fps, **view)


def jump(*, height: float = 0.45, **view) -> Scene:
    """A jump from standing, with ballistic flight between take-off and landing, straight legs in the air."""
    fps, wait = FPS, 30
    flight = 2 * np.sqrt(2 * height / 9.81)
    count = round(flight * fps)
    air = np.arange(1, count) / fps
    dip = 0.25 * np.sin(np.pi * np.arange(24) / 23) ** 2
    rise = np.sqrt(2 * 9.81 * height) * air - 4.905 * air**2
    lift = np.concatenate([np.zeros(wait), -dip, rise, -dip, np.zeros(wait)])
    stands = np.concatenate([np.ones(wait + 24), np.zeros(len(rise)), np.ones(wait + 24)]) > 0
    pelvis = np.stack([0 * lift, 0.95 + lift, 0 * lift], -1)
    foot = np.where(stands, 0, lift)
    left, right = (np.stack([0 * lift + side, ANKLE + foot, 0 * lift], -1) for side in (0.12, -0.12))
    return seen(figure(pelvis, left, right), np.stack([stands, stands], -1), **view)


def jump_down(*, drop: float = 1.5, seconds: float = 2.0, **view) -> Scene:
    """A jump from a platform to the ground in front of it: standing, flight, a landing that bends the knees, standing.

    The camera looks from the side, so the person moves to its right.
    """
    count, wait = round(FPS * np.sqrt(2 * drop / 9.81)), round(seconds * FPS)
    air = np.arange(1, count + 1) / FPS
    fall = drop - 4.905 * air**2
    fall[-1] = 0
    dip = 0.3 * np.sin(np.pi * np.arange(16) / 15) ** 2
    height = np.concatenate([np.full(wait, drop), fall, -dip, np.zeros(wait)])
    stands = np.ones(len(height), bool)
    stands[wait : wait + count - 1] = False
    across = np.interp(np.arange(len(height)), [wait - 1, wait + count - 1], [0.0, 1.0])
    pelvis = np.stack([across, 0.95 + height, 0 * height], -1)
    feet = np.maximum(height, 0)
    left, right = (np.stack([across + side, ANKLE + feet, 0 * height], -1) for side in (0.12, -0.12))
    return seen(figure(pelvis, left, right), np.stack([stands, stands], -1), **view)


def lying(*, frames: int = 90, **view) -> Scene:
    """A person who lies on the back across the image, and breathes."""
    zeros = np.zeros((frames, 3))
    upright = figure(*(zeros + np.array(place) for place in ((0, 0.95, 0), (0.12, ANKLE, 0), (-0.12, ANKLE, 0))))
    world = np.stack([upright[..., 1], 0.1 + upright[..., 2], upright[..., 0]], -1)
    world[:, J["spine"], 1] += 0.01 * np.sin(np.arange(frames) / 10)
    return seen(world, np.zeros((frames, 2), bool), **view)
