"""The folder of recordings: what goes in comes out, and what is not whole is never taken for whole."""

import errno
import hashlib
import json
import pickle
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poseglass.data.recordings import writer as storing
from poseglass.data.recordings.store import INDEX, Recordings
from poseglass.data.recordings.writer import write_recordings
from poseglass.errors import DataError, PoseError

SIZE = (1000, 1002)


def recording(frames, seed, joints=17, **about):
    rng = np.random.default_rng(seed)
    names = {"subject": "S1", "action": "Walking", "take": f"Walking {seed}", "camera": "54138969"} | about
    return names | {
        "fps": 50.0,
        "size": SIZE,
        "points3d": rng.normal(size=(frames, joints, 3)).astype(np.float32),
        "points2d": {name: rng.normal(500, 100, (frames, joints, 2)).astype(np.float32) for name in ("gt", "detected")},
        "scores": {"detected": rng.random((frames, joints)).astype(np.float32)},
        "valid": rng.random(frames) < 0.8,
    }


WRITTEN = [
    recording(7, 1),
    recording(12, 2, subject="S9", action="Eating", take="Eating"),
    recording(5, 3, camera="55011271"),
]


def write(folder, recordings=WRITTEN, **options):
    about = {"skeleton": "h36m17", "dataset": "made up", "sources": ("gt", "detected"), "scored": ("detected",)}
    with write_recordings(folder, **about | options) as writer:
        for each in recordings:
            writer.add(**each)
    return folder


def test_what_goes_in_comes_out(tmp_path):
    source = tmp_path / "source.bin"
    source.write_bytes(b"abc" * 1000)
    opened = Recordings.open(write(tmp_path / "store", licence="mine", made_from=[source]), verify=True)
    assert (len(opened), opened.frames, opened.skeleton.name, opened.licence) == (3, 24, "h36m17", "mine")
    assert opened.made["from"] == [
        {"file": "source.bin", "bytes": 3000, "sha256": hashlib.sha256(b"abc" * 1000).hexdigest()}
    ]
    for read, written in zip(opened, WRITTEN, strict=True):
        for name in ("subject", "action", "take", "camera", "fps", "size"):
            assert getattr(read, name) == written[name]
        assert_array_equal(read.points3d, written["points3d"])
        assert_array_equal(read.valid, written["valid"])
        assert_array_equal(read.scores("detected"), written["scores"]["detected"])
        assert read.scores("gt") is None
        for source in read.sources:
            assert_array_equal(read.points2d(source), written["points2d"][source])
        assert len(read) == len(written["points3d"])
        assert not read.points3d.flags.writeable


def test_plain_numpy_reads_it(tmp_path):
    """The format is what its description says, without any of our code."""
    folder = write(tmp_path / "store")
    index = json.loads((folder / "index.json").read_text())
    entry = index["recordings"][1]
    rows = slice(entry["offset"], entry["offset"] + entry["frames"])
    assert (entry["subject"], entry["take"], entry["sources"]) == ("S9", "Eating", ["gt", "detected"])
    assert_array_equal(np.load(folder / "points3d.npy")[rows], WRITTEN[1]["points3d"])
    assert_array_equal(np.load(folder / "points2d-gt.npy")[rows], WRITTEN[1]["points2d"]["gt"])
    assert_array_equal(np.load(folder / "valid.npy")[rows], WRITTEN[1]["valid"])
    for name, about in index["arrays"].items():
        assert hashlib.sha256(np.load(folder / f"{name}.npy").tobytes()).hexdigest() == about["sha256"]


def test_some_of_them(tmp_path):
    opened = Recordings.open(write(tmp_path / "store"))
    assert [r.take for r in opened.split(subjects=["S9"])] == ["Eating"]
    assert [r.take for r in opened.split(subjects=["S1"], cameras={"55011271"})] == ["Walking 3"]
    assert [r.take for r in opened.split(actions=["Walking"])] == ["Walking 1", "Walking 3"]
    assert opened.split(subjects=["S9"]).fingerprint == opened.fingerprint
    with pytest.raises(DataError, match="has no subject S5, S7; there are S1, S9"):
        opened.split(subjects=["S5", "S9", "S7"])
    with pytest.raises(DataError, match="has no action Walk; there are Eating, Walking"):
        opened.split(actions=["Walk"])
    with pytest.raises(DataError, match="no recording"):
        opened.split(subjects=["S9"], cameras=["55011271"])
    with pytest.raises(DataError, match="several names"):
        opened.split(subjects="S1")
    with pytest.raises(DataError, match="has no 2D poses 'cpn'; there are gt, detected"):
        opened[0].points2d("cpn")


