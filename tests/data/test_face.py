"""The face of motion capture: where it is, and the joint that moves towards it."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from oracle import bodies
from poseglass import H36M_17
from poseglass.data.virtual import face as virtual_face
from poseglass.data.virtual.face import H36M_FACE


def face(points: np.ndarray) -> np.ndarray:
    return virtual_face.face(torch.from_numpy(points)).numpy()


def to_nose(points: np.ndarray, features: np.ndarray) -> np.ndarray:
    return virtual_face.to_nose(torch.from_numpy(points), torch.from_numpy(features)).numpy()


class TestFace:
    @pytest.mark.parametrize("angle", [0.0, 1.0, np.pi])
    def test_face_joints_are_where_a_face_is(self, angle):
        body = bodies.body(H36M_17.joints)
        body[9] = [0, 1.55, 0]  # the base of the skull, where motion capture has joint 9
        body[8, 2] = body[10, 2] = 0
        position = np.array([3.0, 0, -2])
        turned = bodies.turned(body, angle) + position
        features = dict(zip(H36M_FACE.joints[17:], bodies.turned(face(turned) - position, -angle), strict=True))
        assert_allclose(features["nose"], [0, 1.55, 0.09], atol=1e-9)
        assert_allclose(features["left_eye"], [0.032, 1.585, 0.075], atol=1e-9)
        assert_allclose(features["left_ear"], [0.075, 1.565, -0.005], atol=1e-9)
        for part in ("eye", "ear"):
            assert_allclose(features[f"left_{part}"] * [-1, 1, 1], features[f"right_{part}"], atol=1e-9)
        assert_allclose(features["neck"], (body[11] + body[14]) / 2, atol=1e-9)

    def test_the_face_follows_a_bowed_head_and_survives_a_degenerate_one(self):
        body = bodies.body(H36M_17.joints)
        assert np.isfinite(face(np.zeros((4, 17, 3)))).all()
        bowed = body.copy()
        bowed[9], bowed[10] = body[8] + [0, 0.1, 0.1], body[8] + [0, 0.16, 0.16]
        nose = face(bowed)[0]
        assert nose[1] < bowed[9, 1], "the nose of a bowed head points down"

    def test_joint_9_moves_5_cm_toward_the_nose(self):
        body = bodies.body(H36M_17.joints)
        body[9] = [0, 1.55, 0]
        body[8, 2] = body[10, 2] = 0
        moved = to_nose(body, face(body))
        assert_allclose(moved[9], [0, 1.55, 0.05], atol=1e-9)
        assert_array_equal(np.delete(moved, 9, 0), np.delete(body, 9, 0))
        assert_array_equal(body[9], [0, 1.55, 0])
