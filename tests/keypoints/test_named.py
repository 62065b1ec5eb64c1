"""Named joints: a real file of MoveNet, and lists of people."""

import json

import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from samples.keypoint_files import SAMPLES, person, write


def test_joints_are_read_by_name(tmp_path):
    path = SAMPLES / "movenet_coco17_named.json"
    frames = json.loads(path.read_text())
    poses = read_keypoints(path, size=(576, 576), fps=30)
    assert poses.skeleton == COCO_17
    assert len(poses) == len(frames)
    point = frames[7]["left_knee"]
    assert_allclose(poses.joint("left_knee")[7], [point["x"], point["y"]], atol=1e-3)
    reordered = [dict(reversed(frame.items())) for frame in frames]
    assert_allclose(read_keypoints(write(tmp_path / "reordered.json", reordered)).points, poses.points)


def test_lists_of_people_are_read_and_one_person_followed(tmp_path):
    def pose(x: float) -> dict[str, object]:
        rows = zip(COCO_17.joints, person(17, x=x), strict=True)
        return {"score": 0.8, "keypoints": [{"name": n, "x": p[0], "y": p[1], "score": p[2]} for n, p in rows]}

    poses = read_keypoints(write(tmp_path / "p.json", [[], [pose(100)], [pose(104), pose(400)]]))
    assert poses.validity.tolist() == [False, True, True]
    assert_allclose(poses.points[2], person(17, x=104)[:, :2], atol=1e-3)


def test_points_need_names(tmp_path):
    point = {"x": 1, "y": 2}
    with pytest.raises(FormatError, match="not a keypoint file"):
        read_keypoints(write(tmp_path / "p.json", [[{"keypoints": [point]}]]))
    with pytest.raises(FormatError, match="the joints nose do not cover any known layout"):
        read_keypoints(write(tmp_path / "p.json", [[{"keypoints": [point | {"name": "nose"}]}]]))


def test_a_joint_that_a_frame_lacks_is_unknown(tmp_path):
    frame = {n: {"x": p[0], "y": p[1]} for n, p in zip(COCO_17.joints, person(17), strict=True)}
    poses = read_keypoints(write(tmp_path / "p.json", [frame, {n: p for n, p in frame.items() if n != "left_knee"}]))
    assert (poses.confidence == 0).nonzero()[0].tolist() == [1]
    assert (poses.confidence == 0).nonzero()[1].tolist() == [COCO_17.index("left_knee")]


@pytest.mark.parametrize("score", ["confidence", "visibility", "likelihood", "c"])
def test_scores_have_other_names(tmp_path, score):
    frame = {n: {"x": p[0], "y": p[1], score: p[2]} for n, p in zip(COCO_17.joints, person(17, score=0.4), strict=True)}
    assert_allclose(read_keypoints(write(tmp_path / "p.json", [frame])).confidence, 0.4)


def test_coordinates_that_are_lists_are_refused(tmp_path):
    with pytest.raises(FormatError, match="every joint must have numbers x and y"):
        read_keypoints(write(tmp_path / "p.json", [{"nose": {"x": [1, 2], "y": [1, 2], "score": [1, 2]}}]))


def test_people_without_joints_are_absent(tmp_path):
    frame = {n: {"x": p[0], "y": p[1]} for n, p in zip(COCO_17.joints, person(17), strict=True)}
    listed = [{"keypoints": [{"name": name, **point} for name, point in frame.items()]}, {"keypoints": []}]
    assert read_keypoints(write(tmp_path / "p.json", [listed, [{"keypoints": []}]])).validity.tolist() == [True, False]
