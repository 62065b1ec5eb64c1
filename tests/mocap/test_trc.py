"""TRC files: headers that do not match the rows, and variants of row syntax."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError, PoseError
from poseglass.mocap.tracks import PointTracks
from poseglass.mocap.trc import read_trc, write_trc
from samples import motion_files


@pytest.fixture
def walk(tmp_path):
    """A file of 20 frames and its text."""
    path = motion_files.write_trc(tmp_path / "a.trc", motion_files.people(20))
    return path, path.read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\tmm", "\tyards", "line 3: expected one of m, cm, mm, in, ft for Units, or its name, got 'yards'"),
        ("\t20\t17", "\tx\t17", "line 3: expected a number for NumFrames, got 'x'"),
        ("Frame#\tTime\t", "Frame#\tTime\n", "line 4: expected marker names, separated by tabs, got none"),
        ("\t0.020000\t", "\tx\t", "line 8: could not convert string to float: 'x'"),
        ("\n3\t", "\n1\t3\t", "line 9 has 54 cells, not 53"),
    ],
)
def test_broken_headers_and_rows_are_refused(walk, old, new, message):
    path, text = walk
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FormatError) as caught:
        read_trc(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("\t17\tmm", "\t18\tmm", "line 3 announces 18 markers, and there are 17"),
        ("\t20\t17", "\t300\t17", "line 3 announces 300 frames, and there are 20"),
        ("\t20\t17", "\t19\t17", "line 3 announces 19 frames, and there are 20"),
        ("pelvis", "spine", "these labels are repeated, and the first marker of each keeps the name: spine"),
        ("\n3\t0.040000\t", "\n3\t0.040000\t1\t2\t3\t", "up to 1 markers per line have no name and are left out"),
    ],
)
def test_what_the_header_announces_wrongly_is_noted(walk, old, new, note):
    path, text = walk
    path.write_text(text.replace(old, new, 1))
    tracks = read_trc(path)
    assert tracks.notes == (note,)
    assert tracks.points.shape == (20, 17, 3)


def test_a_cell_may_be_longer_than_pythons_csv_reader_allows(walk):
    path, text = walk
    name = "x" * 200_000
    path.write_text(text.replace("pelvis", f'"{name}"', 1))
    assert name in read_trc(path).names[0]


def test_short_rows_are_not_padded_without_bound(tmp_path):
    head = "PathFileType\t4\t(X/Y/Z)\tw.trc\nDataRate\tUnits\n60\tmm\nFrame#\tTime\t"
    path = tmp_path / "wide.trc"
    path.write_text(head + "".join(f"m{number}\t\t\t" for number in range(9000)) + "\nX1\n" + "1\t0\t1\n" * 9000)
    with pytest.raises(FormatError, match=r"9,005 lines are too short for the 9,000 markers named in line 4"):
        read_trc(path)


def respaced(text: str, separator: str) -> str:
    """The same table with another separator between its cells."""
    return text.replace("\t", separator)


VARIANTS = {
    "commas": lambda text: respaced(text, ","),
    "semicolons and decimal commas": lambda text: respaced(
        text.replace("\n50\t", "\n50.0\t").replace(".", ","), ";"
    ).replace("a,trc", "a.trc"),
    "quotation marks": lambda text: respaced(text, ",").replace("pelvis", '"pelvis"').replace("mm", '"mm"'),
    "spaces": lambda text: "\n".join(" ".join(line.split()) for line in text.split("\n")),
    "spaces around cells": lambda text: text.replace("\t", " \t "),
    "two tabs in the header": lambda text: text.replace("50\t50\t20", "50\t\t50\t\t20"),
    "tabs at the ends": lambda text: text.replace("\n", "\t\n"),
    "DOS": lambda text: ("\ufeff" + text).replace("\n", "\r\n") + "\x1a",
    "capitals": lambda text: text.replace("DataRate", "DATARATE").replace("PathFileType", "pathfiletype"),
    "units in words": lambda text: text.replace("\tmm", "\tMillimeters"),
    "no rate": lambda text: text.replace("DataRate\t", "Rate\t", 1),
    "unlabelled markers": lambda text: text.replace("\t\t\n\t\tX1", "\t\t\t*7\t\t\t\n\t\tX1").replace(
        "\t17\tmm", "\t18\tmm"
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_separators_and_spellings_do_not_matter(walk, variant):
    path, text = walk
    expected = read_trc(path)
    path.write_bytes(VARIANTS[variant](text).encode())
    tracks = read_trc(path)
    assert (tracks.names, tracks.fps, tracks.unit, tracks.notes) == (motion_files.NAMES, 50, 0.001, ())
    assert_allclose(tracks.points, expected.points)
    assert_allclose(tracks.times, expected.times)


def test_missing_cells_are_unknown(walk):
    path, text = walk
    lines = text.split("\n")
    lines[8] = lines[8].rsplit("\t", 3)[0]  # the cells of the last marker
    cells = lines[10].split("\t")
    lines[10] = "\t".join([*cells[:2], "", "", "", *cells[5:]])
    path.write_text("\n".join(lines))
    assert np.argwhere(np.isnan(read_trc(path).points).all(-1)).tolist() == [[2, 16], [4, 0]]


def test_a_file_cut_off_in_a_row_is_refused(walk):
    path, text = walk
    path.write_text(text[: text.index("\n9\t") + 40])
    with pytest.raises(FormatError, match=r"line 15 has \d+ cells, not 53"):
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
