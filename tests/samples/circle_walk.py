"""A walk on a circle whose place in the world is known, seen by a camera that looks down on it."""

from dataclasses import replace

import numpy as np

from conftest import FOCAL, SIZE, make_walk
from poseglass import H36M_17, PoseSequence
from poseglass.body.trajectory import Trajectory

RADIUS, SPEED, ANKLE, PITCH = 1.5, 1.2, 0.08, 12.0
"""Metres, metres per second, metres from the ankle to the floor, degrees that the camera looks down."""


def circle_walk(frames: int = 90, fps: float = 30.0, *, start: float = 0.0, person: int | None = None) -> PoseSequence:
    """A walk on a circle around a point 5 m from the camera, from an angle in radians, in camera space.

    The floor is at 0 in the world, and the pelvis starts above the origin.
    """
    walk = make_walk(frames, fps)
    turned = start + np.arange(frames) / fps * SPEED / RADIUS
    body = walk.points.astype(float) * [1, -1, -1]  # y up
    ahead = np.radians(25)  # where make_walk goes: from x towards z
    angle = turned + np.pi / 2 - ahead
    sin, cos = np.sin(angle), np.cos(angle)
    zero, one = np.zeros(frames), np.ones(frames)
    # A turn from x towards z; the walker goes along the tangent of the circle.
    turns = np.stack([[cos, zero, -sin], [zero, one, zero], [sin, zero, cos]]).transpose(2, 0, 1)  # f 3 3
    body = np.einsum("fab,fjb->fja", turns, body)
    height = ANKLE - body[..., 1].min(1)
    pelvis = np.stack([RADIUS * np.cos(turned), height, RADIUS * np.sin(turned)], 1)
    pelvis -= pelvis[0] * [1, 0, 1]
    centre = -RADIUS * np.array([np.cos(start), 0, np.sin(start)])

    pitch = np.radians(PITCH)
    right, ahead_ = np.array([1.0, 0, 0]), np.array([0, -np.sin(pitch), -np.cos(pitch)])
    turn = np.stack([right, np.cross(ahead_, right), ahead_], 1)  # from the camera's axes to the world's
    eye = centre + np.array([0, 0.9 + 5 * np.sin(pitch), 5 * np.cos(pitch)])
    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = turn, eye
    points, root = body @ turn, (pelvis - eye) @ turn
    placed = points + root[:, None]
    pixels = FOCAL * placed[..., :2] / placed[..., 2:] + np.array(SIZE) / 2
    ankles = (body + pelvis[:, None])[:, [H36M_17.index(f"{side}_ankle") for side in ("left", "right")], 1]
    contact = np.where(ankles < ANKLE + 0.01, 0.95, 0.05)
    assert walk.pose2d is not None
    return replace(
        walk,
        points=points,
        person=person,
        pose2d=replace(walk.pose2d, points=np.where(walk.validity[:, None, None], pixels, np.nan), scores=None),
        trajectory=Trajectory(root, contact=contact, to_world=to_world, focal=FOCAL),
    )
