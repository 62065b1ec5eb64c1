"""The body mesh: closed surfaces around the bones, with normals that point outwards."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.mocap.animation import Animation
from poseglass.mocap.mannequin import mannequin, rest_positions
from samples.animations import random_animation


@pytest.mark.parametrize("seed", range(3))
def test_surfaces_are_closed_and_face_outwards(seed):
    mesh = mannequin(random_animation(seed))
    edges = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    forward = {tuple(edge) for edge in edges.tolist()}
    assert len(forward) == len(edges)  # every edge once in each direction
    assert forward == {(end, start) for start, end in forward}
    first, second, third = (mesh.vertices[mesh.triangles[:, corner]] for corner in range(3))
    facing = np.cross(second - first, third - first)
    assert ((facing * mesh.normals[mesh.triangles[:, 0]]).sum(-1) > 0).all()
    assert_allclose(np.linalg.norm(mesh.normals, axis=-1), 1)


def test_each_bone_lies_inside_its_surface_which_moves_with_the_joint_at_its_start():
    animation = random_animation(5)
    mesh, place = mannequin(animation), rest_positions(animation)
    size = len(mesh.vertices) // (len(animation.names) - 1)
    for bone, joint in enumerate(range(1, len(animation.names))):
        piece = mesh.vertices[bone * size : (bone + 1) * size]
        parent = animation.parents[joint]
        assert (mesh.joints[bone * size : (bone + 1) * size] == parent).all()
        assert_allclose(piece.mean(0), (place[joint] + place[parent]) / 2, atol=1e-9)
        along = animation.rest[joint] / np.linalg.norm(animation.rest[joint])
        reach = piece @ along
        assert reach.max() > place[joint] @ along
        assert reach.min() < place[parent] @ along


def test_bones_without_length_have_no_body_and_a_lone_joint_gets_a_ball():
    still = np.tile(np.eye(3), (1, 3, 1, 1))
    rest = np.array([[0, 0, 0], [0, 0.5, 0], [0, 0, 0]])
    mesh = mannequin(Animation(("a", "b", "c"), (-1, 0, 1), rest, still, np.zeros((1, 3)), 30))
    assert {*mesh.joints.tolist()} == {0}
    for joints in (1, 2):  # a root alone, and one with a joint at the same place
        alone = mannequin(
            Animation(("a", "b")[:joints], (-1, 0)[:joints], 0 * rest[:joints], still[:, :joints], np.zeros((1, 3)), 30)
        )
        assert np.ptp(alone.vertices, axis=0).min() > 0.02


def test_the_lowest_joint_of_the_rest_pose_is_on_the_floor():
    place = rest_positions(random_animation(2))
    assert place[:, 1].min() == 0
    assert_allclose(place[0, [0, 2]], 0)
