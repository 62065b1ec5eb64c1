"""Virtual cameras: their positions and directions; people are in the image."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from oracle import bodies, virtual
from poseglass import H36M_17
from poseglass.body import geometry
from poseglass.body.geometry import Camera
from poseglass.data.virtual import cameras as virtual_cameras
from poseglass.data.virtual.draws import NumpyDraws

COUNT = 300


def random_cameras(rng: np.random.Generator, points: np.ndarray) -> tuple[Camera, np.ndarray]:
    rotation, position, focal, size = (
        part.numpy() for part in virtual_cameras.random_cameras(NumpyDraws(rng), torch.from_numpy(points))
    )
    return Camera(rotation, position, np.repeat(focal[:, None], 2, 1), size / 2), size


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    return np.stack([bodies.motion(5, H36M_17.joints, seed) for seed in range(COUNT)])


@pytest.fixture(scope="module")
def camera(poses) -> Camera:
    return random_cameras(np.random.default_rng(0), poses)[0]


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_cameras_match_plain_loops(poses, scale):
    poses = scale * poses
    camera, size = random_cameras(np.random.default_rng(0), poses)
    for number, expected in enumerate(virtual.cameras(np.random.default_rng(0), poses)):
        assert_allclose(size[number], expected["size"])
        assert_allclose(camera.position[number], expected["position"], atol=1e-9)
        assert_allclose(camera.focal[number], expected["focal"], rtol=1e-12)
        assert_allclose(camera.centre[number], expected["size"] / 2)
        # The middle of the motion appears at its pixel.
        x, y, z = camera.rotation[number] @ (expected["middle"] - camera.position[number])
        assert_allclose(expected["focal"] * np.array([x, y]) / z + expected["size"] / 2, expected["pixel"], atol=1e-6)
        # Once turned to face that pixel, the camera sees the vertical inclined by its roll.
        ray = np.array([*(expected["pixel"] - expected["size"] / 2) / expected["focal"], 1.0])
        up = camera.rotation[number] @ np.array([0.0, 1.0, 0.0])
        right, down = faced(ray)
        assert_allclose(np.arctan2(-up @ right, -up @ down), expected["roll"], atol=1e-6)


def faced(ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right and down axes of a camera turned, without roll, from straight ahead to a ray (y down)."""
    forward = ray / np.linalg.norm(ray)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    return right, np.cross(forward, right)


def test_camera_axes_are_rotations(camera):
    square = camera.rotation @ camera.rotation.swapaxes(1, 2)
    assert_allclose(square, np.tile(np.eye(3), (COUNT, 1, 1)), atol=1e-9)
    assert_allclose(np.linalg.det(camera.rotation), 1)


def test_people_are_ahead_and_mostly_in_the_image(poses):
    camera, size = random_cameras(np.random.default_rng(0), poses)
    space = camera.to_camera(poses.reshape(COUNT, -1, 3))
    assert space[..., 2].min() > 0.2
    pixels = camera.project(space)
    inside = ((pixels > 0) & (pixels < size[:, None])).all(-1)
    assert inside.mean() > 0.85
    distance = np.linalg.norm(poses[:, :, 0].mean(1) - camera.position, axis=1)
    assert 1.4 < distance.min() < 2.5
    assert 8 < distance.max() < 10.5


def test_images_are_mostly_upright(poses, camera):
    pixels = camera.project(camera.to_camera(poses[:, 0]))
    head, ankle = H36M_17.index("head_top"), H36M_17.index("left_ankle")
    assert (pixels[:, head, 1] < pixels[:, ankle, 1]).mean() > 0.95


def test_cameras_stand_all_around_the_person(poses, camera):
    away = camera.position - poses[:, :, 0].mean(1)
    quadrant = np.sign(away[:, [0, 2]]) @ [1, 2]
    assert all((quadrant == number).mean() > 0.15 for number in (-3, -1, 1, 3))


def test_projection_and_rotations_equal_those_of_body_geometry(poses):
    """The same formulas on tensors, in float64: camera space, pixels, look_at and facing."""
    cameras = virtual_cameras.random_cameras(NumpyDraws(np.random.default_rng(0)), torch.from_numpy(poses))
    camera, _ = random_cameras(np.random.default_rng(0), poses)
    space = cameras.to_camera(torch.from_numpy(poses))
    expected = camera.to_camera(poses.reshape(COUNT, -1, 3))
    assert_allclose(space.reshape(COUNT, -1, 3), expected, atol=1e-12)
    assert_allclose(cameras.project(space).reshape(COUNT, -1, 2), camera.project(expected), atol=1e-9)
    assert_allclose(virtual_cameras.facing(space[:, :, 0]), geometry.facing(space[:, :, 0].numpy()), atol=1e-12)
    rng = np.random.default_rng(1)
    direction, roll = rng.normal(size=(COUNT, 3)), rng.uniform(-3, 3, COUNT)
    for angles in (None, roll):
        turned = virtual_cameras.look_at(
            torch.from_numpy(direction), None if angles is None else torch.from_numpy(angles)
        )
        assert_allclose(turned, geometry.look_at(direction, 0.0 if angles is None else angles), atol=1e-12)
