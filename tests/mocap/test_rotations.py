"""Rotations against Rodrigues' formula, written out again, and the laws of rotations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.mocap.rotations import (
    axis_rotations,
    euler_angles,
    euler_rotations,
    quaternion_rotations,
    quaternions,
    rotation_vectors,
    vector_rotations,
)
from samples import mocap_files

ANGLES = np.random.default_rng(0).uniform(-4, 4, (20, 3))


def test_axis_rotations_match_rodrigues_formula():
    for axis in "xyz":
        for angle, matrix in zip(ANGLES[:, 0], axis_rotations(axis, ANGLES[:, 0]), strict=True):
            assert_allclose(matrix, mocap_files.rotation(axis, np.degrees(angle)), atol=1e-12)


def test_euler_rotations_apply_the_last_angle_first():
    for angles, matrix in zip(ANGLES, euler_rotations("zyx", ANGLES), strict=True):
        z, y, x = (mocap_files.rotation(axis, np.degrees(angle)) for axis, angle in zip("zyx", angles, strict=True))
        assert_allclose(matrix @ [1, 2, 3], z @ (y @ (x @ [1, 2, 3])), atol=1e-12)


def test_euler_rotations_are_orthogonal():
    matrices = euler_rotations("zyx", ANGLES)
    assert_allclose(matrices @ np.swapaxes(matrices, 1, 2), np.broadcast_to(np.eye(3), (20, 3, 3)), atol=1e-12)
    assert_allclose(np.linalg.det(matrices), 1)


def test_a_vector_rotation_turns_about_the_vector_by_its_length():
    for number, axis in enumerate("xyz"):
        vector = 0.7 * np.eye(3)[number]
        assert_allclose(vector_rotations(vector), mocap_files.rotation(axis, np.degrees(0.7)), atol=1e-12)
    vector = np.array([0.3, -1.1, 0.6])
    matrix = vector_rotations(vector)
    assert_allclose(matrix @ vector, vector, atol=1e-12)
    assert_allclose(np.trace(matrix), 1 + 2 * np.cos(np.linalg.norm(vector)))
    assert_allclose(matrix @ vector_rotations(-vector), np.eye(3), atol=1e-12)
    assert_allclose(vector_rotations(np.zeros(3)), np.eye(3))


def test_vectors_come_back():
    vectors = np.random.default_rng(1).uniform(-1.7, 1.7, (4, 5, 3))
    assert_allclose(rotation_vectors(vector_rotations(vectors)), vectors, atol=1e-12)


def test_quaternions_match_the_half_angle_formula_and_come_back():
    turn = axis_rotations("x", ANGLES[:, 0])
    values = quaternions(turn[:1])[0]
    assert_allclose(np.abs(values), np.abs([np.sin(ANGLES[0, 0] / 2), 0, 0, np.cos(ANGLES[0, 0] / 2)]), atol=1e-12)
    matrices = euler_rotations("zyx", ANGLES).reshape(10, 2, 3, 3)
    assert_allclose(quaternion_rotations(quaternions(matrices)), matrices, atol=1e-12)


def test_quaternions_never_take_the_long_way():
    turns = axis_rotations("y", np.radians(np.arange(0, 2000, 25)))[:, None]
    values = quaternions(turns)[:, 0]
    assert ((values[1:] * values[:-1]).sum(-1) > 0.97).all()


@pytest.mark.parametrize("axes", ["zxy", "xyz", "yzx"])
def test_euler_angles_give_the_rotations_back(axes):
    matrices = euler_rotations("zyx", ANGLES).reshape(10, 2, 3, 3)
    angles = euler_angles(axes, matrices).reshape(-1, 3)
    assert_allclose(euler_rotations(axes, angles), matrices.reshape(-1, 3, 3), atol=1e-12)


def test_euler_angles_give_the_rotations_back_at_the_poles():
    angles = np.array([[0.3, np.pi / 2, 0.2], [-1, -np.pi / 2, 2], [0.3, np.pi / 2 + 1e-9, 0.2]])
    matrices = euler_rotations("zxy", angles)[:, None]
    assert_allclose(euler_rotations("zxy", euler_angles("zxy", matrices)[:, 0]), matrices[:, 0], atol=1e-7)


def test_euler_angles_of_a_smooth_motion_are_smooth():
    """Spinning, and tumbling over the poles of the middle axis."""
    seconds = np.linspace(0, 4, 400)
    for angles in (
        np.stack([0.2 * np.sin(seconds), 0.1 * seconds, 7 * seconds], -1),
        np.stack([0.1 * seconds, 3 * seconds + 0.01, 0.2 + 0 * seconds], -1),
    ):
        again = euler_angles("zxy", euler_rotations("zxy", angles)[:, None])[:, 0]
        assert_allclose(again, angles, atol=1e-9)
