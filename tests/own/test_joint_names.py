"""Joints identified by the names that programs use, defined by the user, or missing."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import HALPE_26, PoseSequence
from poseglass.body.skeleton import SKELETONS
from poseglass.errors import DataError
from poseglass.own.joint_names import map_joints, suggest
from poseglass.own.namings import LIMBS, NAMINGS
from samples import motion_files as files

# The names that each program uses for the joints of Human3.6M, in order; written independently of the table.
RIGS = {
    "HumanIK": "- RightUpLeg RightLeg RightFoot LeftUpLeg LeftLeg LeftFoot Spine1 Neck Head HeadTop_End "
    "LeftArm LeftForeArm LeftHand RightArm RightForeArm RightHand",
    "Biovision": "- RightHip RightKnee RightAnkle LeftHip LeftKnee LeftAnkle Chest Neck Head Head_End_Site "
    "LeftShoulder LeftElbow LeftWrist RightShoulder RightElbow RightWrist",
    "Unity": "- RightUpperLeg RightLowerLeg RightFoot LeftUpperLeg LeftLowerLeg LeftFoot Chest Neck Head HeadEnd "
    "LeftUpperArm LeftLowerArm LeftHand RightUpperArm RightLowerArm RightHand",
    "Unity/VRM": "- R_UpperLeg R_LowerLeg R_Foot L_UpperLeg L_LowerLeg L_Foot C_Chest C_Neck C_Head C_Head_End "
    "L_UpperArm L_LowerArm L_Hand R_UpperArm R_LowerArm R_Hand",
    "Unity/Bandai-Namco": "- UpperLeg_R LowerLeg_R Foot_R UpperLeg_L LowerLeg_L Foot_L Chest Neck Head Head_End_Site "
    "UpperArm_L LowerArm_L Hand_L UpperArm_R LowerArm_R Hand_R",
    "Biped": "- R_Thigh R_Calf R_Foot L_Thigh L_Calf L_Foot Spine1 Neck Head HeadNub "
    "L_UpperArm L_Forearm L_Hand R_UpperArm R_Forearm R_Hand",
    "Unreal": "- thigh_r calf_r foot_r thigh_l calf_l foot_l spine_02 neck_01 head head_end "
    "upperarm_l lowerarm_l hand_l upperarm_r lowerarm_r hand_r",
    "Xsens": "- RightUpperLeg RightLowerLeg RightFoot LeftUpperLeg LeftLowerLeg LeftFoot T12 Neck Head Head_End_Site "
    "LeftUpperArm LeftForeArm LeftHand RightUpperArm RightForeArm RightHand",
    "DAZ": "- rThighBend rShin rFoot lThighBend lShin lFoot chestLower neckLower head head_end "
    "lShldrBend lForearmBend lHand rShldrBend rForearmBend rHand",
    "DAZ/Poser": "- rThigh rShin rFoot lThigh lShin lFoot chest neck head head_End_Site "
    "lShldr lForeArm lHand rShldr rForeArm rHand",
    "Motive": "- RThigh RShin RFoot LThigh LShin LFoot Chest Neck Head Head_End_Site "
    "LUArm LFArm LHand RUArm RFArm RHand",
    "Rokoko": "- RightThigh RightShin RightFoot LeftThigh LeftShin LeftFoot Spine2 Neck Head HeadTip "
    "LeftArm LeftForeArm LeftHand RightArm RightForeArm RightHand",
    "Rigify": "- thigh.R shin.R foot.R thigh.L shin.L foot.L spine.002 spine.004 spine.006 spine.006_End_Site "
    "upper_arm.L forearm.L hand.L upper_arm.R forearm.R hand.R",
}


@pytest.mark.parametrize("prefix", ["", "mixamorig:", "Character1_", "a:b:"])
@pytest.mark.parametrize("naming", RIGS)
def test_joints_are_identified_in_each_naming(naming, prefix):
    names = [prefix + name for name in RIGS[naming].split()]
    names[0] = "Reference"  # a node without the prefix does not hide it
    points = files.people(5)
    order = np.random.default_rng(0).permutation(17)
    joint_map = map_joints([names[n] for n in order])
    assert joint_map.naming == naming.partition("/")[0]
    expected = points.copy()
    expected[:, 0] = (points[:, 1] + points[:, 4]) / 2
    assert_allclose(joint_map.apply(points[:, order]), expected, atol=1e-12)


HEADLESS = "RightHip RightKnee RightAnkle LeftHip LeftKnee LeftAnkle LeftShoulder LeftElbow LeftWrist "
HEADLESS += "RightShoulder RightElbow RightWrist"


@pytest.mark.parametrize(
    ("naming", "centre", "given"),
    [
        ("SMPL", "Pelvis Spine1 Spine2 Spine3 Neck Head", {0: "Pelvis", 7: "Spine2", 8: "Neck", 9: "Head"}),
        ("Kinect", "SpineBase SpineMid SpineShoulder Head", {0: "SpineBase", 7: "SpineMid", 8: "SpineShoulder"}),
        ("Kinect", "HipCenter Spine ShoulderCenter Head", {0: "HipCenter", 7: "Spine", 8: "ShoulderCenter"}),
    ],
)
@pytest.mark.parametrize("spelling", ["Left{}", "L_{}", "{}Left", "{}_LEFT", "l{}", "{}.L", "L {}"])
def test_a_head_without_an_end_is_extended(naming, centre, given, spelling):
    sided = [
        spelling.format(name.removeprefix("Left"))
        if name.startswith("Left")
        else spelling.replace("Left", "Right")
        .replace("LEFT", "RIGHT")
        .replace("L", "R")
        .replace("l{", "r{")
        .replace("RIGHT", "RIGHT")
        .format(name.removeprefix("Right"))
        for name in HEADLESS.split()
    ]
    names = [*sided, *centre.split()]
    points = np.random.default_rng(0).normal(size=(2, len(names), 3))
    joint_map = map_joints(names)
    joints = joint_map.apply(points)
    assert (joint_map.naming, joint_map.estimated) == (naming, ("head_top",))
    for joint, name in given.items():
        assert_allclose(joints[:, joint], points[:, names.index(name)])
    head = points[:, names.index("Head")]
    assert_allclose(joints[:, 9], head)
    assert_allclose(joints[:, 10] - joints[:, 8], (head - joints[:, 8]) * 0.231 / 0.116)
    assert joint_map.note == (
        "the file lacks head_top, which is estimated on the line from thorax to neck_nose; to use other points, define "
        "head_top under [joints] in motion.toml"
    )


def test_a_file_without_a_head_gets_one_on_the_line_of_the_trunk():
    """As OpenCap's markers."""
    points = files.people(3)
    keep = [n for n, name in enumerate(files.NAMES) if name not in ("neck_nose", "head_top")]
    joint_map = map_joints([files.NAMES[n] for n in keep])
    joints = joint_map.apply(points[:, keep])
    assert_allclose(joints[:, keep], points[:, keep])
    trunk = points[:, 8] - points[:, 0]
    assert_allclose(joints[:, 9], points[:, 8] + trunk * 0.116 / 0.49)
    assert_allclose(joints[:, 10], points[:, 8] + trunk * 0.231 / 0.49)
    assert joint_map.note.startswith(
        "the file lacks neck_nose and head_top, which are estimated on the line from pelvis"
    )
    assert map_joints(files.NAMES).note == ""
    user = {joint: {"thorax": 1.0} for joint in ("neck_nose", "head_top")}
    assert map_joints([files.NAMES[n] for n in keep], user).estimated == ()


