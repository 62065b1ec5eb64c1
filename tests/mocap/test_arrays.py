"""Arrays of points: matching names and shapes are required, pickles are refused."""

import io
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.arrays import read_npy, read_npz
from poseglass.mocap.smpl import read_amass
from samples import motion_files
from samples.bomb import Bomb

NAMES = motion_files.NAMES


@pytest.fixture
def points():
    return motion_files.people(20)


def test_an_array_needs_names_of_its_points(points, tmp_path):
    np.save(tmp_path / "a.npy", points)
    assert_allclose(read_npy(tmp_path / "a.npy", NAMES).points, points)
    with pytest.raises(FormatError, match=r"does not name its 17 joints: name them in motion\.toml"):
        read_npy(tmp_path / "a.npy", ())
    with pytest.raises(FormatError, match="has 17 joints, but 1 names: hip"):
        read_npy(tmp_path / "a.npy", ("hip",))


def test_an_array_needs_three_coordinates(points, tmp_path):
    np.save(tmp_path / "flat.npy", points[..., :2])
    with pytest.raises(FormatError, match=r"expected numbers \(frames, joints, 3\), got float64 \(20, 17, 2\)"):
        read_npy(tmp_path / "flat.npy", NAMES)


def test_an_archive_needs_an_array_of_points(points, tmp_path):
    np.savez(tmp_path / "a.npz", poses=points)
    with pytest.raises(FormatError, match=r"expected an array 'points'.*got poses"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("valid", np.ones(3, bool), "do not fit its points"),
        ("fps", "fast", "do not fit its points"),
        ("timestamps", np.arange(3.0), "expected 20 timestamps, one per frame, got 3"),
        ("joints", ["hip"] * 17, r"a\.npz: expected unique point names, got these more than once: hip"),
    ],
)
def test_arrays_that_do_not_fit_the_points_are_refused(points, tmp_path, key, value, message):
    np.savez(tmp_path / "a.npz", **{"points": points, "joints": NAMES, key: value})
    with pytest.raises(FormatError, match=message):
        read_npz(tmp_path / "a.npz")


def test_an_archive_keeps_its_own_names_times_and_space(points, tmp_path):
    valid = np.arange(20) != 4
    arrays = {"timestamps": np.arange(20) / 25, "valid": valid, "space": "world"}
    np.savez(tmp_path / "a.npz", points=points, joints=NAMES, **arrays)
    tracks = read_npz(tmp_path / "a.npz", ["other"])
    assert (tracks.names, tracks.fps, tracks.space) == (NAMES, None, "world")
    assert_allclose(tracks.times, arrays["timestamps"])
    assert (np.isfinite(tracks.points).all((1, 2)) == valid).all()
    np.savez(tmp_path / "b.npz", points=points, joints=NAMES, space="pixels")
    assert read_npz(tmp_path / "b.npz").space is None


def test_pickled_code_is_refused_and_never_run(tmp_path):
    np.save(tmp_path / "a.npy", np.array([Bomb(tmp_path / "trapped")], object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", points=np.array([Bomb(tmp_path / "trapped")], object))
    with pytest.raises(FormatError):
        read_npy(tmp_path / "a.npy", NAMES)
    with pytest.raises(FormatError):
        read_npz(tmp_path / "a.npz", NAMES)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("rest", [{"joints": NAMES}, {"trans": np.zeros((999, 3)), "poses": np.zeros((999, 156))}])
def test_an_archive_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path, monkeypatch, rest):
    arrays = rest if "trans" in rest else rest | {"points": np.zeros((9999, 17, 3))}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    monkeypatch.setattr("poseglass.files.archives.UNSUSPICIOUS", 1000)
    with pytest.raises(FormatError, match=r"a\.npz: the archive of 0\.0 MB would unpack to"):
        read_npz(tmp_path / "a.npz")
    with pytest.raises(FormatError, match=r"a\.npz: the archive of 0\.0 MB would unpack to"):
        read_amass(tmp_path / "a.npz")


def test_an_array_that_claims_to_be_larger_than_its_data_is_refused(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.zeros((3, 17, 3)))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("points.npy", stream.getvalue().replace(b"(3, 17, 3), }" + 6 * b" ", b"(3000000, 17, 3), }"))
    with pytest.raises(FormatError, match=r"a\.npz: the array 'points' states the shape \(3000000, 17, 3\), but"):
        read_npz(tmp_path / "a.npz")
