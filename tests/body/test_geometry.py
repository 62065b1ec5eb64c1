"""Cameras against numbers worked out by hand and against OpenCV's formula written out joint by joint."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from poseglass.body.geometry import Camera, from_screen, look_at, root_relative, to_screen

RNG = np.random.default_rng(0)


def rotation(rng: np.random.Generator) -> np.ndarray:
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return q * np.sign(np.linalg.det(q))


def camera(**changes) -> Camera:
    given = {
        "rotation": rotation(np.random.default_rng(1)),
        "position": np.array([0.5, 1.6, -4.0]),
        "focal": np.array([1145.0, 1143.0]),
        "centre": np.array([512.0, 515.0]),
    }
    return Camera(**(given | changes))


def test_a_point_ahead_is_in_the_middle_and_axes_point_right_and_down():
    plain = camera(rotation=np.eye(3), position=np.zeros(3), focal=np.full(2, 1000.0))
    points = np.array([[0, 0, 5], [1, 0, 5], [0, 1, 5], [2, 0, 10]], float)
    assert_allclose(plain.project(points), [[512, 515], [712, 515], [512, 715], [712, 515]])


def test_the_camera_s_own_place_is_its_origin():
    own = camera()
    assert_allclose(own.to_camera(own.position[None]), 0, atol=1e-12)
    assert_allclose(own.to_world(np.array([[0.0, 0, 2]]))[0], own.position + 2 * own.rotation[2])


def test_points_at_and_behind_the_camera_are_nowhere():
    points = np.array([[0, 0, -1], [1, 1, 0], [0, 0, 1e-9], [0, 0, 1]], float)
    assert np.isnan(camera().project(points)).all(1).tolist() == [True, True, True, False]


def test_distortion_is_human36m_s():
    # Brown's model as the dataset's own projection code states it, one point at a time.
    k, p = (-0.2, 0.24, -0.002), (-0.0009, -0.0016)
    own = camera(radial=np.array(k), tangential=np.array(p))
    points = RNG.normal(size=(20, 3)) + np.array([0, 0, 5])
    for (x, y, z), pixel in zip(points, own.project(points), strict=True):
        u, v = x / z, y / z
        r2 = u * u + v * v
        radial = 1 + k[0] * r2 + k[1] * r2 * r2 + k[2] * r2 * r2 * r2
        du = 2 * p[0] * u * v + p[1] * (r2 + 2 * u * u)
        dv = p[0] * (r2 + 2 * v * v) + 2 * p[1] * u * v
        assert_allclose(pixel, [1145 * (u * radial + du) + 512, 1143 * (v * radial + dv) + 515])


def test_batches_of_cameras():
    rng = np.random.default_rng(2)
    single = [
        camera(rotation=rotation(rng), position=rng.normal(size=3), radial=rng.normal(0, 0.1, 3),
               tangential=rng.normal(0, 0.001, 2))
        for _ in range(4)
    ]  # fmt: skip
    names = ("rotation", "position", "focal", "centre", "radial", "tangential")
    batch = Camera(**{name: np.stack([getattr(one, name) for one in single]) for name in names})
    world = rng.normal(size=(4, 9, 3))
    seen = batch.to_camera(world)
    for one, points, expected, pixels in zip(single, world, seen, batch.project(seen), strict=True):
        assert_allclose(one.to_camera(points), expected)
        assert_allclose(one.project(expected), pixels)


class TestLookAt:
    def test_level_and_forward(self):
        # World: y up. Looking along -z: x stays right, y is down, z is ahead.
        assert_allclose(look_at(np.array([0.0, 0, -3])), np.diag([1.0, -1, -1]))

    def test_it_is_a_rotation_that_looks_there_and_keeps_the_horizon(self):
        directions = RNG.normal(size=(50, 3))
        found = look_at(directions)
        assert_allclose(found @ found.swapaxes(1, 2), np.tile(np.eye(3), (50, 1, 1)), atol=1e-12)
        assert_allclose(np.linalg.det(found), 1)
        ahead = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        assert_allclose(np.einsum("bij,bj->bi", found, ahead), np.tile([0, 0, 1], (50, 1)), atol=1e-12)
        assert_allclose(found[:, 0, 1], 0, atol=1e-12)
        assert (found[:, 1, 1] < 0).all(), "down in the image is down in the world"

    def test_roll_turns_the_image(self):
        rolled = look_at(np.array([0.0, 0, -1]), np.radians(90))
        upward = rolled @ np.array([0.0, 1, 0])
        assert_allclose(np.abs(upward), [1, 0, 0], atol=1e-12)
        assert_allclose(rolled @ np.array([0.0, 0, -1]), [0, 0, 1], atol=1e-12)

    def test_roll_for_each(self):
        directions, rolls = RNG.normal(size=(5, 3)), RNG.uniform(-1, 1, 5)
        for one, direction, roll in zip(look_at(directions, rolls), directions, rolls, strict=True):
            assert_allclose(one, look_at(direction, roll))


def test_screen_coordinates_are_the_field_s():
    corners = np.array([[0.0, 0], [1920, 1080], [960, 540], [1920, 0]])
    assert_allclose(to_screen(corners, (1920, 1080)), [[-1, -0.5625], [1, 0.5625], [0, 0], [1, -0.5625]])


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (1, 1)])
def test_screen_coordinates_and_back(size):
    pixels = RNG.uniform(-100, 2000, (7, 17, 2))
    assert_allclose(from_screen(to_screen(pixels, size), size), pixels)


@pytest.mark.parametrize("root", [0, 14])
def test_root_relative_subtracts_the_root_of_every_frame(root):
    """From numpy arrays and torch tensors, clips and single poses."""
    points = np.random.default_rng(0).normal(size=(2, 5, 17, 3))
    expected = np.array([[[joint - pose[root] for joint in pose] for pose in clip] for clip in points])
    np.testing.assert_array_equal(root_relative(points, root), expected)
    np.testing.assert_array_equal(root_relative(torch.from_numpy(points), root).numpy(), expected)
    np.testing.assert_array_equal(root_relative(points[0, 0], root), expected[0, 0])
