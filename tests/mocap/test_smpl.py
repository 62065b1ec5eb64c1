"""Files in AMASS's layout: the arrays, the axes, and the match of a rig's joints with SMPL's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError, PoseError
from poseglass.mocap.animation import Animation
from poseglass.mocap.rotations import axis_rotations, euler_rotations, vector_rotations
from poseglass.mocap.smpl import RIG_JOINTS, SMPL_JOINTS, SMPL_PARENTS, read_amass, smpl_motion, write_amass

NAMES = ("Hips", "Spine", "Chest", "Neck", "LeftShoulder", "LeftArm", "LeftForeArm", "LeftUpLeg", "LeftLeg")
PARENTS = (-1, 0, 1, 2, 2, 4, 5, 0, 7)


def rig(rotations: np.ndarray) -> Animation:
    rest = np.array([[0, 0, 0], *[[0, 0.15, 0]] * 3, *[[0.2, 0, 0]] * 3, [0.1, 0, 0], [0, -0.4, 0]])
    root = np.tile([1.0, 2.0, 3.0], (len(rotations), 1))
    return Animation(NAMES, PARENTS, rest, rotations, root, fps=25)


def random_rotations(frames: int = 4) -> np.ndarray:
    angles = np.random.default_rng(0).uniform(-1, 1, (frames * len(NAMES), 3))
    return euler_rotations("zyx", angles).reshape(frames, len(NAMES), 3, 3)


def test_the_arrays_are_those_of_amass(tmp_path):
    write_amass(smpl_motion(rig(random_rotations())), tmp_path / "walk.npz")
    with np.load(tmp_path / "walk.npz") as archive:
        shapes = {name: archive[name].shape for name in archive.files}
        assert shapes == {"poses": (4, 156), "trans": (4, 3), "mocap_framerate": (), "gender": (), "betas": (16,)}
        assert archive["mocap_framerate"] == 25
        assert str(archive["gender"]) == "neutral"
        assert not archive["poses"][:, 66:].any()


def test_body_parts_turn_in_the_world_as_those_of_the_rig():
    animation = rig(random_rotations())
    motion = smpl_motion(animation)
    up = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # y to z, z to -y
    for joint, name in enumerate(SMPL_JOINTS):
        product, place = np.eye(3), joint
        while place >= 0:  # forward kinematics of SMPL
            product = motion.rotations[:, place] @ product
            place = SMPL_PARENTS[place]
        if (counterpart := RIG_JOINTS.get(name)) in animation.names:
            expected = up @ animation.orientations[:, animation.index(counterpart)]
            assert_allclose(product, expected, atol=1e-12)
    assert_allclose(motion.translation, np.tile([1, -3, 2], (4, 1)), atol=1e-12)


def test_joints_without_a_counterpart_stay_straight():
    motion = smpl_motion(rig(random_rotations()))
    for name in ("spine2", "left_wrist", "right_knee", "head"):
        turned = motion.rotations[:, SMPL_JOINTS.index(name)]
        assert_allclose(turned, np.broadcast_to(np.eye(3), turned.shape), atol=1e-12)


def test_a_bent_knee_is_a_rotation_vector_about_x(tmp_path):
    rotations = np.tile(np.eye(3), (1, len(NAMES), 1, 1))
    rotations[0, NAMES.index("LeftLeg")] = axis_rotations("x", np.array([1.2]))[0]
    write_amass(smpl_motion(rig(rotations)), tmp_path / "knee.npz")
    poses = np.load(tmp_path / "knee.npz")["poses"][0].reshape(52, 3)
    assert_allclose(poses[4], [1.2, 0, 0], atol=1e-12)
    assert_allclose(poses[0], [np.pi / 2, 0, 0], atol=1e-12)  # upright, with z up
    assert np.abs(poses).sum() == pytest.approx(1.2 + np.pi / 2)


def test_the_right_side_mirrors_the_left():
    sides = [name for name in SMPL_JOINTS if name.startswith("left_")]
    for name in sides:
        other = name.replace("left", "right")
        parents = [SMPL_JOINTS[SMPL_PARENTS[SMPL_JOINTS.index(side)]] for side in (name, other)]
        assert parents[0].replace("left", "right") == parents[1]
        assert RIG_JOINTS[name].replace("Left", "Right") == RIG_JOINTS[other]


def test_files_of_amass_are_read(tmp_path):
    """With fingers, a shape and the dynamics of soft tissue, which are ignored."""
    poses = np.random.default_rng(0).uniform(-1, 1, (3, 156))
    extra = {"dmpls": np.zeros((3, 8)), "betas": np.ones(16), "gender": "male"}
    np.savez(tmp_path / "walk_poses.npz", poses=poses, trans=np.ones((3, 3)), mocap_framerate=120.0, **extra)
    motion = read_amass(tmp_path / "walk_poses.npz")
    assert motion.fps == 120
    assert_allclose(motion.rotations[2, 5], vector_rotations(poses[2, 15:18]))


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", poses=np.zeros((2, 60)), trans=np.zeros((2, 3)), mocap_framerate=30)
    with pytest.raises(FormatError, match=r"expected poses \(frames, 66 or more\).*got poses \(2, 60\)"):
        read_amass(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", poses=np.zeros((2, 66)))
    with pytest.raises(FormatError, match="is not an npz with poses, trans and mocap_framerate"):
        read_amass(tmp_path / "a.npz")
    with pytest.raises(FormatError, match="No such file"):
        read_amass(tmp_path / "nothing.npz")


def test_a_rig_without_hips_is_refused():
    renamed = rig(random_rotations())
    renamed = Animation(("Root", *NAMES[1:]), PARENTS, renamed.rest, renamed.rotations, renamed.root, 25)
    with pytest.raises(PoseError, match="expected a rig with the root Hips"):
        smpl_motion(renamed)
