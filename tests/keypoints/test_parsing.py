"""Values of parsed files."""

import pytest

from poseglass.errors import FormatError
from poseglass.keypoints.parsing import frame_number, numbered_frames, whole_number


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (12, 12),
        (12.0, 12),
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
