"""Values of parsed files."""

import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.keypoints.parsing import (
    frame_number,
    numbered_frames,
    person_number,
    scores_in,
    shortened,
    whole_number,
)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (12, 12),
        (12.0, 12),
        ("12.0", 12),
        ("0.jpg", 0),
        ("clip_0012.jpg", 12),
        ("clip.0012", 12),
        ("clip_3.mp4", 3),  # the suffix does not count
        ("2024-05-17_7", 7),
        ("day_4/clip_5.png", 5),
        ("C:\\day 4\\clip 6.png", 6),
    ],
)
def test_the_last_digits_of_a_name_are_the_frame_number(name, number):
    assert frame_number(name, "image_id") == number


@pytest.mark.parametrize("name", ["", "clip.jpg", "day_4/clip.jpg", "clip.mp4"])
def test_a_name_without_digits_is_refused(name):
    with pytest.raises(FormatError, match=f"image_id is '{name}', which has no frame number in it"):
        frame_number(name, "image_id")


@pytest.mark.parametrize("value", [True, 0.5, "3", None, float("nan"), float("inf")])
def test_only_whole_numbers_are_whole(value):
    with pytest.raises(FormatError, match="idx must be a whole number"):
        whole_number(value, "idx")


KEYS = {"number": "frame", "people": "persons", "joints": "pose"}


class TestNumberedFrames:
    def test_frames_are_yielded_with_the_place_of_each_person(self):
        data = [{"frame": 7, "persons": [{"pose": 1}, {"pose": 2}]}, {"frame": 3.0, "persons": []}]
        assert list(numbered_frames(data, "data", **KEYS)) == [
            (7, [("data, item 0 (frame 7), person 0", {"pose": 1}), ("data, item 0 (frame 7), person 1", {"pose": 2})]),
            (3, []),
        ]

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({}, "data must be a list"),
            ([{}], "data, item 0 lacks frame and persons"),
            ([{"frame": 1, "persons": []}, {"frame": 2}], "data, item 1 lacks persons"),
            ([{"frame": "a", "persons": []}], "data, item 0: frame must be a whole number"),
            ([{"frame": 1, "persons": [3]}], r"data, item 0 \(frame 1\), persons, item 0 must be an object"),
        ],
    )
    def test_errors_name_the_place(self, data, message):
        with pytest.raises(FormatError, match=message):
            list(numbered_frames(data, "data", **KEYS))


@pytest.mark.parametrize("key", ["score", "scores", "keypoint_scores", "visible", "conf", "keypoints_confidence"])
def test_scores_have_any_usual_name(key):
    assert scores_in({"confidence": 0.5, "bbox": [1], key: [0.1, 0.2]}, 2, "it").tolist() == [0.1, 0.2]
    with pytest.raises(FormatError, match=f"it: {key} must be 3 scores, one per joint, got 2"):
        scores_in({key: [0.1, 0.2]}, 3, "it")


@pytest.mark.parametrize("entry", [{}, {"score": 0.5}, {"score": None}, {"scores": []}])
def test_without_scores_of_joints_all_are_one(entry):
    assert scores_in(entry, 2, "it").tolist() == [1, 1]


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3), ([3.0], 3), ([[3]], 3), (None, None), ([], None), (-1, None), (np.zeros(0), None)]
)
def test_numbers_of_people_are_taken_out_of_lists(value, number):
    assert person_number(value, "idx") == number


@pytest.mark.parametrize("value", ["3", "", 0.5, [[[[3]]]], {"a": 1}, 10**15, np.zeros(9)])
def test_other_numbers_of_people_are_refused(value):
    with pytest.raises(FormatError, match="idx must be a whole number, got ") as caught:
        person_number(value, "idx")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("value", [10**5000, "9" * 500, [[[[1] * 99] * 99] * 99], {"a" * 99: 1}], ids=type)
def test_values_in_messages_are_short(value):
    assert len(shortened(value)) <= 60
