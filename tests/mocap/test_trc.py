"""TRC files: headers that do not match the rows, and variants of row syntax."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError, PoseError
from poseglass.mocap.tracks import PointTracks
from poseglass.mocap.trc import read_trc, write_trc
from samples import motion_files


def test_headers_that_do_not_match_are_refused(tmp_path):
    path = motion_files.write_trc(tmp_path / "a.trc", motion_files.people(20))
    text = path.read_text()
    for old, new, message in (
        ("\t17\tmm", "\t18\tmm", "line 4: expected 18 marker names, as line 3 announces, got 17"),
        ("\t20\t17", "\t21\t17", "expected 21 frames, as line 3 announces, got 20"),
        ("\tmm", "\tyards", "Units .one of m, cm, mm.*; 'yards' is missing or unknown"),
        ("DataRate\t", "Rate\t", "'DataRate' is missing"),
        ("\t20\t17", "\tx\t17", "line 3: could not convert"),
        ("pelvis", "spine", "got these more than once: spine"),
    ):
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(FormatError, match=message):
            read_trc(path)


def test_another_kind_of_file_is_refused(tmp_path):
    for text in ("x\n" * 9, "PathFileType\n" * 4):
        (tmp_path / "a.trc").write_text(text)
        with pytest.raises(FormatError, match="is not a TRC file: expected 5 header lines"):
            read_trc(tmp_path / "a.trc")


def test_rows_may_end_with_a_tab_or_be_separated_by_spaces(tmp_path):
    points = motion_files.people(3)
    path = motion_files.write_trc(tmp_path / "a.trc", points, unit="m")
    header, rows = path.read_text().splitlines()[:6], path.read_text().splitlines()[6:]
    for changed in ([f"{row}\t" for row in rows], [row.replace("\t", " ") for row in rows]):
        path.write_text("\n".join([*header, *changed]))
        assert_allclose(read_trc(path).points, points, atol=1e-5)


def test_unknown_times_are_left_out(tmp_path):
    path = motion_files.write_trc(tmp_path / "a.trc", motion_files.people(3))
    path.write_text(path.read_text().replace("\t0.020000\t", "\t\t"))
    tracks = read_trc(path)
    assert tracks.times is None
    assert np.isfinite(tracks.points).all()


def test_the_written_file_has_opensims_header(tmp_path):
    points = np.array([[[0.1, 1, 2], [np.nan, 0, 0]]])
    write_trc(PointTracks(("left_hip", "nose"), points, fps=30, unit=1.0, times=np.array([2.5])), tmp_path / "a.trc")
    assert (tmp_path / "a.trc").read_text().splitlines() == [
        "PathFileType\t4\t(X/Y/Z)\ta.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        "30\t30\t1\t2\tmm\t30\t1\t1",
        "Frame#\tTime\tleft_hip\t\t\tnose\t\t",
        "\t\tX1\tY1\tZ1\tX2\tY2\tZ2",
        "",
        "1\t2.5000000\t100.0000\t1000.0000\t2000.0000\tnan\t0.0000\t0.0000",
    ]


def test_points_without_rate_or_unit_or_with_odd_names_are_refused(tmp_path):
    points = np.zeros((1, 1, 3))
    for tracks in (PointTracks(("a",), points, fps=30), PointTracks(("a",), points, unit=1.0)):
        with pytest.raises(PoseError, match="must state their frames per second and their unit"):
            write_trc(tracks, tmp_path / "a.trc")
    for name in ("a\tb", " a", ""):
        with pytest.raises(PoseError, match="cannot store the point name"):
            write_trc(PointTracks((name,), points, 30, unit=1.0), tmp_path / "a.trc")
    assert not [*tmp_path.iterdir()]
