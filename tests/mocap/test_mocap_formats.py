"""Every format in the table: reading restores what was written, and errors name the file and the line."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.formats import READERS, read_motion, read_tracks
from poseglass.mocap.rigid import RigidMotion
from samples import c3d_files, motion_files

# Writer and units per metre. An .amc file needs a skeleton with bones: test_acclaim.
WRITERS = {
    "walk.trc": (motion_files.write_trc, 1000),
    "walk.c3d": (c3d_files.write_c3d, 1000),
    "walk.csv": (motion_files.write_csv, 1),
    "walk.bvh": (motion_files.write_bvh, 1),
    "walk.npz": (motion_files.write_npz, 1),
    "long.csv": (lambda path, points: motion_files.write_csv(path, points, long=True), 1),
}


def test_the_docs_list_every_format():
    page = (Path(__file__).parents[2] / "docs" / "own-data.md").read_text()
    assert set(re.findall(r"^\| `(\.\w+)` \|", page, re.MULTILINE)) == {*READERS}
    assert set(re.findall(r"^ +(\.\w+)  ", read_tracks.__doc__, re.MULTILINE)) == {*READERS}


@pytest.fixture
def points():
    return motion_files.people(20)


@pytest.mark.parametrize("name", WRITERS)
def test_reading_restores_what_was_written(name, points, tmp_path):
    write, scale = WRITERS[name]
    if name != "walk.bvh":  # the format cannot express unknown joints
        points[3:5, 6] = np.nan
    tracks = read_tracks(write(tmp_path / name, points))
    order = [tracks.names.index(joint) for joint in motion_files.NAMES]
    assert_allclose(tracks.points[:, order] / scale, points, atol=2e-5)
    assert tracks.fps == 50
    assert tracks.unit == {1000: 0.001, 1: None}[scale]
    if tracks.times is not None:
        assert_allclose(tracks.times, np.arange(20) / 50, atol=1e-6)


def test_formats_with_bones_give_bones(points, tmp_path):
    assert isinstance(read_motion(motion_files.write_bvh(tmp_path / "walk.BVH", points)), RigidMotion)


@pytest.mark.parametrize("name", [*WRITERS, "walk.npy"])
def test_a_truncated_file_is_an_error(name, points, tmp_path):
    path = tmp_path / name
    if name == "walk.npy":
        np.save(path, points)
    else:
        WRITERS[name][0](path, points)
    content = path.read_bytes()
    for share in (0, 0.02, 0.2, 0.5, 0.93):
        part = content[: int(share * len(content))]
        path.write_bytes(
            part if path.suffix != ".csv" else part.rpartition(b",")[0]
        )  # complete rows would be a valid table
        with pytest.raises(FormatError, match=r"walk|long"):
            read_tracks(path, motion_files.NAMES)


def test_all_bad_lines_are_named(points, tmp_path):
    path = motion_files.write_csv(tmp_path / "walk.csv", points)
    lines = path.read_text().splitlines()
    lines[4] += ",1"
    lines[9] = lines[9].replace(",0.", ",O.", 1)
    path.write_text("\n".join(lines))
    with pytest.raises(FormatError, match=r"line 5 has 54 cells, not 53; line 10: could not convert"):
        read_tracks(path)
    path = motion_files.write_trc(tmp_path / "walk.trc", points)
    path.write_text(path.read_text().replace("\t0.020000\t", "\tx\t").replace("\t0.040000\t", "\ty\t"))
    with pytest.raises(FormatError, match=r"line 8: could not .*line 9: could not"):
        read_tracks(path)


@pytest.mark.parametrize("suffix", READERS)
def test_a_missing_file_is_a_format_error(suffix, tmp_path):
    with pytest.raises(FormatError, match="there is no file"):
        read_tracks(tmp_path / f"walk{suffix}")


@pytest.mark.parametrize("suffix", READERS)
def test_a_file_of_another_kind_is_a_format_error(suffix, tmp_path):
    (tmp_path / f"walk{suffix}").write_text("not motion\n")
    with pytest.raises(FormatError, match=f"walk{suffix}"):
        read_tracks(tmp_path / f"walk{suffix}", motion_files.NAMES)


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    with pytest.raises(FormatError, match=r"a\.fbx has an unknown format; expected one of \.bvh, \.amc, \.c3d"):
        read_tracks(tmp_path / "a.fbx")


def test_saved_poses_are_read_back(walk, tmp_path):
    """From the table and the archive; frames without a person are unknown."""
    for name in ("walk.csv", "walk.npz"):
        walk.save(tmp_path / name)
        tracks = read_tracks(tmp_path / name)
        assert tracks.names == walk.skeleton.joints
        assert tracks.fps == walk.rate
        assert np.isnan(tracks.points).all((1, 2)).tolist() == (~walk.validity).tolist()
        assert_allclose(tracks.points[walk.validity], walk.points[walk.validity], atol=1e-5)
    assert tracks.space == "camera"
