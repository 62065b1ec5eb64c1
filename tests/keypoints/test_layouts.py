"""Layouts of keypoints in files."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17, HALPE_26
from poseglass.errors import FormatError
from poseglass.keypoints import COCO_18, read_keypoints
from poseglass.keypoints.layouts import find_layout, layout_by_count
from samples.keypoint_files import SAMPLES, person, write


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


@pytest.mark.parametrize(("joints", "body"), [(133, COCO_17), (134, COCO_18), (136, HALPE_26)])
@pytest.mark.parametrize("stated", [True, False])
def test_whole_bodies_are_lifted_as_the_body_they_start_with(tmp_path, joints, body, stated):
    table = person(joints)
    entry = {"image_id": "0.jpg", "keypoints": table.reshape(-1).tolist(), "score": 2.5}
    poses = read_keypoints(write(tmp_path / "a.json", [entry]), layout=body if stated else None)
    assert poses.skeleton == body
    assert_allclose(poses.points[0], table[: len(body), :2], atol=1e-3)
    np.save(tmp_path / "a.npy", table[None, None])  # f p j 3
    assert_allclose(read_keypoints(tmp_path / "a.npy").points, poses.points)


@pytest.mark.parametrize(
    ("name", "skeleton"), [("halpe136", HALPE_26), ("COCO-WholeBody", COCO_17), ("wholebody133", COCO_17)]
)
def test_whole_bodies_have_names(name, skeleton):
    assert find_layout(name) == skeleton


@pytest.mark.parametrize(
    ("joints", "layout", "message"),
    [
        (16, None, "16 joints are those of MPII"),
        (15, None, "use its BODY_25 model"),
        (136, "coco17", "136 joints are given but coco17 has 17; pass --layout halpe26"),
        (24, None, "no known layout has this number"),
    ],
)
def test_other_numbers_of_joints_are_refused_by_name(joints, layout, message):
    with pytest.raises(FormatError, match=message):
        layout_by_count(joints, find_layout(layout), "the file")
