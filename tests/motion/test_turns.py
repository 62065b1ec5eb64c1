"""Rotations from directions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from poseglass.motion.turns import frame, shortest, steady_axis, unit

seeds = st.integers(0, 2**32 - 1)
REST = (np.array([0.0, -1, 0]), np.array([1.0, 0, 0]))


@given(seeds)
def test_the_shortest_rotation_joins_the_directions_by_their_angle(seed):
    start, end = np.random.default_rng(seed).normal(size=(2, 5, 3))
    turns = shortest(start, end)
    assert_allclose((turns @ unit(start)[..., None])[..., 0], unit(end), atol=1e-12)
    angles = np.arccos((unit(start) * unit(end)).sum(-1))
    assert_allclose(Rotation.from_matrix(turns).magnitude(), angles, atol=1e-7)


def test_opposite_directions_are_half_a_turn_apart():
    axes = np.concatenate([np.eye(3), -np.eye(3), [[0.6, 0, 0.8]]])
    turns = shortest(axes, -axes)
    assert_allclose((turns @ axes[..., None])[..., 0], -axes, atol=1e-12)
    assert_allclose(np.linalg.det(turns), 1)


def test_equal_directions_need_no_rotation():
    assert_allclose(shortest(np.array([0, 2.0, 0]), np.array([0, 3.0, 0])), np.eye(3), atol=1e-12)


@given(seeds)
def test_frames_are_right_handed_and_follow_their_vectors(seed):
    along, across = np.random.default_rng(seed).normal(size=(2, 6, 3))
    axes = frame(along, across)
    assert_allclose(axes.swapaxes(-1, -2) @ axes, np.tile(np.eye(3), (6, 1, 1)), atol=1e-12)
    assert_allclose(np.linalg.det(axes), 1)
    assert_allclose(axes[..., 0], unit(along))
    assert ((axes[..., 1] * across).sum(-1) > 0).all()
    assert_allclose((axes[..., 2] * across).sum(-1), 0, atol=1e-12)


def test_parallel_and_empty_vectors_still_give_a_frame():
    axes = frame(np.array([[0, 1.0, 0], [0, 0, 0]]), np.array([[0, -2.0, 0], [0, 0, 0]]))
    assert_allclose(axes.swapaxes(-1, -2) @ axes, np.tile(np.eye(3), (2, 1, 1)), atol=1e-12)
    assert_allclose(axes[0, :, 0], [0, 1, 0])


def test_a_certain_axis_is_taken_as_observed():
    rng = np.random.default_rng(1)
    bone = unit(rng.normal(size=(9, 3)))
    axis = np.cross(bone, rng.normal(size=(9, 3)))
    assert_allclose(steady_axis(bone, axis, np.full(9, 0.6), rest=REST, fps=30), unit(axis), atol=1e-9)


def test_an_unknown_axis_is_that_of_the_rest_pose():
    bone = np.tile([[0.0, -1, 0]], (7, 1))
    axis = np.random.default_rng(1).normal(size=(7, 3))
    assert_allclose(steady_axis(bone, axis, np.zeros(7), rest=REST, fps=30), np.tile([1.0, 0, 0], (7, 1)), atol=1e-9)
    assert_allclose(steady_axis(bone, 0 * axis, np.ones(7), rest=REST, fps=30), np.tile([1.0, 0, 0], (7, 1)), atol=1e-9)


def test_a_gap_between_two_certain_axes_is_bridged_evenly():
    bone = np.tile([[0.0, -1, 0]], (21, 1))
    angle = np.array([-0.6] * 7 + [0.0] * 7 + [0.6] * 7)
    axis = np.stack([np.cos(angle), 0 * angle, np.sin(angle)], -1)
    certainty = np.array([1.0] * 7 + [0.0] * 7 + [1.0] * 7)
    axis[7:14] = np.random.default_rng(3).normal(size=(7, 3))  # ignored
    steady = steady_axis(bone, axis, certainty, rest=REST, fps=30)
    across = np.arctan2(steady[:, 2], steady[:, 0])
    assert_allclose(across[[0, 10, -1]], [-0.6, 0, 0.6], atol=1e-6)
    assert (np.diff(across)[6:14] > 0).all()
    assert np.diff(across).max() < 0.25


def test_the_axis_is_carried_past_the_pole_of_the_rest_pose():
    """The bone swings through the direction opposite to its rest: the axis must not jump there."""
    angle = np.linspace(-1, 1, 81)
    bone = np.stack([np.sin(angle) * 0.999, np.cos(angle), np.full(81, 0.01)], -1)
    certainty = np.where((np.arange(81) < 5) | (np.arange(81) > 75), 1.0, 0)
    axis = np.tile([[0.0, 0, 1]], (81, 1))
    steady = steady_axis(bone, axis, certainty, rest=REST, fps=30)
    steps = np.arccos(np.clip((steady[1:] * steady[:-1]).sum(-1), -1, 1))
    assert np.degrees(steps).max() < 8
    assert_allclose(np.abs((steady * unit(bone)).sum(-1)), 0, atol=1e-9)
