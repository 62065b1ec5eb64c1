"""Bare nested lists: a real file of BlazePose."""

import json

import numpy as np
from numpy.testing import assert_allclose

from poseglass import BLAZEPOSE_33
from poseglass.keypoints import read_keypoints, read_people
from samples.keypoint_files import SAMPLES, person, write


def test_blazepose_depth_is_not_a_score():
    path = SAMPLES / "blazepose33_pixels.json"
    poses = read_keypoints(path, size=(720, 1280), fps=5)
    assert poses.skeleton == BLAZEPOSE_33
    assert_allclose(poses.points, np.array(json.loads(path.read_text()))[..., :2], atol=1e-3)
    assert (poses.confidence == 1).all()


def test_frames_may_hold_several_people(tmp_path):
    crowd = [[person(33, x=x)[:, :2].tolist() for x in places] for places in ((100, 400), (100, 400), (400,), (400,))]
    first, second = read_people(write(tmp_path / "a.json", [*crowd, []]))
    assert sorted(int(poses.validity.sum()) for poses in (first, second)) == [2, 4]


def test_people_may_come_first(tmp_path):
    frames = [person(33, x=100 + n)[:, :2].tolist() for n in range(4)]
    expected = read_keypoints(write(tmp_path / "a.json", frames)).points
    np.testing.assert_array_equal(read_keypoints(write(tmp_path / "b.json", [frames])).points, expected)
