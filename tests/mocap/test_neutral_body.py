"""The neutral body against naive forward kinematics, and its file formats."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.formats import read_motion, read_tracks
from poseglass.mocap.neutral_body import NEUTRAL_REST, neutral_bones
from poseglass.mocap.rotations import axis_rotations, rotation_vectors, vector_rotations
from poseglass.mocap.smpl import SMPL_JOINTS, SMPL_PARENTS, SmplMotion, write_amass


@pytest.fixture
def motion():
    random = np.random.default_rng(0)
    rotations = vector_rotations(random.normal(0, 0.5, (5, 22, 3)))
    return SmplMotion(rotations, random.normal(size=(5, 3)), fps=120.0)


def test_joints_follow_the_rotations(motion):
    bones = neutral_bones(motion)
    for frame in range(5):
        place, turn = {}, {}
        for joint, (name, parent) in enumerate(zip(SMPL_JOINTS, SMPL_PARENTS, strict=True)):
            rest = np.array(NEUTRAL_REST[name])
            if parent < 0:
                place[joint], turn[joint] = motion.translation[frame], motion.rotations[frame, joint]
                continue
            place[joint] = place[parent] + turn[parent] @ rest
            turn[joint] = turn[parent] @ motion.rotations[frame, joint]
            assert_allclose(bones.joint(name)[frame], place[joint], atol=1e-12)
        head = SMPL_JOINTS.index("head")
        expected = place[head] + turn[head] @ np.array(NEUTRAL_REST["head_top"])
        assert_allclose(bones.joint("head_top")[frame], expected, atol=1e-12)


def test_the_body_is_symmetric_and_has_the_lengths_of_human36m():
    for name, (x, y, z) in NEUTRAL_REST.items():
        if name.startswith("left_"):
            assert NEUTRAL_REST[name.replace("left_", "right_")] == (-x, y, z)
    trunk = np.sum([NEUTRAL_REST[name] for name in ("spine1", "spine2", "spine3", "neck")], 0)
    assert_allclose(trunk, [0, 0.490, 0])  # of Human3.6M: pelvis to spine 0.236, spine to thorax 0.254


@pytest.mark.parametrize("layout", ["AMASS", "SMPL-X", "fps"])
def test_files_of_rotations_move_the_body(tmp_path, motion, layout):
    path = tmp_path / "walk.npz"
    write_amass(motion, path)
    if layout != "AMASS":
        vectors = rotation_vectors(motion.rotations).reshape(5, -1)
        rate = {"mocap_frame_rate" if layout == "SMPL-X" else "fps": 120}
        np.savez(path, root_orient=vectors[:, :3], pose_body=vectors[:, 3:], trans=motion.translation, **rate)
    bones = read_motion(path)
    assert (bones.fps, bones.unit, bones.up) == (120, 1.0, "z")
    assert_allclose(bones.positions, neutral_bones(motion).positions, atol=1e-9)
    with pytest.warns(UserWarning, match="neutral body with the mean bone lengths of Human3.6M; the file's body shape"):
        assert read_tracks(path).names == (*SMPL_JOINTS, "head_top")


def test_a_body_at_rest_stands_in_z_up(tmp_path):
    rotations = np.tile(np.eye(3), (3, 22, 1, 1))
    rotations[:, 0] = axis_rotations("x", np.array([np.pi / 2]))[0]
    bones = neutral_bones(SmplMotion(rotations, np.zeros((3, 3)), 30))
    assert_allclose(bones.joint("head_top")[0], [0, 0, 0.721], atol=1e-12)
    assert_allclose(bones.joint("left_wrist")[0], [0.678, 0, 0.49], atol=1e-12)


BROKEN = {
    "expected finite numbers": {"poses": np.full((2, 156), np.nan), "trans": np.zeros((2, 3)), "mocap_framerate": 30},
    "expected finite numbers and": {"poses": np.zeros((2, 156)), "trans": np.zeros((2, 3)), "mocap_framerate": -1},
    "is not an npz with poses, trans and mocap_framerate": {"poses": np.zeros((2, 156)), "trans": np.zeros((2, 3))},
    "expected poses (frames, 66 or more)": {"poses": np.zeros((2, 9)), "trans": np.zeros((2, 3)), "fps": 30},
    "and trans (frames, 3), got poses (0, 66)": {"poses": np.zeros((0, 66)), "trans": np.zeros((0, 3)), "fps": 30},
    "expected an array 'points' (frames, joints, 3), or 'poses' and 'trans' as in AMASS, got poses": {"poses": 1},
}


@pytest.mark.parametrize("message", BROKEN)
def test_broken_archives_are_refused_in_a_sentence(tmp_path, message):
    np.savez(tmp_path / "walk.npz", **BROKEN[message])
    with pytest.raises(FormatError) as caught:
        read_motion(tmp_path / "walk.npz")
    assert message in str(caught.value)
