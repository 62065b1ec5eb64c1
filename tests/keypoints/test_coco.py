"""COCO results."""

from numpy.testing import assert_allclose

from poseglass import COCO_17, H36M_17
from poseglass.keypoints import read_keypoints
from samples.keypoint_files import SIZE, coco, person, write


def test_results_are_read_in_order_of_their_image_numbers(tmp_path):
    frames = {3: [person(17)], 4: [], 6: [person(17, x=110)]}
    poses = read_keypoints(write(tmp_path / "results.json", coco(frames)), size=SIZE)
    assert poses.skeleton == COCO_17  # by the format
    assert poses.validity.tolist() == [True, False, False, True]
    assert_allclose(poses.points[3], frames[6][0][:, :2], atol=1e-3)
    other = read_keypoints(tmp_path / "results.json", layout="h36m17")
    assert other.skeleton == H36M_17