def test_a_recording_without_a_source(tmp_path):
    lacking = {**recording(4, 9), "points2d": {"gt": np.ones((4, 17, 2))}, "scores": None, "valid": None}
    opened = Recordings.open(write(tmp_path / "store", [*WRITTEN, lacking]))
    assert opened[3].sources == ("gt",)
    assert opened[3].valid.all()
    with pytest.raises(DataError, match="has no 2D poses 'detected'; there are gt"):
        opened[3].scores("detected")


def test_workers_get_the_place_and_not_the_data(tmp_path):
    long = recording(20_000, 1)
    opened = Recordings.open(write(tmp_path / "store", [long]))
    assert opened[0].points3d.nbytes > 4_000_000
    sent = pickle.dumps(opened)
    assert len(sent) < 10_000
    assert_array_equal(pickle.loads(sent)[0].points3d, long["points3d"])


def test_the_fingerprint_is_of_the_data(tmp_path):
    one = Recordings.open(write(tmp_path / "one", licence="mine")).fingerprint
    assert Recordings.open(write(tmp_path / "two", licence="yours")).fingerprint == one
    other = [{**WRITTEN[0], "points3d": WRITTEN[0]["points3d"] + np.float32(1e-3)}, *WRITTEN[1:]]
    assert Recordings.open(write(tmp_path / "three", other)).fingerprint != one
    renamed = [{**WRITTEN[0], "subject": "S2"}, *WRITTEN[1:]]
    assert Recordings.open(write(tmp_path / "four", renamed)).fingerprint != one


# ---------------------------------------------------------------- what is not whole


def test_what_is_missing_or_changed_is_named(tmp_path):
    folder = write(tmp_path / "store")
    points, valid = folder / "points3d.npy", folder / "valid.npy"
    whole = points.read_bytes()
    points.write_bytes(whole[:-8])
    valid.unlink()
    with pytest.raises(DataError, match=r"is not whole: points3d.npy is cut off .* valid.npy is missing") as caught:
        Recordings.open(folder)
    assert str(24 * 17 * 3 * 4 - 8) in str(caught.value)
    np.save(valid, np.ones(24, bool))
    points.write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"points3d.npy cannot be read"):
        Recordings.open(folder)
    np.save(points, np.zeros((24, 17, 3)))
    with pytest.raises(DataError, match=r"points3d.npy holds float64 \(24, 17, 3\), and float32"):
        Recordings.open(folder)
    points.write_bytes(whole)
    with pytest.raises(DataError, match=r"valid.npy changed since it was written"):
        Recordings.open(folder, verify=True)
    np.save(valid, np.concatenate([each["valid"] for each in WRITTEN]))
    Recordings.open(folder, verify=True)
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    points.write_bytes(flipped)
    Recordings.open(folder)
    with pytest.raises(DataError, match=r"points3d.npy changed since"):
        Recordings.open(folder, verify=True)


def test_the_index_is_checked(tmp_path):
    with pytest.raises(DataError, match=r"there is no folder of recordings .*poseglass data h36m"):
        Recordings.open(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"has no index.json"):
        Recordings.open(tmp_path)
    folder = write(tmp_path / "store")
    index = json.loads((folder / INDEX).read_text())

    def changed(**entries):
        (folder / INDEX).write_text(json.dumps(index | entries))
        return Recordings.open(folder)

    first, *others = index["recordings"]
    for recordings in ([first | {"offset": 3}, *others], [first, others[0]], []):
        with pytest.raises(DataError, match="was changed since it was written"):
            changed(recordings=recordings)
    with pytest.raises(DataError, match="must be of the format 'poseglass recordings 1', got 'something'"):
        changed(format="something")
    for entries in ({"arrays": None}, {"skeleton": "dog"}, {"recordings": [{}]}):
        with pytest.raises(DataError, match="cannot be read"):
            changed(**entries)
    (folder / INDEX).write_text('{"format": "poseglass')
    with pytest.raises(DataError, match="cannot be read"):
        Recordings.open(folder)
    (folder / INDEX).write_text("[]")
    with pytest.raises(DataError, match="must be of the format"):
        Recordings.open(folder)


