"""Joints identified by the names that programs use, defined by the user, or missing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import HALPE_26, PoseSequence
from poseglass.body.skeleton import SKELETONS
from poseglass.errors import DataError
from poseglass.own.joint_names import map_joints, suggest
from samples import motion_files as files

# The names that each program uses for the joints of Human3.6M, in order; written independently of the table.
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
def test_joints_are_identified_in_each_naming_family(family, prefix):
    names = [prefix + name for name in RIGS[family].split()]
    names[0] = prefix + "Hips"  # not used: the pelvis is the midpoint of the hips
    points = files.people(5)
    order = np.random.default_rng(0).permutation(17)
    joint_map = map_joints([names[n] for n in order])
    assert joint_map.family == family
    expected = points.copy()
    expected[:, 0] = (points[:, 1] + points[:, 4]) / 2
    assert_allclose(joint_map.apply(points[:, order]), expected, atol=1e-12)


def test_pose2sim_markers_are_converted_like_halpe():
    names = "Hip RHip RKnee RAnkle LHip LKnee LAnkle Neck Head Nose LShoulder LElbow LWrist RShoulder RElbow RWrist"
    ours = "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle neck head_top nose left_shoulder "
    ours += "left_elbow left_wrist right_shoulder right_elbow right_wrist"
    halpe = np.random.default_rng(0).normal(size=(3, 26, 3))
    joint_map = map_joints(names.split())
    assert joint_map.family == "Pose2Sim"
    points = halpe[:, [HALPE_26.index(joint) for joint in ours.split()]]
    expected = PoseSequence(halpe, HALPE_26, "camera").to_skeleton().points
    assert_allclose(joint_map.apply(points), expected, atol=1e-6)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_joints_of_our_own_skeletons_are_identified(skeleton):
    points = np.random.default_rng(0).normal(size=(3, len(skeleton), 3))
    expected = PoseSequence(points, skeleton, "camera").to_skeleton().points
    joint_map = map_joints([joint.replace("_", " ").title() for joint in skeleton.joints])
    assert_allclose(joint_map.apply(points), expected, atol=1e-6)


def test_user_joints_are_weighted_sums_of_points():
    names = ["LASI", "RASI", "LPSI", *files.NAMES[1:]]
    points = np.random.default_rng(0).normal(size=(4, len(names), 3))
    joints = map_joints(names, {"pelvis": {"LASI": 0.25, "RASI": 0.75}}).apply(points)
    assert_allclose(joints[:, 0], 0.25 * points[:, 0] + 0.75 * points[:, 1])


def test_an_unknown_point_affects_only_joints_that_use_it():
    names = ["LASI", "RASI", "LPSI", *files.NAMES[1:]]
    points = np.random.default_rng(0).normal(size=(4, len(names), 3))
    points[1, 2] = np.nan  # LPSI, which no joint uses
    points[2, 0] = np.nan
    joints = map_joints(names, {"pelvis": {"LASI": 0.25, "RASI": 0.75}}).apply(points)
    assert np.argwhere(np.isnan(joints).any(-1)).tolist() == [[2, 0]]


def test_missing_joints_are_listed_with_suggestions():
    names = [name for name in files.NAMES if name not in ("left_wrist", "head_top")]
    with pytest.raises(
        DataError,
        match=r"lacks head_top, left_wrist, and points to derive them from; its points are left_ankle.*\[joints\]",
    ):
        map_joints(names)
    with pytest.raises(DataError, match=r"lacks right_ankle \(did you mean 'rigt_ankle'\?\), and points to derive it"):
        map_joints([name.replace("right_ankle", "rigt_ankle") for name in files.NAMES])
    with pytest.raises(DataError, match="has none of the 17 joints under a known name; its points are a, b"):
        map_joints(["a", "b"])
    with pytest.raises(DataError, match=r"'LAIS', which the file lacks; did you mean 'LASI'\?"):
        map_joints(["LASI", *files.NAMES], {"pelvis": {"LAIS": 1.0}})


def test_suggestions_are_the_closest_name_or_a_short_list():
    assert suggest("xyz", ["knee", "hip"]) == "; expected one of hip, knee"
    assert suggest("Left Ancle", ["left_ankle", "right_ankle"]) == "; did you mean 'left_ankle'?"
    assert suggest("abcde", ["abcxy"]) == "; did you mean 'abcxy'?"  # a similarity of exactly 0.6
    assert suggest("abcde", ["abxyz"]) == "; expected one of abxyz"
    names = [f"joint {number:02}" for number in range(21)]
    assert suggest("xyz", names) == "; expected one of " + ", ".join(names[:20]) + " and others"
    assert suggest("xyz", names[:20]) == "; expected one of " + ", ".join(names[:20])


def test_replacing_a_missing_joint_needs_a_closer_match():
    names = [name for name in files.NAMES if name != "left_wrist"]
    with pytest.raises(DataError, match="lacks left_wrist, and"):
        map_joints([*names, "left_waste"])  # a similarity of 0.78
    with pytest.raises(DataError, match=r"lacks left_wrist \(did you mean 'left_wirst'\?\)"):
        map_joints([*names, "left_wirst"])


def test_at_most_40_points_are_listed():
    names = [f"M{number:02}" for number in range(42)]
    with pytest.raises(DataError, match=r"M38, M39 and 2 others\."):
        map_joints(names)
    with pytest.raises(DataError, match=r"M38, M39\. Define"):
        map_joints(names[:40])


def test_any_shared_prefix_is_ignored():
    for prefix in ("ns:", "Anna.", "rig-", "my rig "):
        assert map_joints([prefix + name for name in files.NAMES]).matrix.tolist() == np.eye(17).tolist()
