"""Readers of points: every format gives what was written; what is broken is named with its place."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.tracks import read_tracks
from samples import motion_files as files

WRITERS = {
    "walk.trc": (files.write_trc, 1000),
    "walk.c3d": (files.write_c3d, 1000),
    "walk.csv": (files.write_csv, 1),
    "walk.bvh": (files.write_bvh, 1),
    "walk.npz": (files.write_npz, 1),
    "long.csv": (lambda *a, **k: files.write_csv(*a, **k, long=True), 1),
}


@pytest.fixture
def points():
    return files.people(20)


@pytest.mark.parametrize("name", WRITERS)
def test_what_was_written_is_read(name, points, tmp_path):
    write, scale = WRITERS[name]
    if name != "walk.bvh":  # which cannot say that it does not know
        points[3:5, 6] = np.nan
    tracks = read_tracks(write(tmp_path / name, points))
    place = [tracks.names.index(joint) for joint in files.NAMES]
    assert_allclose(tracks.points[:, place] / scale, points, atol=2e-5)
    assert tracks.fps == 50
    assert tracks.unit == {1000: 0.001, 1: None}[scale]
    if tracks.times is not None:
        assert_allclose(tracks.times, np.arange(20) / 50, atol=1e-6)


def test_a_c3d_file_of_whole_numbers(points, tmp_path):
    points[3:5, 6] = np.nan
    tracks = read_tracks(files.write_c3d(tmp_path / "walk.c3d", points, step=0.1))
    assert_allclose(tracks.points / 1000, points, atol=6e-5)


@pytest.mark.parametrize("name", [*WRITERS, "walk.npy"])
def test_a_file_that_is_cut_off_says_so(name, points, tmp_path):
    path = tmp_path / name
    if name == "walk.npy":
        np.save(path, points)
    else:
        WRITERS[name][0](path, points)
    whole = path.read_bytes()
    for share in (0, 0.02, 0.2, 0.5, 0.93):
        cut = whole[: int(share * len(whole))]
        path.write_bytes(cut if path.suffix != ".csv" else cut.rpartition(b",")[0])  # a whole line is no less a table
        with pytest.raises(FormatError, match=r"walk|long"):
            read_tracks(path, files.NAMES)


def test_all_bad_lines_are_named(points, tmp_path):
    path = files.write_csv(tmp_path / "walk.csv", points)
    lines = path.read_text().splitlines()
    lines[4] += ",1"
    lines[9] = lines[9].replace(",0.", ",O.", 1)
    path.write_text("\n".join(lines))
    with pytest.raises(FormatError, match=r"line 5 has 54 cells, not 53; line 10: could not convert"):
        read_tracks(path)
    path = files.write_trc(tmp_path / "walk.trc", points)
    path.write_text(path.read_text().replace("\t0.020000\t", "\tx\t").replace("\t0.040000\t", "\ty\t"))
    with pytest.raises(FormatError, match=r"line 8: could not .*line 9: could not"):
        read_tracks(path)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "nose_x,nose_y\n1,2\n", "nose has no z: is this a table of 2D"),
        ("a.csv", "a,b\n1,2\n", "got a, b"),
        ("a.csv", "frame,hip_x,hip_y,hip_z\n1,0,0,0\n1,0,0,0\n", "must be whole and rise"),
        ("a.csv", "frame,hip_x,hip_y,hip_z\n1,0,0,0\n99999,0,0,0\n", "from 1 to 99999 in 2 rows"),
        ("a.csv", "hip_x,hip_y,hip_z,hip_x\n0,0,0,0\n", "a column is there twice"),
        ("a.csv", "frame,joint,x,y,z\n0,hip,0,0,0\n0,hip,0,0,1\n", "a joint is there twice in a frame"),
        ("a.csv", "hip_x,hip_y,hip_z\n", "no line of numbers"),
        ("a.trc", "x\n" * 9, "is no TRC file"),
        ("a.fbx", "", "of no kind that can be read; the kinds are .bvh"),
        ("a.npz", "no archive", "no npz of plain arrays"),
    ],
)
def test_what_is_something_else(name, text, words, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError, match=words):
        read_tracks(tmp_path / name)


def test_headers_that_do_not_go_with_what_follows(points, tmp_path):
    path = files.write_trc(tmp_path / "a.trc", points)
    text = path.read_text()
    for old, new, words in (
        ("\t17\tmm", "\t18\tmm", "18 markers are announced, 17 are named"),
        ("\t20\t17", "\t21\t17", "21 frames are announced, there are 20"),
        ("\tmm", "\tyards", "no unit"),
        ("DataRate\t", "Rate\t", "DataRate"),
        ("pelvis", "spine", "names spine are there twice"),
    ):
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(FormatError, match=words):
            read_tracks(path)


def test_arrays_need_names_and_shapes_that_fit(points, tmp_path):
    np.save(tmp_path / "a.npy", points)
    assert_allclose(read_tracks(tmp_path / "a.npy", files.NAMES).points, points)
    for names, words in (((), "does not say which of its 17 joints"), (("hip",), "17 joints, and 1 are named")):
        with pytest.raises(FormatError, match=words):
            read_tracks(tmp_path / "a.npy", names)
    np.save(tmp_path / "flat.npy", points[..., :2])
    with pytest.raises(FormatError, match=r"\(frames, joints, 3\) are expected, got float64 \(20, 17, 2\)"):
        read_tracks(tmp_path / "flat.npy", files.NAMES)
    np.savez(tmp_path / "a.npz", poses=points)
    with pytest.raises(FormatError, match=r"no array 'points'.*it has poses"):
        read_tracks(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", points=points, joints=np.array(files.NAMES), valid=np.ones(3, bool))
    with pytest.raises(FormatError, match="do not go with its points"):
        read_tracks(tmp_path / "b.npz")


def test_no_pickle_is_read(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "trapped",)

    np.save(tmp_path / "a.npy", np.array([Trap()], object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", points=np.array([Trap()], object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(FormatError):
            read_tracks(tmp_path / name, files.NAMES)
    assert not (tmp_path / "trapped").exists()


def test_what_lift_writes_comes_back(walk, tmp_path):
    """The table and the archive of a lifted motion; frames in which nobody was seen are not known."""
    for name in ("walk.csv", "walk.npz"):
        walk.save(tmp_path / name)
        tracks = read_tracks(tmp_path / name)
        assert tracks.names == walk.skeleton.joints
        assert tracks.fps == walk.rate
        assert np.isnan(tracks.points).all((1, 2)).tolist() == (~walk.validity).tolist()
        assert_allclose(tracks.points[walk.validity], walk.points[walk.validity], atol=1e-5)
    assert tracks.space == "camera"


def test_frames_that_a_table_leaves_out_are_not_known(tmp_path):
    (tmp_path / "a.csv").write_text("frame,seconds,hip_x,hip_y,hip_z\n7,0.7,1,2,3\n9,0.9,1,2,5\n")
    tracks = read_tracks(tmp_path / "a.csv")
    assert np.isnan(tracks.points[:, 0, 0]).tolist() == [False, True, False]
    assert_allclose(tracks.times, [0.7, 0.8, 0.9])
    assert tracks.fps == 10
