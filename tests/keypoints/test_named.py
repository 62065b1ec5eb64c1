"""Named joints: a real file of MoveNet, and lists of people."""

import json

from numpy.testing import assert_allclose

from poseglass import COCO_17
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