def test_an_exception_half_way_leaves_nothing(tmp_path):
    def broken():
        yield WRITTEN[0]
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        write(tmp_path / "store", broken())
    assert not [*tmp_path.iterdir()]


def test_a_full_disk_half_way(tmp_path, monkeypatch):
    """A disk that fills up, as far as the operating system tells: a limit on how long a file may get."""
    script = f"""
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    import sys
    sys.path.insert(0, {str(__file__.rpartition("/")[0])!r})
    from test_recordings import recording, write
    from poseglass.errors import DataError
    try:
        write({str(tmp_path / "store")!r}, (recording(100, n) for n in range(50)))
    except DataError as problem:
        print(problem)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert f"cannot write {tmp_path / 'store'}: File too large; nothing was left behind" in done.stdout, done.stderr
    assert not [*tmp_path.iterdir()]

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("fsync", "umask"):
        with monkeypatch.context() as patch:
            patch.setattr(storing.os, name, full)
            with pytest.raises(DataError, match="No space left on device; nothing was left behind"):
                write(tmp_path / "store")
        assert not [*tmp_path.iterdir()]


def test_a_killed_writer_leaves_nothing_that_opens(tmp_path):
    script = f"""
    import os, signal, sys
    sys.path.insert(0, {str(__file__.rpartition("/")[0])!r})
    from test_recordings import WRITTEN, write
    def killed():
        yield WRITTEN[0]
        os.kill(os.getpid(), signal.SIGKILL)
    write({str(tmp_path / "store")!r}, killed())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=False)
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    assert "unfinished" in left.name
    with pytest.raises(DataError, match=r"has no index.json"):
        Recordings.open(left)
    Recordings.open(write(tmp_path / "store"))  # and stands in nobody's way


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "file").write_text("x")
    folder = write(tmp_path / "deep" / "store")
    for there in (tmp_path / "file", folder):
        with pytest.raises(DataError, match="is there already and not empty"):
            write(there)
    (tmp_path / "empty").mkdir()
    Recordings.open(write(tmp_path / "empty"))
    with pytest.raises(DataError, match="cannot write"):
        write(tmp_path / "file" / "store")


@pytest.mark.usefixtures("as_used")
def test_what_does_not_fit_is_refused(tmp_path):
    good = WRITTEN[0]
    nan = good["points3d"].copy()
    nan[np.flatnonzero(good["valid"])[1], 4, 2] = np.nan
    where = int(np.flatnonzero(good["valid"])[1])
    for changes, words in (
        ({"points3d": np.zeros((7, 16, 3))}, r"points3d must be \(7, 17, 3\) for 7 frames of the 17 joints of h36m17"),
        ({"points2d": {"gt": np.zeros((6, 17, 2))}}, r"points2d-gt must be \(7, 17, 2\).*got \(6, 17, 2\)"),
        ({"points2d": {"cpn": np.zeros((7, 17, 2))}}, "has points2d-cpn, which was not announced"),
        ({"points3d": nan}, f"points3d is not a number in 1 frames, the first is {where}"),
        ({"points3d": np.zeros((0, 17, 3)), "points2d": {}, "scores": {}, "valid": None}, "has no frame"),
    ):
        with pytest.raises(DataError, match=r"S1 Walking 1, camera 54138969.*" + words):
            write(tmp_path / "store", [good | changes])
    with pytest.raises(DataError, match="is there twice"):
        write(tmp_path / "store", [good, good])
    with pytest.raises(DataError, match="no recording to write"):
        write(tmp_path / "store", [])
    with pytest.raises(DataError, match="named in small letters"):
        write(tmp_path / "store", sources=("../gt",))
    with pytest.raises(PoseError, match="no skeleton is called 'dog'"):
        write(tmp_path / "store", skeleton="dog")
    assert not [*tmp_path.iterdir()]


def test_frames_that_do_not_count_may_be_anything(tmp_path):
    odd = recording(7, 1)
    odd["valid"][3] = False
    odd["points3d"][3] = np.nan
    read = Recordings.open(write(tmp_path / "store", [odd]))[0]
    assert_array_equal(read.points3d[3], np.zeros((17, 3)))
    assert not read.valid[3]


def test_memory_is_bounded(tmp_path):
    """A hundred recordings take no more than one does."""
    one = recording(2000, 1)
    tracemalloc.start()
    write(tmp_path / "store", ({**one, "take": f"Walking {n}"} for n in range(100)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(path.stat().st_size for path in (tmp_path / "store").iterdir()) > 100e6
    assert peak < 10e6
