"""C3D files: scaled integers, many labels and subject prefixes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.c3d import read_c3d
from samples import motion_files

pytest.importorskip("c3d")


def test_integer_coordinates_are_scaled(tmp_path):
    points = motion_files.people(20)
    points[3:5, 6] = np.nan
    tracks = read_c3d(motion_files.write_c3d(tmp_path / "walk.c3d", points, step=0.1))
    assert_allclose(tracks.points / 1000, points, atol=6e-5)


def test_more_than_255_labels_are_read_and_subject_prefixes_removed(tmp_path):
    points = np.random.default_rng(0).normal(size=(2, 600, 3))
    names = [f"Anna:M{number}" for number in range(600)]
    names[3] = ""
    tracks = read_c3d(motion_files.write_c3d(tmp_path / "a.c3d", points, names=names))
    assert tracks.names == tuple(f"M{number}" for number in range(600) if number != 3)
    assert_allclose(tracks.points / 1000, np.delete(points, 3, 1), atol=1e-6)


def test_labels_must_be_unique(tmp_path):
    path = motion_files.write_c3d(tmp_path / "a.c3d", np.zeros((2, 2, 3)), names=["M", "M"])
    with pytest.raises(FormatError, match=r"a\.c3d: expected unique point names, got these more than once: M"):
        read_c3d(path)


def test_fewer_labels_than_points_are_refused(tmp_path):
    path = motion_files.write_c3d(tmp_path / "a.c3d", np.zeros((2, 3, 3)), names=["L", "M"])
    with pytest.raises(FormatError, match="expected a label for each of 3 points, got 2 labels"):
        read_c3d(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FormatError, match="there is no file"):
        read_c3d(tmp_path / "a.c3d")
