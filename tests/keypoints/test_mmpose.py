"""MMPose predictions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints, read_people
from samples.keypoint_files import person, write


def mmpose(frames: dict[int, list[np.ndarray]]) -> list[dict[str, object]]:
    return [
        {
            "frame_id": frame,
            "instances": [
                {"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist(), "bbox": [[0, 0, 9, 9]]}
                for p in crowd
            ],
        }
        for frame, crowd in frames.items()
    ]


def test_a_header_names_the_joints(tmp_path):
    order = np.random.default_rng(1).permutation(17)
    meta = {"dataset_name": "mine", "keypoint_id2name": {str(n): COCO_17.joints[i] for n, i in enumerate(order)}}
    truth = person(17)
    data = {"meta_info": meta, "instance_info": mmpose({1: [truth[order]], 2: [], 3: [truth[order]]})}
    poses = read_keypoints(write(tmp_path / "p.json", data))
    assert poses.skeleton == COCO_17
    assert poses.validity.tolist() == [True, False, True]
    assert_allclose(poses.points[0], truth[:, :2], atol=1e-3)
    assert_allclose(poses.confidence[2], truth[:, 2])


def test_a_file_without_a_header_needs_a_layout(tmp_path):
    path = write(tmp_path / "p.json", mmpose({0: [person(17)]}))
    with pytest.raises(FormatError, match=r"instance 0: the file does not name its 17 joints"):
        read_keypoints(path)
    assert read_keypoints(path, layout="coco17").skeleton == COCO_17


def test_a_third_number_of_a_joint_is_ignored(tmp_path):
    joints = person(17)
    instance = {"keypoints": joints.tolist(), "keypoint_scores": [0.5] * 17}
    path = write(tmp_path / "p.json", [{"frame_id": 0, "instances": [instance]}])
    poses = read_keypoints(path, layout="coco17")
    assert_allclose(poses.points[0], joints[:, :2], atol=1e-3)
    assert_allclose(poses.confidence, 0.5)


def test_instances_without_keypoints_are_left_out(tmp_path):
    frames = mmpose({0: [person(17)], 1: [person(17)]})
    frames[1]["instances"] = [None, {"keypoints": []}]
    poses = read_keypoints(write(tmp_path / "p.json", [*frames, {"frame_id": 2, "instances": None}]), layout="coco17")
    assert poses.validity.tolist() == [True, False, False]


def test_whole_bodies_are_named_in_the_header(tmp_path):
    names = {str(n): COCO_17.joints[n] if n < 17 else f"face-{n}" for n in range(133)}
    data = {"meta_info": {"keypoint_id2name": names}, "instance_info": mmpose({0: [person(133)]})}
    poses = read_keypoints(write(tmp_path / "p.json", data))
    assert_allclose(poses.points[0], person(133)[:17, :2], atol=1e-3)


def test_a_list_of_instances_is_a_single_image(tmp_path):
    (frame,) = mmpose({0: [person(17), person(17, x=400)]})
    first, second = read_people(write(tmp_path / "p.json", frame["instances"]), layout="coco17")
    assert len(first) == len(second) == 1
    assert {first.points[0, 0, 0], second.points[0, 0, 0]} == {
        np.float32(person(17)[0, 0]),
        np.float32(person(17, x=400)[0, 0]),
    }
