"""Bare nested lists: a real file of BlazePose."""

import json

import numpy as np
from numpy.testing import assert_allclose

from poseglass import BLAZEPOSE_33
from poseglass.keypoints import read_keypoints
from samples.keypoint_files import SAMPLES


def test_blazepose_depth_is_not_a_score():
    path = SAMPLES / "blazepose33_pixels.json"
    poses = read_keypoints(path, size=(720, 1280), fps=5)
    assert poses.skeleton == BLAZEPOSE_33
    assert_allclose(poses.points, np.array(json.loads(path.read_text()))[..., :2], atol=1e-3)
    assert (poses.confidence == 1).all()
