"""AlphaPose results from a part of a real file."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass import HALPE_26
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from samples.keypoint_files import SAMPLES, person, write


def test_a_real_file_is_read_with_the_strongest_person_per_image():
    path = SAMPLES / "alphapose_halpe26.json"
    entries = json.loads(path.read_text())
    poses = read_keypoints(path, size=(360, 640), fps=25)
    assert (poses.skeleton, poses.space, poses.rate, poses.size) == (HALPE_26, "pixels", 25, (360, 640))
    assert len(poses) == 16  # images 136 to 151, one of which shows two people
    assert poses.validity.all()
    strongest: dict[str, dict] = {}
    for entry in entries:
        strongest[entry["image_id"]] = max(entry, strongest.get(entry["image_id"], entry), key=lambda e: e["score"])
    for row, frame in enumerate(range(136, 152)):
        expected = np.reshape(strongest[f"{frame}.jpg"]["keypoints"], (26, 3))
        assert_allclose(poses.points[row], expected[:, :2], atol=1e-3)
    assert poses.confidence.max() <= 1


def test_missing_images_become_invalid_rows(tmp_path):
    entries = json.loads((SAMPLES / "alphapose_halpe26.json").read_text())
    kept = [entry for entry in entries if entry["image_id"] not in ("140.jpg", "141.jpg")]
    complete = read_keypoints(SAMPLES / "alphapose_halpe26.json")
    poses = read_keypoints(write(tmp_path / "a.json", kept))
    assert np.flatnonzero(~poses.validity).tolist() == [4, 5]
    assert np.isnan(poses.points[4:6]).all()
    assert not poses.confidence[4:6].any()
    assert_allclose(poses.points[6:], complete.points[6:])  # later frames keep their rows


def test_joints_of_named_images_need_a_layout_even_without_a_box(tmp_path):
    entry = {"image_id": "4.jpg", "keypoints": person(17).reshape(-1).tolist()}
    with pytest.raises(FormatError, match="does not name its 17 joints"):
        read_keypoints(write(tmp_path / "a.json", [entry]))


def test_an_object_of_people_by_image_is_read(tmp_path):
    entry = {"keypoints": person(26).reshape(-1).tolist(), "scores": 2.5, "idx": 1}
    poses = read_keypoints(write(tmp_path / "a.json", {"3.jpg": [entry], "4.jpg": [], "5.jpg": [entry, None]}))
    assert poses.skeleton == HALPE_26
    assert poses.validity.tolist() == [True, False, True]


def test_people_without_keypoints_are_left_out(tmp_path):
    entry = {"image_id": "1.jpg", "keypoints": person(26).reshape(-1).tolist()}
    entries = [entry, None, {**entry, "image_id": "2.jpg", "keypoints": []}, {**entry, "image_id": "3.jpg"}]
    assert read_keypoints(write(tmp_path / "a.json", entries)).validity.tolist() == [True, False, True]


@pytest.mark.parametrize("image", ["1" * 5000 + ".jpg", [[[[[1]]]]], {"a": 1}])
def test_images_that_are_no_frames_are_refused_in_a_short_sentence(tmp_path, image):
    entry = {"image_id": image, "keypoints": person(26).reshape(-1).tolist(), "box": []}
    with pytest.raises(FormatError, match="image_id") as caught:
        read_keypoints(write(tmp_path / "a.json", [entry]))
    assert len(str(caught.value)) < 500
