"""C3D files: scaled integers, many labels and subject prefixes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError, PoseError
from poseglass.files.quiet import without_warnings
from poseglass.mocap.c3d import read_c3d, write_c3d
from poseglass.mocap.labels import by_subject
from poseglass.mocap.tracks import PointTracks
from samples import c3d_files, motion_files

pytest.importorskip("c3d")


def test_integer_coordinates_are_scaled(tmp_path):
    points = motion_files.people(20)
    points[3:5, 6] = np.nan
    tracks = read_c3d(c3d_files.write_c3d(tmp_path / "walk.c3d", points, step=0.1))
    assert_allclose(tracks.points / 1000, points, atol=6e-5)


def test_more_than_255_labels_are_read_and_subject_prefixes_removed(tmp_path):
    points = np.random.default_rng(0).normal(size=(2, 600, 3))
    names = [f"Anna:M{number}" for number in range(600)]
    names[3] = ""
    tracks = read_c3d(c3d_files.write_c3d(tmp_path / "a.c3d", points, names=names))
    assert tracks.names == tuple(f"M{number}" for number in range(600) if number != 3)
    assert_allclose(tracks.points / 1000, np.delete(points, 3, 1), atol=1e-6)


def test_repeated_and_missing_labels_do_not_stop_the_reader(tmp_path):
    points = np.arange(18.0).reshape(1, 6, 3)
    names = ["M", "UNLABELED", "M", "*", "*", "UNLABELED"]
    tracks = read_c3d(c3d_files.write_c3d(tmp_path / "a.c3d", points, names=names, unit="m"))
    assert tracks.names == ("M", "M 2")
    assert tracks.notes == ("these labels are repeated, and the first marker of each keeps the name: M",)
    assert_allclose(tracks.points, points[:, [0, 2]])


def test_the_points_of_two_subjects_are_told_apart(tmp_path):
    anna, ben = motion_files.people(5), motion_files.people(5, seed=1)
    names = [f"{subject}:{name}" for subject in ("Anna", "Ben") for name in motion_files.NAMES]
    path = c3d_files.write_c3d(tmp_path / "duet.c3d", np.concatenate([anna, ben], 1), names=names)
    parts = by_subject(read_c3d(path))
    assert [*parts] == ["Anna", "Ben"]
    assert parts["Ben"].names == motion_files.NAMES
    assert_allclose(parts["Ben"].points / 1000, ben, atol=1e-5)


def test_fewer_labels_than_points_are_refused(tmp_path):
    path = c3d_files.write_c3d(tmp_path / "a.c3d", np.zeros((2, 3, 3)), names=["L", "M"])
    with pytest.raises(FormatError, match="expected a label for each of 3 points, got 2 labels"):
        read_c3d(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FormatError, match="there is no file"):
        read_c3d(tmp_path / "a.c3d")


def test_unknown_points_have_the_residual_minus_one(tmp_path):
    library = pytest.importorskip("c3d")
    points = motion_files.people(5)
    points[2, 3] = np.nan
    write_c3d(PointTracks(motion_files.NAMES, points, 30, unit=1.0), tmp_path / "a.c3d")
    with (tmp_path / "a.c3d").open("rb") as file, without_warnings():
        reader = library.Reader(file)
        residuals = np.stack([frame[:, 3] for _, frame, _ in reader.read_frames()])
        assert reader.get("POINT:UNITS").string_value == "mm"
        assert reader.get("POINT:Y_SCREEN").string_value == "+Y"
    assert np.argwhere(residuals < 0).tolist() == [[2, 3]]


def test_a_long_recording_comes_back(tmp_path):
    """More frames than 16 bits can count: 37 minutes at 30 frames per second."""
    points = np.zeros((66_000, 1, 3))
    points[:, 0, 0] = np.arange(66_000) / 1000
    write_c3d(PointTracks(("hip",), points, 30, unit=1.0), tmp_path / "long.c3d")
    assert_allclose(read_c3d(tmp_path / "long.c3d").points[:, 0, 0], np.arange(66_000))


def test_points_that_the_format_cannot_store_are_refused(tmp_path):
    for name in ("Anna:hip", "hüfte", " a", ""):
        with pytest.raises(PoseError, match="cannot store the point name"):
            write_c3d(PointTracks((name,), np.zeros((1, 1, 3)), 30, unit=1.0), tmp_path / "a.c3d")
    many = PointTracks(tuple(f"p{number}" for number in range(256)), np.zeros((1, 256, 3)), 30, unit=1.0)
    with pytest.raises(PoseError, match="at most 255 points for a C3D file, got 256"):
        write_c3d(many, tmp_path / "a.c3d")
    assert not [*tmp_path.iterdir()]
