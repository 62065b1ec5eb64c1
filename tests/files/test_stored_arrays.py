"""Arrays of npz files are read as numpy reads them; false claims are refused before memory is reserved."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from poseglass.errors import FormatError
from poseglass.files.archives import check_archive
from poseglass.files.arrays import read_arrays

ARRAYS = {
    "points": np.arange(24, dtype=np.float32).reshape(2, 4, 3),
    "fortran": np.asfortranarray(np.ones((3, 2))),
    "joints": np.array(["hip", "knee"]),
    "fps": np.array(30.0),
    "valid": np.array([True, False]),
    "empty": np.zeros((0, 17, 2)),
}


def write(path, **members: bytes):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def npy(array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def test_arrays_are_read_as_numpy_reads_them(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", **ARRAYS)
    read = read_arrays(tmp_path / "x.npz")
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype
    assert [*read_arrays(tmp_path / "x.npz", ["fps", "missing"])] == ["fps"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy(np.zeros(4)).replace(b"(4,)", b"(4000000000000,)")[:-9], r"'a' states the shape \(4000000000000,\)"),
        (npy(np.array([{}], object)), "'a' holds pickled objects, which are never read"),
        (npy(np.zeros(2, "f4,f4")), "'a' holds an array of .*expected numbers or text"),
        (npy(np.array(["x"]))[:-1] + b"\xff", "'a' holds text with impossible letters"),
        (b"no array", "cannot read the arrays"),
        (npy(np.zeros(4))[:40], "cannot read the arrays"),
        (npy(np.zeros(4)).replace(b"(4,)", b"(-4,)")[:-1], "cannot read the arrays"),
    ],
    ids=["claim", "pickle", "records", "letters", "bytes", "cut", "negative"],
)
def test_false_claims_are_refused(tmp_path, content, words):
    path = write(tmp_path / "x.npz", a=content)
    tracemalloc.start()
    with pytest.raises(FormatError, match=words):
        read_arrays(path)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_files_that_are_no_archives_are_refused(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 cut off")
    for path in (tmp_path / "x.npz", tmp_path / "missing.npz", tmp_path):
        with pytest.raises(FormatError, match="cannot read the arrays"):
            read_arrays(path)


def test_constant_arrays_of_ordinary_size_are_no_bombs(tmp_path, monkeypatch):
    path = write(tmp_path / "x.npz", a=npy(np.zeros(100_000)))
    assert path.stat().st_size < 2000
    assert not read_arrays(path)["a"].any()
    monkeypatch.setattr("poseglass.files.archives.UNSUSPICIOUS", 1000)
    with zipfile.ZipFile(path) as archive, pytest.raises(FormatError, match="would unpack to 1 MB"):
        check_archive(archive, path)
