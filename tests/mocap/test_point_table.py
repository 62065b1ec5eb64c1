"""Tables of points: unknown points, missing frames and wrong columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.point_table import read_point_table


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nose_x,nose_y\n1,2\n", "nose has no z: is this a table of 2D poses"),
        ("a,b\n1,2\n", "expected columns such as left_knee_x, .*; got a, b"),
        ("nose_x,nose_z\n1,2\n", "got nose_x, nose_z"),
        ("frame,hip_x,hip_y,hip_z\n1,0,0,0\n1,0,0,0\n", "expected whole numbers that increase"),
        ("frame,hip_x,hip_y,hip_z\n1.5,0,0,0\n", "expected whole numbers that increase"),
        ("frame,hip_x,hip_y,hip_z\n1,0,0,0\n99999,0,0,0\n", "expected consecutive frames, got 1 to 99999 in 2 rows"),
        ("hip_x,hip_y,hip_z,Hip_x\n0,0,0,0\n", "line 1: expected unique columns, got Hip_x, hip_x more than once"),
        ("frame,joint,x,y,z\n0,hip,0,0,0\n0,hip,0,0,1\n", "got a joint twice in a frame"),
        ("hip_x,hip_y,hip_z\n1_0,0,0\n", "line 2: could not convert string to float: '1_0'"),
        ("hip_x,hip_y,hip_z\n", "expected at least one line of numbers"),
    ],
)
def test_errors_say_what_was_expected(text, message, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_point_table(tmp_path / "a.csv")


def test_frames_times_joints_are_bounded(tmp_path):
    rows = "".join(f"{number},j{number},0,0,0\n" for number in range(5001))
    (tmp_path / "a.csv").write_text(f"frame,joint,x,y,z\n{rows}")
    with pytest.raises(FormatError, match="5,001 frames of 5,001 joints are too many to read at once"):
        read_point_table(tmp_path / "a.csv")


def test_missing_frames_are_unknown_and_their_times_interpolated(tmp_path):
    (tmp_path / "a.csv").write_text("frame,seconds,hip_x,hip_y,hip_z\n7,0.7,1,2,3\n9,0.9,1,2,5\n")
    tracks = read_point_table(tmp_path / "a.csv")
    assert np.isnan(tracks.points[:, 0, 0]).tolist() == [False, True, False]
    assert_allclose(tracks.times, [0.7, 0.8, 0.9])
    assert tracks.fps == 10


def test_a_table_may_lack_minutes_of_frames_but_not_hours(tmp_path):
    for last, message in ((1039, None), (1040, "got 0 to 1040 in 2 rows")):
        (tmp_path / "a.csv").write_text(f"frame,hip_x,hip_y,hip_z\n0,0,0,0\n{last},0,0,0\n")
        if message is None:
            assert len(read_point_table(tmp_path / "a.csv")) == last + 1
        else:
            with pytest.raises(FormatError, match=message):
                read_point_table(tmp_path / "a.csv")


def test_scores_of_zero_and_invalid_frames_are_unknown(tmp_path):
    (tmp_path / "wide.csv").write_text(
        "hip_x,hip_y,hip_z,hip_score,knee_x,knee_y,knee_z,valid\n1,2,3,0,4,5,6,1\n1,2,3,0.1,4,5,6,1\n1,2,3,1,4,5,6,0\n"
    )
    (tmp_path / "long.csv").write_text(
        "frame,joint,x,y,z,score\n0,hip,1,2,3,0\n0,knee,4,5,6,1\n1,hip,1,2,3,0.1\n1,knee,4,5,6,1\n"
    )
    unknown = np.isnan(read_point_table(tmp_path / "wide.csv").points).all(-1)
    assert unknown.tolist() == [[True, False], [False, False], [True, True]]
    assert np.isnan(read_point_table(tmp_path / "long.csv").points).all(-1).tolist() == [[True, False], [False, False]]
