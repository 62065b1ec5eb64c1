"""Tables of keypoints in csv files."""

from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from poseglass import COCO_17
from poseglass.errors import FormatError
from poseglass.keypoints import read_keypoints
from samples.keypoint_files import person


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table has no rows"),
        ("a,b\n1,2\n", "must name columns such as nose_x"),
        ("nose_x,nose_y\n1\n", "line 2 has 1 cells, but the first line has 2"),
        ("nose_x,nose_y\n1,2\n1,up\n", "line 3: could not convert string to float: 'up'"),
        ("frame,nose_x,nose_y\n0,1,2\n", "the joints nose do not cover any known layout"),
    ],
)
def test_errors_name_the_line(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_keypoints(tmp_path / "t.csv")


def test_gaps_in_frame_numbers_become_invalid_rows(tmp_path):
    header = ",".join(["frame", *(f"{joint}_{axis}" for joint in COCO_17.joints for axis in "xy")])
    row = ",".join(f"{value:g}" for value in person(17)[:, :2].reshape(-1))
    (tmp_path / "t.csv").write_text(f"{header}\n10,{row}\n13,{row}\n")
    assert read_keypoints(tmp_path / "t.csv").validity.tolist() == [True, False, False, True]
    (tmp_path / "t.csv").write_text(f"{header}\n10,{row}\n10,{row}\n")
    with pytest.raises(FormatError, match="line 3: frame 10 appears twice"):
        read_keypoints(tmp_path / "t.csv")


def write_table(path: Path, frames: list[int], seconds: list[float | str]) -> Path:
    header = ",".join(["frame", "seconds", *(f"{joint}_{axis}" for joint in COCO_17.joints for axis in "xy")])
    row = ",".join(f"{value:g}" for value in person(17)[:, :2].reshape(-1))
    lines = [f"{frame},{time},{row}" for frame, time in zip(frames, seconds, strict=True)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


class TestSeconds:
    def test_evenly_spaced_frames_have_a_start_and_a_rate(self, tmp_path):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [4, 5, 7], [2.0, 2.04, 2.12]))
        assert poses.timestamps is None
        assert (poses.rate, poses.start) == (pytest.approx(25), 2.0)

    def test_times_rounded_to_milliseconds_are_even(self, tmp_path):
        times = [round(frame / 29.97, 3) for frame in range(100)]
        poses = read_keypoints(write_table(tmp_path / "t.csv", [*range(100)], times))
        assert poses.timestamps is None
        assert poses.rate == pytest.approx(29.97, rel=1e-3)

    @pytest.mark.parametrize(("shift", "even"), [(0.0019, True), (0.0021, False)])
    def test_a_shift_of_two_milliseconds_makes_times_uneven(self, tmp_path, shift, even):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [0, 1, 2], [0, 0.04 + shift, 0.08]))
        assert (poses.timestamps is None) == even

    def test_times_of_skipped_frames_are_interpolated(self, tmp_path):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [0, 2, 3], [0, 0.08, 0.2]))
        assert_allclose(poses.timestamps, [0, 0.04, 0.08, 0.2])

    def test_times_before_and_after_the_known_ones_follow_the_mean_rate(self, tmp_path):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [0, 1, 2, 3, 4], ["", 1.0, 1.3, 1.4, ""]))
        assert_allclose(poses.timestamps, [0.8, 1.0, 1.3, 1.4, 1.6])
        poses = read_keypoints(write_table(tmp_path / "t.csv", [0, 1, 2, 3], ["", 1.0, 1.2, ""]))
        assert (poses.rate, poses.start) == (pytest.approx(5), pytest.approx(0.8))

    def test_rows_may_be_in_any_order(self, tmp_path):
        poses = read_keypoints(write_table(tmp_path / "t.csv", [2, 0, 1], [0.2, 0.0, 0.1]))
        assert (poses.rate, poses.start) == (pytest.approx(10), 0)

    def test_a_single_time_is_the_start(self, tmp_path):
        assert read_keypoints(write_table(tmp_path / "t.csv", [0, 1], [3.0, ""])).start == 3.0
        assert read_keypoints(write_table(tmp_path / "t.csv", [0, 1], ["", ""])).start == 0.0

    def test_times_must_increase(self, tmp_path):
        with pytest.raises(FormatError, match="seconds must increase"):
            read_keypoints(write_table(tmp_path / "t.csv", [0, 1, 2], [0.0, 0.1, 0.1]))


def test_a_row_shows_the_person_if_it_is_valid_and_a_joint_is_known(tmp_path):
    joints = [f"{joint}_{axis}" for joint in COCO_17.joints for axis in "xy"]
    known, x_only = ["9"] * 34, ["9", ""] * 17
    one, nobody = ["9", "9", *[""] * 32], [""] * 34
    lines = [["1", *known], ["0", *known], ["1", *one], ["1", *x_only], ["1", *nobody], ["", *known]]
    text = "\n".join(",".join(line) for line in [["valid", *joints], *lines])
    (tmp_path / "t.csv").write_text(text)
    assert read_keypoints(tmp_path / "t.csv").validity.tolist() == [True, False, True, False, False, False]
