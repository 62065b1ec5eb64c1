"""Checks of motion files: all findings at once, and a summary."""

from zipfile import ZipFile

import numpy as np
import pytest

from poseglass import H36M_17
from poseglass.own.check import check
from samples import c3d_files
from samples import motion_files as files
from samples.studio import add_takes, pixels, z_up


def lines_of(report):
    """The findings, without the summary."""
    return [line for line in str(report).splitlines() if line.startswith(("error", "warning"))]


def test_a_good_folder_has_a_summary_and_no_findings(studio):
    add_takes(studio, pixels(0))
    report = check(studio)
    assert report.findings == []
    assert str(report).splitlines() == [
        "train: 1 take of anna",
        "val: 1 take of ben",
        "test: 1 take of cleo",
        "270 frames, 5 seconds without errors, 3 views of 1 camera",
        f"{studio}: 3 takes of motion; 0 errors, 0 warnings",
    ]


def test_all_findings_are_reported_at_once(studio):
    points = z_up(files.people(seed=1))
    text = (studio / "ben" / "walk 1.trc").read_text()
    (studio / "ben" / "walk 1.trc").write_text(
        text.replace("\t50\t50\t", "\t5000\t50\t", 1).replace("50\t50\t90", "5000\t50\t90")
    )
    c3d_files.write_c3d(studio / "anna" / "turn.c3d", points[:, H36M_17.mirror])
    files.write_csv(studio / "cleo" / "big.csv", points * 25)
    (studio / "cleo" / "cut.c3d").write_bytes(b"\2\120")
    (studio / "anna" / "same.trc").write_bytes((studio / "cleo" / "walk 1.trc").read_bytes())
    report = check(studio)
    for text in (
        "ben/walk 1.trc: 5000 frames per second cannot be right",
        "anna/turn.c3d: knees bend backward",
        "cleo/big.csv: a leg is",
        "cleo/cut.c3d: this is not a C3D file",
        "cleo/walk 1.trc: the motion is the same as in",
        "another split (train)",
        "split val: no take of its subjects ben could be used",
        "split test: no take of its subjects cleo could be used",
    ):
        assert [line for line in lines_of(report) if text in line], (text, lines_of(report))
    assert report.errors == 6
    assert str(report).endswith("studio: 7 takes of motion; 6 errors, 1 warning")


def test_conventions_and_many_subjects_are_summarised(tmp_path):
    for number in range(9):
        (tmp_path / f"s{number}").mkdir()
        files.write_csv(tmp_path / f"s{number}" / "walk.csv", 100 * files.people(40, seed=number))
    lines = str(check(tmp_path)).splitlines()
    assert 'found from the bodies, because not stated: units = "cm", up = "y"' in lines
    assert "train: 9 takes of s0, s1, s2, s3, s4, s5, s6, s7 and others" in lines
    assert "360 frames, 7 seconds without errors" in lines


def test_a_take_shorter_than_half_a_second_is_an_error(tmp_path):
    files.write_csv(tmp_path / "walk.csv", files.people(20))
    assert any("walk.csv: a clip has at least 0.5 seconds, and the take" in line for line in lines_of(check(tmp_path)))


def test_a_take_without_half_a_second_free_of_gaps_is_an_error(tmp_path):
    points = files.people(100)
    points[::20] = np.nan
    files.write_csv(tmp_path / "walk.csv", points)
    assert any("no 0.5 seconds of the take are free of gaps" in line for line in lines_of(check(tmp_path)))


def test_lost_markers_are_reported(tmp_path):
    points = files.people(100)
    points[40:45, 12] = 0
    c3d_files.write_c3d(tmp_path / "walk.c3d", points)
    (line, _) = lines_of(check(tmp_path / "walk.c3d"))
    assert "walk.c3d, frame 40, left_elbow: joints are unknown in 5 of 100 frames" in line
    relative = points - points[:, :1]  # root-relative: the pelvis is always at the origin
    files.write_csv(tmp_path / "walk.csv", relative[:40])
    (line,) = lines_of(check(tmp_path / "walk.csv"))
    assert "split val: training needs it, but it has no takes" in line


def test_an_archive_of_points_is_one_take(tmp_path):
    files.write_npz(tmp_path / "walk.npz", files.people())
    assert check(tmp_path / "walk.npz").kind == "1 take of motion"


@pytest.mark.parametrize("content", [b"", b"PK\3\4 not a zip file"])
def test_a_broken_archive_is_an_error(content, tmp_path):
    (tmp_path / "clips.npz").write_bytes(content)
    assert check(tmp_path / "clips.npz").errors >= 1


def test_an_archive_without_points_beside_an_index_is_checked_as_clips(tmp_path):
    np.savez(tmp_path / "clips.npz", walk=files.people())
    (tmp_path / "index.csv").write_text("name\n")
    assert check(tmp_path / "clips.npz").kind == "motion clips"
    with ZipFile(tmp_path / "clips.npz") as archive:
        assert archive.namelist() == ["walk.npy"]
