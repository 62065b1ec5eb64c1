"""A real file of GAST-Net."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from samples.keypoint_files import SAMPLES


def test_a_gast_file_needs_a_layout():
    path = SAMPLES / "gast_coco17.json"
    with pytest.raises(FormatError, match="does not name its 17 joints; pass --layout h36m17 or --layout coco"):
        read_keypoints(path)
    poses = read_keypoints(path, layout="coco17")
    first = json.loads(path.read_text())["data"][0]["skeleton"][0]
    assert len(poses) == 24
    assert_allclose(poses.points[0], first["pose"], atol=1e-3)
    assert_allclose(poses.confidence[0], np.ravel(first["score"]), atol=1e-6)
