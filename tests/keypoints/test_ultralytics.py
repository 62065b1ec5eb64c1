"""Ultralytics' results as JSON."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints, read_people
from samples.keypoint_files import SIZE, person, write


def detection(joints: np.ndarray, **fields: object) -> dict[str, object]:
    columns = dict(zip(("x", "y", "visible"), joints.T.tolist(), strict=True))
    return {"name": "person", "class": 0, "confidence": 0.9, "box": {"x1": 1.0}, "keypoints": columns, **fields}


def test_every_frame_is_a_list_of_detections(tmp_path):
    frames = [[detection(person(17, x=100 + n))] for n in range(4)]
    frames[1] = []
    poses = read_keypoints(write(tmp_path / "r.json", frames), fps=25)
    assert poses.skeleton == COCO_17
    assert poses.validity.tolist() == [True, False, True, True]
    assert_allclose(poses.points[3], person(17, x=103)[:, :2], atol=1e-3)
    assert_allclose(poses.confidence[3], 0.9)


def test_a_frame_may_be_text_and_a_line(tmp_path):
    frames = [[detection(person(17))], [], [detection(person(17, x=103))]]
    expected = read_keypoints(write(tmp_path / "r.json", frames)).points
    texts = write(tmp_path / "texts.json", [json.dumps(frame) for frame in frames])
    lines = write(tmp_path / "r.jsonl", "\n".join(json.dumps(frame, indent=1) for frame in frames))
    for path in (texts, lines):
        np.testing.assert_array_equal(read_keypoints(path).points, expected)


def test_one_list_of_detections_is_one_frame(tmp_path):
    people = read_people(write(tmp_path / "r.json", [detection(person(17, x=x)) for x in (100, 400)]))
    assert [len(poses) for poses in people] == [1, 1]


def test_tracks_are_kept(tmp_path):
    frames = [[detection(person(17, x=x), track_id=x) for x in (100, 400)][:: -1 if n % 2 else 1] for n in range(6)]
    first, _ = read_people(write(tmp_path / "r.json", frames))
    assert first.validity.all()
    assert np.ptp(first.points[:, 0, 0]) == 0


def test_joints_at_zero_are_unknown_whatever_their_score(tmp_path):
    joints = person(17)
    joints[:, 2] = np.linspace(0.5, 0.9, 17)
    joints[4, :2] = 0
    poses = read_keypoints(write(tmp_path / "r.json", [[detection(joints)]]))
    assert np.flatnonzero(poses.confidence[0] == 0).tolist() == [4]


def test_shares_of_the_image_need_its_size(tmp_path):
    joints = person(17)
    joints[:, :2] /= SIZE
    path = write(tmp_path / "r.json", [[detection(joints)]])
    with pytest.raises(FormatError, match="shares of the image, so its size is needed: give --size WIDTHxHEIGHT"):
        read_keypoints(path)
    assert_allclose(read_keypoints(path, size=SIZE).points[0], person(17)[:, :2], atol=1e-2)


@pytest.mark.parametrize(
    ("keypoints", "message"),
    [
        ({"x": [1.0] * 17, "y": [1.0] * 16}, "x and y must have the same length, got 17 and 16"),
        ({"x": [9.0] * 17, "y": [9.0] * 17, "visible": [1.0]}, "visible must be 17 scores"),
        ({"x": [9.0] * 16, "y": [9.0] * 16}, r"this format has 17 \(coco17\) joints, but 16 are given"),
    ],
)
def test_broken_detections_are_refused(tmp_path, keypoints, message):
    with pytest.raises(FormatError, match=message):
        read_keypoints(write(tmp_path / "r.json", [[{"name": "person", "keypoints": keypoints}]]))


def test_boxes_are_refused_by_name(tmp_path):
    with pytest.raises(FormatError, match="Ultralytics' boxes without keypoints: use a model whose name ends in -pose"):
        read_keypoints(write(tmp_path / "r.json", [[{"name": "person", "box": {"x1": 1.0}}]]))
