"""Names of joints and columns, in the spellings of other tools."""

import pytest

from poseglass.body.skeleton import COCO_17, HALPE_26
from poseglass.keypoints.names import SCORES, plain_name, split_column


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Left Shoulder", "left_shoulder"),
        ("leftShoulder", "left_shoulder"),
        ("LeftShoulder", "left_shoulder"),
        ("LEFT-SHOULDER", "left_shoulder"),
        ("left.shoulder", "left_shoulder"),
        ("l_shoulder", "left_shoulder"),
        ("shoulder_L", "left_shoulder"),
        ("shoulder (right)", "right_shoulder"),
        ("LShoulder", "left_shoulder"),
        ("rightear", "right_ear"),
        ("LBigToe", "left_big_toe"),
        ("MidHip", "pelvis"),
        ("LToe", "ltoe"),  # not a joint of ours
        ("IpJoint", "ip_joint"),
        (" nose ", "nose"),
        ("mouth_left", "left_mouth"),
    ],
)
def test_names_are_read_in_any_spelling(name, plain):
    assert plain_name(name) == plain


@pytest.mark.parametrize("joint", [*COCO_17.joints, *HALPE_26.joints])
def test_our_own_names_stay(joint):
    assert plain_name(joint) == joint


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("join", ["_", ".", " ", "-"])
def test_scores_have_many_names(score, join):
    for word in (score, score.upper(), score.title()):
        assert split_column(f"left_knee{join}{word}") == ("left_knee", "score")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("nose_x", ("nose", "x")),
        ("noseX", ("nose", "x")),
        ("Left Knee.Y", ("left_knee", "y")),
        ("nose (x)", ("nose", "x")),
        ("leftEyeScore", ("left_eye", "score")),
        ("left_foot_index_visibility", ("left_foot_index", "score")),
        ("x12", ("12", "x")),
        ("conf_3", ("3", "score")),
        ("kp_4.y", ("4", "y")),
        ("Keypoint4 y", ("4", "y")),
        ("0_x", ("0", "x")),
        ("nose_speed", None),
        ("x", None),
        ("score", None),
        ("", None),
    ],
)
def test_columns_are_split_into_joint_and_quantity(name, split):
    assert split_column(name) == split
