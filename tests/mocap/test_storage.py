"""OpenSim's storage files: the header, and files that cannot be read."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError, PoseError
from poseglass.mocap.storage import Columns, read_mot, write_mot

KNEES = Columns(("knee_angle_l", "knee_angle_r"), np.array([[1.5, 2], [3, np.nan]]), np.array([0, 0.1]))


def test_the_header_counts_rows_and_columns(tmp_path):
    write_mot(KNEES, tmp_path / "knees.mot")
    assert (tmp_path / "knees.mot").read_text().splitlines() == [
        "knees",
        "version=1",
        "nRows=2",
        "nColumns=3",
        "inDegrees=yes",
        "",
        "endheader",
        "time\tknee_angle_l\tknee_angle_r",
        "0.0000000\t1.5000000\t2.0000000",
        "0.1000000\t3.0000000\tnan",
    ]


def test_files_of_opensim_are_read(tmp_path):
    """A header of OpenSim 4's table adapters, with other entries, spaces and no rows counted."""
    text = (
        "Coordinates\nversion=3\nOpenSimVersion=4.6\ninDegrees=no\nendheader\ntime  hip \n   0.0   -0.5\n 0.1  1e-1\n"
    )
    (tmp_path / "hip.sto").write_text(text)
    columns = read_mot(tmp_path / "hip.sto")
    assert columns.names == ("hip",)
    assert not columns.degrees
    assert_allclose(columns.values, [[-0.5], [0.1]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("endheader", "end", "expected a header, 'endheader' and a line of column names"),
        ("time", "seconds", "line 8: expected unique column names that start with 'time'"),
        ("knee_angle_r", "knee_angle_l", "line 8: expected unique column names"),
        ("nRows=2", "nRows=3", "expected 3 for nRows, as the header announces, got 2"),
        ("nColumns=3", "nColumns=2", "expected 2 for nColumns"),
        ("1.5000000", "x", "line 9: could not convert"),
        ("\t2.0000000", "", "line 9 has 2 cells, not 3"),
    ],
)
def test_broken_files_are_refused(tmp_path, old, new, message):
    write_mot(KNEES, tmp_path / "knees.mot")
    (tmp_path / "knees.mot").write_text((tmp_path / "knees.mot").read_text().replace(old, new, 1))
    with pytest.raises(FormatError, match=r"knees\.mot.*" + message):
        read_mot(tmp_path / "knees.mot")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FormatError, match="No such file"):
        read_mot(tmp_path / "nothing.mot")


def test_names_with_spaces_are_refused(tmp_path):
    with pytest.raises(PoseError, match="cannot store the column name 'left knee'"):
        write_mot(KNEES._replace(names=("left knee", "b")), tmp_path / "knees.mot")
