"""Cameras and geometry against values calculated by hand and OpenCV's formula, point by point."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation

from oracle.bodies import body
from poseglass import H36M_17, PoseSequence
from poseglass.body.geometry import (
    UP,
    Camera,
    align,
    facing,
    from_screen,
    look_at,
    rays,
    rescale,
    root_relative,
    similarity,
    to_screen,
    to_y_up,
)
from poseglass.errors import PoseError

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


def test_a_point_ahead_is_at_the_centre_and_axes_point_right_and_down():
    plain = camera(rotation=np.eye(3), position=np.zeros(3), focal=np.full(2, 1000.0))
    points = np.array([[0, 0, 5], [1, 0, 5], [0, 1, 5], [2, 0, 10]], float)
    assert_allclose(plain.project(points), [[512, 515], [712, 515], [512, 715], [712, 515]])


def test_the_position_of_a_camera_is_its_origin():
    own = camera()
    assert_allclose(own.to_camera(own.position[None]), 0, atol=1e-12)
    for axis in range(3):  # the rows of the rotation are the camera's axes in the world
        ahead, point = own.position + 2 * own.rotation[axis], 2 * np.eye(3)[axis]
        assert_allclose(own.to_world(point[None])[0], ahead)
        assert_allclose(own.to_camera(ahead[None])[0], point, atol=1e-12)


def test_points_at_and_behind_the_camera_are_nan():
    points = np.array([[0, 0, -1], [1, 1, 0], [0, 0, 1e-9], [0, 0, 1]], float)
    assert np.isnan(camera().project(points)).all(1).tolist() == [True, True, True, False]


def test_distortion_follows_the_model_of_human36m():
    # Brown's model, one point at a time, as the dataset's projection code states it.
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


def test_a_batch_of_cameras_equals_single_cameras():
    rng = np.random.default_rng(2)
    single = [
        camera(rotation=rotation(rng), position=rng.normal(size=3), radial=rng.normal(0, 0.1, 3),
               tangential=rng.normal(0, 0.001, 2))
        for _ in range(4)
    ]  # fmt: skip
    names = ("rotation", "position", "focal", "centre", "radial", "tangential")
    batch = Camera(**{name: np.stack([getattr(one, name) for one in single]) for name in names})
    world = rng.normal(size=(4, 9, 3))
    points_in_camera = batch.to_camera(world)
    projected = batch.project(points_in_camera)
    for one, points, expected, pixels in zip(single, world, points_in_camera, projected, strict=True):
        assert_allclose(one.to_camera(points), expected)
        assert_allclose(one.project(expected), pixels)


class TestLookAt:
    def test_a_level_camera_along_minus_z_has_x_right_and_y_down(self):
        # World: y up. Looking along -z: x stays right, y is down, z is ahead.
        assert_allclose(look_at(np.array([0.0, 0, -3])), np.diag([1.0, -1, -1]))

    def test_it_is_a_rotation_onto_the_direction_with_a_level_horizon(self):
        directions = RNG.normal(size=(50, 3))
        rotations = look_at(directions)
        assert_allclose(rotations @ rotations.swapaxes(1, 2), np.tile(np.eye(3), (50, 1, 1)), atol=1e-12)
        assert_allclose(np.linalg.det(rotations), 1)
        ahead = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        assert_allclose(np.einsum("bij,bj->bi", rotations, ahead), np.tile([0, 0, 1], (50, 1)), atol=1e-12)
        assert_allclose(rotations[:, 0, 1], 0, atol=1e-12)
        assert (rotations[:, 1, 1] < 0).all(), "image down must be world down"

    @pytest.mark.parametrize("degrees", [0, 30, 90, -45])
    def test_roll_turns_the_camera_clockwise_as_it_looks_ahead(self, degrees):
        rolled = look_at(np.array([0.0, 0, -1]), angle := np.radians(degrees))
        upward = rolled @ np.array([0.0, 1, 0])  # in the image, the world turns the other way: up moves to the left
        assert_allclose(upward, [-np.sin(angle), -np.cos(angle), 0], atol=1e-12)
        assert_allclose(rolled @ np.array([0.0, 0, -1]), [0, 0, 1], atol=1e-12)

    def test_each_camera_has_its_own_roll(self):
        directions, rolls = RNG.normal(size=(5, 3)), RNG.uniform(-1, 1, 5)
        for one, direction, roll in zip(look_at(directions, rolls), directions, rolls, strict=True):
            assert_allclose(one, look_at(direction, roll))


def test_screen_coordinates_follow_the_convention_of_the_field():
    corners = np.array([[0.0, 0], [1920, 1080], [960, 540], [1920, 0]])
    assert_allclose(to_screen(corners, (1920, 1080)), [[-1, -0.5625], [1, 0.5625], [0, 0], [1, -0.5625]])


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (1, 1)])
def test_screen_coordinates_round_trip(size):
    pixels = RNG.uniform(-100, 2000, (7, 17, 2))
    assert_allclose(from_screen(to_screen(pixels, size), size), pixels)


class TestRays:
    def test_an_unknown_focal_length_is_that_of_an_ordinary_lens(self):
        # 1.1 times the longer side: half of a 1000-pixel image spans 500 / 1100 of the distance.
        for size, pixel, expected in (
            ((1000, 500), [1000.0, 250.0], [500 / 1100, 0, 1]),
            ((500, 1000), [250.0, 0.0], [0, -500 / 1100, 1]),
        ):
            assert_allclose(rays(np.array(pixel), size), expected)

    def test_a_known_focal_length_sets_the_rays(self):
        assert_allclose(rays(np.array([[640.0, 360.0], [1280, 0]]), (1280, 720), 500), [[0, 0, 1], [1.28, -0.72, 1]])


class TestFacing:
    @pytest.mark.parametrize("seed", range(4))
    def test_it_is_the_smallest_rotation_onto_the_z_axis(self, seed):
        """About the axis at right angles to both, by the angle between them."""
        ray = np.random.default_rng(seed).normal(size=3)
        ray[2] = abs(ray[2])
        axis = np.cross(ray, [0, 0, 1])
        angle = np.arccos(ray[2] / np.linalg.norm(ray))
        expected = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis)).as_matrix()
        assert_allclose(facing(ray), expected, atol=1e-12)

    def test_a_person_ahead_is_faced_without_turning(self):
        assert_array_equal(facing(np.array([0.0, 0, 7])), np.eye(3))

    def test_each_ray_has_its_own_rotation(self):
        directions = rays(RNG.uniform(0, 1000, (4, 5, 2)), (1000, 1000))
        turns = facing(directions)
        for row, line in zip(turns, directions, strict=True):
            for turn, ray in zip(row, line, strict=True):
                assert_allclose(turn, facing(ray))


class TestUpwardAxis:
    @pytest.mark.parametrize("up", UP)
    def test_the_named_axis_becomes_y_without_mirroring(self, up):
        axis = np.zeros(3)
        axis["xyz".index(up[-1])] = -1 if up.startswith("-") else 1
        assert_array_equal(to_y_up(axis, up), [0, 1, 0])
        assert_array_equal(np.array(UP[up]) @ np.array(UP[up]).T, np.eye(3))
        assert np.linalg.det(np.array(UP[up])) == 1

    def test_z_up_data_stands_upright_in_world_space(self):
        upright = body(H36M_17.joints)  # y up
        z_up = upright[:, [2, 0, 1]]
        motion = PoseSequence(to_y_up(z_up[None], "z"), H36M_17, "world")
        assert_allclose(motion.points[0], upright, atol=1e-6)

    def test_camera_space_has_minus_y_up(self):
        assert_array_equal(to_y_up(np.array([[1.0, 2.0, 3.0]]), "-y"), [[1, -2, -3]])

    def test_an_unknown_axis_is_refused_with_the_known_ones(self):
        with pytest.raises(PoseError, match="up must be one of y, -y, z, -z, x, -x, got 'w'"):
            to_y_up(np.zeros(3), "w")


def test_points_nearer_than_a_micrometre_are_not_projected():
    pixels = camera().project(np.array([[0, 0, 0.9e-6], [0, 0, 1.1e-6]]))
    assert np.isnan(pixels).all(1).tolist() == [True, False]


@pytest.mark.parametrize("mirrored", [False, True])
def test_alignment_in_space_matches_scipy(mirrored):
    points, target = RNG.normal(size=(2, 6, 9, 3)) + 3
    if mirrored:
        target = points * [-1, 1, 1] + RNG.normal(0, 0.1, points.shape)
    for one, goal, aligned in zip(points, target, align(points, target), strict=True):
        centred, shifted = one - one.mean(0), goal - goal.mean(0)
        turned = Rotation.align_vectors(shifted, centred)[0].apply(centred)
        scale = (turned * shifted).sum() / (centred * centred).sum()
        assert_allclose(aligned, scale * turned + goal.mean(0))


def test_alignment_in_the_plane_matches_complex_numbers():
    """A similarity of the plane multiplies by a complex number."""
    points, target = RNG.normal(size=(2, 9, 2)) + 3
    p, t = (x[:, 0] + 1j * x[:, 1] for x in (points - points.mean(0), target - target.mean(0)))
    aligned = p * (p.conj() @ t) / (p.conj() @ p)
    assert_allclose(align(points, target), np.stack([aligned.real, aligned.imag], 1) + target.mean(0))


@pytest.mark.parametrize("scaled", [False, True])
def test_a_fitted_transform_applies_to_other_points(scaled):
    """A square turned, moved and (if `scaled`) enlarged: its centre and a point outside go along."""
    turn, factor, shift = rotation(np.random.default_rng(5)), 2.5 if scaled else 1.0, np.array([1.0, -2.0, 3.0])
    points, others = RNG.normal(size=(2, 4, 7, 3))
    fitted = similarity(points, factor * points @ turn.T + shift, scaled=scaled)
    assert_allclose(fitted(others), factor * others @ turn.T + shift, atol=1e-12)
    assert_allclose(fitted.scale, np.full((4, 1, 1), factor))
    if not scaled:
        enlarged = similarity(points, 3 * points, scaled=False)(points)
        assert_allclose(enlarged - points, np.broadcast_to(2 * points.mean(1, keepdims=True), points.shape), atol=1e-12)


def test_a_transform_fitted_to_a_value_that_is_not_finite_returns_nan():
    points, target = RNG.normal(size=(2, 3, 5, 3))
    target[1, 2, 0] = np.inf
    assert np.isnan(similarity(points, target)(points)).all((1, 2)).tolist() == [False, True, False]


def test_rescaling_matches_plain_loops():
    points, target = RNG.normal(size=(2, 4, 5, 3))
    for one, goal, rescaled in zip(points, target, rescale(points, target), strict=True):
        pairs = list(zip(one.flat, goal.flat, strict=True))
        assert_allclose(rescaled, one * sum(p * t for p, t in pairs) / sum(p * p for p, _ in pairs))


@pytest.mark.parametrize("function", [align, rescale])
def test_points_that_coincide_have_no_scale(function):
    target = RNG.normal(size=(5, 3))
    expected = np.broadcast_to(target.mean(0), (5, 3)) if function is align else np.zeros((5, 3))
    assert_allclose(function(np.zeros((5, 3)), target), expected, atol=1e-12)


@pytest.mark.parametrize("function", [align, rescale])
def test_only_sets_with_a_value_that_is_not_finite_become_nan(function):
    points, target = RNG.normal(size=(2, 4, 5, 3))
    expected = function(points, target)
    points[1, 2, 0], target[3, 4, 2] = np.inf, np.nan
    fitted = function(points, target)
    assert np.isnan(fitted[[1, 3]]).all()
    assert_allclose(fitted[[0, 2]], expected[[0, 2]])


@pytest.mark.parametrize("root", [0, 14])
def test_root_relative_subtracts_the_root_of_every_frame(root):
    """For numpy arrays and torch tensors, clips and single poses."""
    points = np.random.default_rng(0).normal(size=(2, 5, 17, 3))
    expected = np.array([[[joint - pose[root] for joint in pose] for pose in clip] for clip in points])
    np.testing.assert_array_equal(root_relative(points, root), expected)
    np.testing.assert_array_equal(root_relative(torch.from_numpy(points), root).numpy(), expected)
    np.testing.assert_array_equal(root_relative(points[0, 0], root), expected[0, 0])


def test_the_default_root_is_the_first_joint():
    points = np.array([[1.0, 2.0, 3.0], [1.0, 2.5, 3.0]])
    assert_array_equal(root_relative(points), [[0, 0, 0], [0, 0.5, 0]])
