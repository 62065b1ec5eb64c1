"""Joints by the names that programs give them: each family, the user's own, and what is said when one is missing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import HALPE_26, PoseSequence
from poseglass.body.skeleton import SKELETONS
from poseglass.errors import DataError
from poseglass.own.joint_names import map_joints, nearest
from samples import motion_files as files

# What the programs call the places of Human3.6M's joints, in its order; written down a second time, by hand.
RIGS = {
    "HumanIK": "- RightUpLeg RightLeg RightFoot LeftUpLeg LeftLeg LeftFoot Spine1 Neck Head HeadTop_End "
    "LeftArm LeftForeArm LeftHand RightArm RightForeArm RightHand",
    "Biovision": "- RightHip RightKnee RightAnkle LeftHip LeftKnee LeftAnkle Chest Neck Head Head_End_Site "
    "LeftShoulder LeftElbow LeftWrist RightShoulder RightElbow RightWrist",
    "Rokoko": "- RightThigh RightShin RightFoot LeftThigh LeftShin LeftFoot Spine2 Neck Head HeadTip "
    "LeftArm LeftForeArm LeftHand RightArm RightForeArm RightHand",
    "Rigify": "- thigh.R shin.R foot.R thigh.L shin.L foot.L spine.002 spine.004 spine.006 spine.006_End_Site "
    "upper_arm.L forearm.L hand.L upper_arm.R forearm.R hand.R",
    "Unreal": "- thigh_r calf_r foot_r thigh_l calf_l foot_l spine_02 neck_01 head head_end "
    "upperarm_l lowerarm_l hand_l upperarm_r lowerarm_r hand_r",
}


@pytest.mark.parametrize("prefix", ["", "mixamorig:", "Character1_"])
@pytest.mark.parametrize("family", RIGS)
def test_families(family, prefix):
    names = [prefix + name for name in RIGS[family].split()]
    names[0] = prefix + "Hips"  # which lies elsewhere: the pelvis is between the hips
    points = files.people(5)
    order = np.random.default_rng(0).permutation(17)
    found = map_joints([names[n] for n in order])
    assert found.family == family
    expected = points.copy()
    expected[:, 0] = (points[:, 1] + points[:, 4]) / 2
    assert_allclose(found.apply(points[:, order]), expected, atol=1e-12)


def test_markers_of_pose2sim_become_what_halpe_becomes():
    names = "Hip RHip RKnee RAnkle LHip LKnee LAnkle Neck Head Nose LShoulder LElbow LWrist RShoulder RElbow RWrist"
    ours = "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle neck head_top nose left_shoulder "
    ours += "left_elbow left_wrist right_shoulder right_elbow right_wrist"
    halpe = np.random.default_rng(0).normal(size=(3, 26, 3))
    found = map_joints(names.split())
    assert found.family == "Pose2Sim"
    points = halpe[:, [HALPE_26.index(joint) for joint in ours.split()]]
    expected = PoseSequence(halpe, HALPE_26, "camera").to_skeleton().points
    assert_allclose(found.apply(points), expected, atol=1e-6)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_our_own_skeletons_by_their_names(skeleton):
    points = np.random.default_rng(0).normal(size=(3, len(skeleton), 3))
    expected = PoseSequence(points, skeleton, "camera").to_skeleton().points
    found = map_joints([joint.replace("_", " ").title() for joint in skeleton.joints])
    assert_allclose(found.apply(points), expected, atol=1e-6)


def test_joints_that_the_user_says():
    names = ["LASI", "RASI", "LPSI", *files.NAMES[1:]]
    points = np.random.default_rng(0).normal(size=(4, len(names), 3))
    found = map_joints(names, {"pelvis": {"LASI": 0.25, "RASI": 0.75}}).apply(points)
    assert_allclose(found[:, 0], 0.25 * points[:, 0] + 0.75 * points[:, 1])
    points[1, 2] = np.nan  # which nothing needs
    points[2, 0] = np.nan
    found = map_joints(names, {"pelvis": {"LASI": 0.25, "RASI": 0.75}}).apply(points)
    assert np.isnan(found).all((1, 2)).tolist() == [False] * 4
    assert np.isnan(found).any((1, 2)).tolist() == [False, False, True, False]


def test_what_is_missing_is_listed_and_the_nearest_name_suggested():
    names = [name for name in files.NAMES if name not in ("left_wrist", "head_top")]
    with pytest.raises(DataError, match=r"lacks head_top, left_wrist, and .* are called left_ankle.*\[joints\]"):
        map_joints(names)
    with pytest.raises(DataError, match=r"lacks right_ankle \(is 'rigt_ankle' meant\?\), and nothing it"):
        map_joints([name.replace("right_ankle", "rigt_ankle") for name in files.NAMES])
    with pytest.raises(DataError, match="none of the 17 joints is there"):
        map_joints(["a", "b"])
    with pytest.raises(DataError, match="'LAIS', which is not there; is 'LASI' meant"):
        map_joints(["LASI", *files.NAMES], {"pelvis": {"LAIS": 1.0}})
    assert nearest("xyz", ["hip", "knee"]) == "; there are hip, knee"
