"""Layouts of keypoints in files."""

import pytest

from poseglass.errors import FormatError
from poseglass.keypoints import COCO_18, read_keypoints
from poseglass.keypoints.names import plain_name
from samples.keypoint_files import SAMPLES


def test_coco18_is_one_connected_body():
    assert len(COCO_18) == 18
    assert dict(COCO_18.bones)["left_elbow"] == "left_shoulder"
    assert COCO_18.parents.count(-1) == 1  # the neck is the only root


def test_a_wrong_layout_is_refused_with_the_right_ones():
    with pytest.raises(FormatError, match="26 joints are given but coco17 has 17; pass --layout halpe26"):
        read_keypoints(SAMPLES / "alphapose_halpe26.json", layout="coco17")
    with pytest.raises(
        FormatError, match="17 joints are given but halpe26 has 26; pass --layout h36m17 or --layout coco"
    ):
        read_keypoints(SAMPLES / "gast_coco17.json", layout="halpe26")
    with pytest.raises(FormatError, match=r"halpe26 needs head_top, neck, .* which the file does not name"):
        read_keypoints(SAMPLES / "movenet_coco17_named.json", layout="halpe26")
    with pytest.raises(FormatError, match="no layout is called 'coco19'; expected one of h36m17, coco17"):
        read_keypoints(SAMPLES / "gast_coco17.json", layout="coco19")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Left Shoulder", "left_shoulder"),
        ("leftShoulder", "left_shoulder"),
        ("LeftShoulder", "left_shoulder"),
        ("LEFT-SHOULDER", "left_shoulder"),
        ("LToe", "ltoe"),  # a capital starts a word only after a small letter
        ("IpJoint", "ip_joint"),
        (" nose ", "nose"),
        ("mouth_left", "left_mouth"),
    ],
)
def test_names_are_read_in_any_spelling(name, plain):
    assert plain_name(name) == plain
