"""COCO's annotations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from samples.keypoint_files import person, write


def annotated(frames: dict[str, list[np.ndarray]], names: list[str] | None = None) -> dict[str, object]:
    images = [{"id": 70 + n, "file_name": name, "width": 640, "height": 480} for n, name in enumerate(frames)]
    people = [
        {"image_id": 70 + n, "category_id": 1, "keypoints": joints.reshape(-1).tolist()}
        for n, crowd in enumerate(frames.values())
        for joints in crowd
    ]
    categories = [{"id": 1, "name": "person", **({} if names is None else {"keypoints": names})}]
    return {"images": images, "annotations": people, "categories": categories}


def visible(**place: float) -> np.ndarray:
    """A person of whom one joint is not labelled and one is hidden."""
    joints = person(17, score=2, **place)
    joints[3] = 0
    joints[4, 2] = 1
    return joints


def test_people_are_read_in_the_order_of_the_images_numbers(tmp_path):
    frames = {"b_0004.jpg": [visible(x=110)], "b_0002.jpg": [visible()], "b_0003.jpg": []}
    poses = read_keypoints(write(tmp_path / "a.json", annotated(frames)))
    assert (poses.skeleton, poses.size) == (COCO_17, (640, 480))
    assert poses.validity.tolist() == [True, False, True]
    assert_allclose(poses.points[2, 5:], visible(x=110)[5:, :2], atol=1e-3)
    assert poses.confidence[0].tolist() == [1, 1, 1, 0, *[1] * 13]


def test_categories_name_the_joints(tmp_path):
    order = np.random.default_rng(1).permutation(17)
    names = [COCO_17.joints[joint].replace("_", " ").title() for joint in order]
    poses = read_keypoints(write(tmp_path / "a.json", annotated({"1.jpg": [person(17)[order]]}, names)))
    assert_allclose(poses.points[0], person(17)[:, :2], atol=1e-3)


@pytest.mark.parametrize("names", [("b.jpg", "a.jpg"), ("b_1.jpg", "a_1.jpg")])
def test_images_without_numbers_of_their_own_are_frames_in_their_order(tmp_path, caplog, names):
    frames = {name: [person(17, x=x)] for name, x in zip(names, (100, 120), strict=True)}
    poses = read_keypoints(write(tmp_path / "a.json", annotated(frames)))
    assert_allclose(poses.points[1], person(17, x=120)[:, :2], atol=1e-3)
    assert "do not number the frames; their order in the file is assumed" in caplog.text


def test_the_hashes_that_roboflow_adds_number_nothing(tmp_path, caplog):
    frames = {"b_1_jpg.rf.3f2a9c.jpg": [person(17)], "b_2_jpg.rf.ab4c.jpg": [person(17, x=120)]}
    poses = read_keypoints(write(tmp_path / "a.json", annotated(frames)))
    assert_allclose(poses.points[:, 0, 0], [person(17)[0, 0], person(17, x=120)[0, 0]], atol=1e-3)
    assert "do not number" not in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"annotations": [{"image_id": 70, "bbox": [1, 2, 3, 4]}]}, "have no keypoints: they are boxes or outlines"),
        ({"annotations": [{"image_id": 3, "keypoints": [1, 2, 2] * 17}]}, "is of image 3, which is not one of the im"),
        ({"annotations": [{"image_id": 70, "keypoints": [1, 2, 2] * 16}]}, "16 joints are those of MPII|17 .coco17"),
        ({"images": 3}, "images must be a list"),
        ({"categories": [{"keypoints": ["nose", 3]}]}, "keypoints must be names"),
    ],
)
def test_other_annotations_are_refused(tmp_path, change, message):
    with pytest.raises(FormatError, match=message):
        read_keypoints(write(tmp_path / "a.json", {**annotated({"1.jpg": [person(17)]}), **change}))
