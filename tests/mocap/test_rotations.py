"""Rotations against Rodrigues' formula, written out again, and the laws of rotations."""

import numpy as np
from numpy.testing import assert_allclose

from poseglass.mocap.rotations import axis_rotations, euler_rotations, vector_rotation
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
        assert_allclose(vector_rotation(vector), mocap_files.rotation(axis, np.degrees(0.7)), atol=1e-12)
    vector = np.array([0.3, -1.1, 0.6])
    matrix = vector_rotation(vector)
    assert_allclose(matrix @ vector, vector, atol=1e-12)
    assert_allclose(np.trace(matrix), 1 + 2 * np.cos(np.linalg.norm(vector)))
    assert_allclose(matrix @ vector_rotation(-vector), np.eye(3), atol=1e-12)
    assert_allclose(vector_rotation(np.zeros(3)), np.eye(3))
