"""OpenPose folders."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import BODY_25
from poseglass.keypoints import COCO_18, read_keypoints
from samples.keypoint_files import SIZE, person, write


@pytest.mark.parametrize(("joints", "skeleton"), [(25, BODY_25), (18, COCO_18)])
def test_a_folder_is_read_frame_by_frame(tmp_path, joints, skeleton):
    for frame, crowd in {
        12: [person(joints)],
        13: [],
        15: [person(joints, x=105), person(joints, x=400, height=90)],
    }.items():
        people = [{"person_id": [-1], "pose_keypoints_2d": p.reshape(-1).tolist()} for p in crowd]
        write(tmp_path / f"clip_2_{frame:012d}_keypoints.json", {"version": 1.3, "people": people})
    write(tmp_path / "settings.json", {"not": "a frame"})
    poses = read_keypoints(tmp_path, size=SIZE)
    assert poses.skeleton == skeleton
    assert poses.validity.tolist() == [True, False, False, True]
    assert_allclose(poses.points[3], person(joints, x=105)[:, :2], atol=1e-3)


def test_undetected_joints_have_a_score_of_zero(tmp_path):
    joints = person(25)
    joints[4] = 0
    write(tmp_path / "a_0_keypoints.json", {"people": [{"pose_keypoints_2d": joints.reshape(-1).tolist()}]})
    poses = read_keypoints(tmp_path)
    assert poses.confidence[0, 4] == 0
    assert (np.delete(poses.confidence[0], 4) > 0).all()
