"""The way up and the floor, from people whose world is known."""

import numpy as np
import pytest

from oracle import walkers
from poseglass.motion.ground import Ground, find_ground, level_up


def angle(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(one @ other, -1, 1))))


def ground_of(scene: walkers.Scene, **options) -> Ground:
    seconds = np.full(len(scene.world), 1 / scene.fps)
    return find_ground(scene.camera, scene.contact.astype(float), seconds, **options)


@pytest.mark.parametrize("pitch", [-20, 0, 15, 30])
def test_a_walk_shows_the_way_up_and_the_floor(pitch: float):
    scene = walkers.walk(pitch=pitch, direction=45)
    ground = ground_of(scene)
    up = scene.turn[:, 1]
    assert angle(ground.up, up) < 3
    floor = -scene.position[1]  # along the true way up, from the camera
    middle = scene.camera[:, 0].mean(0)
    assert abs((middle @ ground.up - ground.height) - (middle @ up - floor)) < 0.05


def test_a_wide_walk_is_surer_than_standing():
    standing = walkers.jump()
    assert ground_of(walkers.walk(seconds=12, direction=45)).sigma < ground_of(standing).sigma < 5


def test_a_known_pitch_is_taken():
    scene = walkers.walk(pitch=20)
    ground = ground_of(scene, pitch=20)
    np.testing.assert_allclose(ground.up, scene.turn[:, 1], atol=1e-12)
    assert ground.sigma == 0
    assert abs(ground.height + scene.position[1]) < 0.02


def test_a_stairway_does_not_tilt_the_world():
    scene = walkers.walk(direction=90)
    rising = scene.world[:, :1, 0:1] * np.array([0, 0.5, 0])  # 27 degrees
    camera = (scene.world + rising - scene.position) @ scene.turn.T
    ground = find_ground(camera, scene.contact.astype(float), np.full(len(camera), 1 / 30))
    assert angle(ground.up, np.array([0.0, -1.0, 0.0])) < 5


def test_the_floor_is_the_lowest_level_on_which_feet_stand():
    low, high = walkers.walk(seconds=4), walkers.walk(seconds=4)
    world = np.concatenate([high.world + np.array([0, 1.0, 0]), low.world])
    contact = np.concatenate([high.contact, low.contact]).astype(float)
    ground = find_ground(world * [1, -1, -1], contact, np.full(len(world), 1 / 30))
    assert abs(ground.height) < 0.05


@pytest.mark.parametrize(("below", "detected", "floor"), [(1.0, 1 / 30, 0.0), (0.4, 1 / 30, 0.4), (1.0, 0.0, 1.0)])
def test_nobody_is_far_below_the_floor_for_long(below: float, detected: float, floor: float):
    """Feet stand on the upper level only; on the lower one the contact was missed."""
    low, high = walkers.walk(seconds=4), walkers.walk(seconds=4)
    world = np.concatenate([high.world + np.array([0, below, 0]), low.world])
    contact = np.concatenate([high.contact, 0 * low.contact]).astype(float)
    seconds = np.concatenate([np.full(len(high.world), 1 / 30), np.full(len(low.world), detected)])
    ground = find_ground(world * [1, -1, -1], contact, seconds)
    assert abs(ground.height - floor) < 0.05


def test_nobody_who_stands_leaves_a_level_camera_and_the_lowest_joints():
    scene = walkers.lying()
    ground = ground_of(scene)
    np.testing.assert_allclose(ground.up, level_up(), atol=1e-6)
    assert ground.sigma > 8
    assert abs(ground.height + scene.position[1]) < 0.15


@pytest.mark.parametrize("roll", [0, 90, 180])
def test_the_way_to_the_world_is_a_rotation_with_the_origin_on_the_floor(roll: float):
    angle_ = np.radians(roll)
    up = np.array([np.sin(angle_), -np.cos(angle_), 0.0])
    first = np.array([1.0, 0.3, 4.0])
    matrix = Ground(up, -1.2, 0.0).to_world(first)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)
    placed = matrix[:3, :3] @ first + matrix[:3, 3]
    np.testing.assert_allclose(placed, [0, first @ up + 1.2, 0], atol=1e-12)


def test_no_frames_have_a_floor_at_0():
    empty = np.zeros((0, 17, 3))
    assert find_ground(empty, np.zeros((0, 2)), np.zeros(0)).height == 0
