"""TRC files: headers that do not match the rows, and variants of row syntax."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.trc import read_trc
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