def test_a_name_that_is_there_is_never_suggested():
    names = ["Pelvis", "Spine", "Head", "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "RightUpperLeg"]
    with pytest.raises(DataError) as caught:
        map_joints(names)
    assert "Spine'" not in str(caught.value)
    assert "Pelvis'" not in str(caught.value)
    assert str(caught.value).startswith("lacks right_knee")


def test_the_docs_list_every_naming():
    page = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text()
    for row in NAMINGS.values():
        limbs = " ".join(row.parts[limb][0] for limb in LIMBS[:6])
        assert f"| {row.programs} | {limbs} |" in page


def test_thousands_of_points_are_searched_quickly():
    names = [f"a_{number}_b.c d-{number}" for number in range(20_000)]
    with pytest.raises(DataError, match="has none of the 17 joints"):
        map_joints(names)


def test_pose2sim_markers_are_converted_like_halpe():
    names = "Hip RHip RKnee RAnkle LHip LKnee LAnkle Neck Head Nose LShoulder LElbow LWrist RShoulder RElbow RWrist"
    ours = "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle neck head_top nose left_shoulder "
    ours += "left_elbow left_wrist right_shoulder right_elbow right_wrist"
    halpe = np.random.default_rng(0).normal(size=(3, 26, 3))
    joint_map = map_joints(names.split())
    assert joint_map.naming == "Pose2Sim"
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
    names = [name for name in files.NAMES if name not in ("left_wrist", "left_hip")]
    with pytest.raises(
        DataError,
        match=r"lacks left_hip, left_wrist, and points to derive them from; its points are head_top, .*\[joints\]",
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
