"""A folder of recordings returns what was written; incomplete or edited folders are never opened."""

import copy
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

from poseglass.data.recordings import writer as writer_module
from poseglass.data.recordings.index import INDEX, checksum, fingerprint
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import write_recordings
from poseglass.errors import DataError, PoseError

SIZE = (1000, 1002)


def recording(frames, seed, joints=17, **changes):
    rng = np.random.default_rng(seed)
    names = {"subject": "S1", "action": "Walking", "take": f"Walking {seed}", "camera": "54138969"} | changes
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
    recording(12, 2, subject="S9", action="Eating", take="Eating", split="test"),
    recording(5, 3, camera="55011271"),
]


def write(folder, recordings=WRITTEN, **options):
    settings = {"skeleton": "h36m17", "dataset": "synthetic", "sources": ("gt", "detected"), "scored": ("detected",)}
    with write_recordings(folder, **settings | options) as writer:
        for each in recordings:
            writer.add(**each)
    return folder


def test_reading_restores_what_was_written(tmp_path):
    source = tmp_path / "source.bin"
    source.write_bytes(b"abc" * 1000)
    opened = Recordings.open(write(tmp_path / "store", licence="mine", made_from=[source]), verify=True)
    assert (len(opened), opened.frames, opened.skeleton.name, opened.licence) == (3, 24, "h36m17", "mine")
    assert opened.provenance["from"] == [
        {"file": "source.bin", "bytes": 3000, "sha256": hashlib.sha256(b"abc" * 1000).hexdigest()}
    ]
    for read, written in zip(opened, WRITTEN, strict=True):
        for name in ("subject", "action", "take", "camera", "fps", "size"):
            assert getattr(read, name) == written[name]
        assert_array_equal(read.points3d, written["points3d"])
        assert_array_equal(read.valid, written["valid"])
        assert_array_equal(read.scores("detected"), written["scores"]["detected"])
        assert read.scores("gt") is None
        for name in read.sources:
            assert_array_equal(read.points2d(name), written["points2d"][name])
        assert len(read) == len(written["points3d"])
        assert not read.points3d.flags.writeable


def test_plain_numpy_can_read_the_folder(tmp_path):
    """The documented format is enough to read it, without our code."""
    folder = write(tmp_path / "store")
    index = json.loads((folder / "index.json").read_text())
    entry = index["recordings"][1]
    rows = slice(entry["offset"], entry["offset"] + entry["frames"])
    assert (entry["subject"], entry["take"], entry["sources"]) == ("S9", "Eating", ["gt", "detected"])
    assert_array_equal(np.load(folder / "points3d.npy")[rows], WRITTEN[1]["points3d"])
    assert_array_equal(np.load(folder / "points2d-gt.npy")[rows], WRITTEN[1]["points2d"]["gt"])
    assert_array_equal(np.load(folder / "valid.npy")[rows], WRITTEN[1]["valid"])
    for name, entry in index["arrays"].items():
        assert hashlib.sha256(np.load(folder / f"{name}.npy").tobytes()).hexdigest() == entry["sha256"]


def test_recordings_are_selected_by_whole_names(tmp_path):
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
    with pytest.raises(DataError, match="a collection of names"):
        opened.split(subjects="S1")
    with pytest.raises(DataError, match="has no 2D poses 'cpn'; there are gt, detected"):
        opened[0].points2d("cpn")


def test_a_recording_may_lack_a_source_of_2d_poses(tmp_path):
    lacking = {**recording(4, 9), "points2d": {"gt": np.ones((4, 17, 2))}, "scores": None, "valid": None}
    opened = Recordings.open(write(tmp_path / "store", [*WRITTEN, lacking]))
    assert opened[3].sources == ("gt",)
    assert opened[3].valid.all()
    with pytest.raises(DataError, match="has no 2D poses 'detected'; there are gt"):
        opened[3].scores("detected")


def test_a_pickle_for_workers_holds_the_path_and_not_the_data(tmp_path):
    long = recording(20_000, 1)
    opened = Recordings.open(write(tmp_path / "store", [long]))
    assert opened[0].points3d.nbytes > 4_000_000
    sent = pickle.dumps(opened)
    assert len(sent) < 10_000
    assert_array_equal(pickle.loads(sent)[0].points3d, long["points3d"])


def test_the_fingerprint_identifies_the_data(tmp_path):
    """It depends on everything that affects results, and not on the files that the data came from."""
    source = tmp_path / "source.bin"
    source.write_bytes(b"abc")
    one = Recordings.open(write(tmp_path / "one", licence="mine")).fingerprint
    assert Recordings.open(write(tmp_path / "two", licence="mine", made_from=[source])).fingerprint == one
    moved = [{**WRITTEN[0], "points3d": WRITTEN[0]["points3d"] + np.float32(1e-3)}, *WRITTEN[1:]]
    others = [
        Recordings.open(write(tmp_path / f"other {number}", recordings, **{"licence": "mine"} | options)).fingerprint
        for number, (recordings, options) in enumerate(
            [
                (moved, {}),
                *(([{**WRITTEN[0], **change}, *WRITTEN[1:]], {}) for change in
                  ({"subject": "S2"}, {"fps": 25.0}, {"size": (1000, 1000)}, {"split": "val"}, {"camera": "c"})),
                (WRITTEN, {"licence": "yours"}),
                (WRITTEN, {"dataset": "Human3.6M"}),
                (WRITTEN, {"sources": ("gt", "detected", "cpn")}),
                (WRITTEN, {"skeleton": "coco17"}),
                (WRITTEN[::-1], {}),
            ]
        )
    ]  # fmt: skip
    assert len({one, *others}) == 12


# ---------------------------------------------------------------- incomplete and edited folders


def places(value, path=()):
    """The path to every value in a nested structure, containers included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def edits(index):
    """The index with each value in turn edited, removed, or given a neighbour."""
    for *path, key in filter(None, places(index)):
        for edit in ("change", "remove", "add"):
            edited = copy.deepcopy(index)
            parent = edited
            for step in path:
                parent = parent[step]
            if edit == "remove":
                del parent[key]
            elif edit == "add":
                parent.insert(key, parent[key]) if isinstance(parent, list) else parent.update({f"{key}2": parent[key]})
            elif isinstance(parent[key], str):
                parent[key] += "x"
            elif isinstance(parent[key], int | float):
                parent[key] += 1
            else:
                parent[key] = type(parent[key])()
            if edited != index:
                yield (edit, *path, key), edited


def test_an_edit_of_any_field_of_the_index_is_refused(tmp_path):
    source = tmp_path / "source.bin"
    source.write_bytes(b"abc")
    folder = write(tmp_path / "store", licence="mine", made_from=[source])
    index = json.loads((folder / INDEX).read_text())
    fields = set()
    for place, edited in edits(index):
        (folder / INDEX).write_text(json.dumps(edited))
        words = "must have the format" if edited.get("format") != index["format"] else "was changed after it was"
        with pytest.raises(DataError, match=words):
            pytest.fail(f"{place} went unnoticed: {Recordings.open(folder)}")
        fields.add(place[1])
    assert fields == {*index}
    (folder / INDEX).write_text(json.dumps(index))
    Recordings.open(folder)


def test_an_edited_index_with_a_new_checksum_has_another_fingerprint(tmp_path):
    folder = write(tmp_path / "store")
    index = json.loads((folder / INDEX).read_text()) | {"dataset": "Human3.6M"}
    index["checksum"] = checksum(index)
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(DataError, match="was changed after it was written"):
        Recordings.open(folder)


def test_folders_of_format_1_are_refused(tmp_path):
    folder = write(tmp_path / "store")
    index = json.loads((folder / INDEX).read_text()) | {"format": "poseglass recordings 1"}
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"has the old format 'poseglass recordings 1'.* prepare the data again"):
        Recordings.open(folder)


def test_missing_and_changed_arrays_are_named(tmp_path):
    folder = write(tmp_path / "store")
    points, valid = folder / "points3d.npy", folder / "valid.npy"
    content = points.read_bytes()
    points.write_bytes(content[:-8])
    valid.unlink()
    with pytest.raises(DataError, match=r"is damaged: points3d.npy holds .* valid.npy is missing") as caught:
        Recordings.open(folder)
    assert f"holds {24 * 17 * 3 * 4 - 8} bytes of data instead of {24 * 17 * 3 * 4}" in str(caught.value)
    np.save(valid, np.ones(24, bool))
    points.write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"points3d.npy cannot be read"):
        Recordings.open(folder)
    np.save(points, np.zeros((24, 17, 3)))
    with pytest.raises(DataError, match=r"points3d.npy holds float64 \(24, 17, 3\) instead of float32"):
        Recordings.open(folder)
    points.write_bytes(content)
    with pytest.raises(DataError, match=r"valid.npy changed after writing"):
        Recordings.open(folder, verify=True)
    np.save(valid, np.concatenate([each["valid"] for each in WRITTEN]))
    Recordings.open(folder, verify=True)
    flipped = bytearray(content)
    flipped[-1] ^= 1
    points.write_bytes(flipped)
    Recordings.open(folder)
    with pytest.raises(DataError, match=r"points3d.npy changed after writing"):
        Recordings.open(folder, verify=True)


def test_an_index_of_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"there is no folder of recordings .*poseglass data h36m"):
        Recordings.open(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty is a folder without index\.json that holds nothing; give the \.npz"):
        Recordings.open(tmp_path / "empty")
    for name in "abcd":
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"without index\.json that holds only a, b, c, \.\.\.; give the \.npz"):
        Recordings.open(tmp_path)
    with pytest.raises(DataError, match=r"expected a folder of recordings, but \S*a is a file"):
        Recordings.open(tmp_path / "a")
    folder = write(tmp_path / "store")
    index = json.loads((folder / INDEX).read_text())

    def sealed(**changes):
        """Open the folder with an index that was changed consistently."""
        changed = {key: value for key, value in (index | changes).items() if key not in ("fingerprint", "checksum")}
        changed["fingerprint"] = fingerprint(changed)
        changed["checksum"] = checksum(changed)
        (folder / INDEX).write_text(json.dumps(changed))
        return Recordings.open(folder)

    with pytest.raises(DataError, match="must have the format 'poseglass recordings 2', got 'something'"):
        sealed(format="something")
    for changes in ({"arrays": None}, {"skeleton": "dog"}, {"recordings": [{}]}):
        with pytest.raises(DataError, match="cannot be read"):
            sealed(**changes)
    for recordings in ([], index["recordings"][:2]):
        with pytest.raises(DataError, match="does not describe every row"):
            sealed(recordings=recordings)
    for text in ('{"format": "poseglass', ""):
        (folder / INDEX).write_text(text)
        with pytest.raises(DataError, match="cannot be read"):
            Recordings.open(folder)
    (folder / INDEX).write_text("[]")
    with pytest.raises(DataError, match="must have the format"):
        Recordings.open(folder)


def test_an_exception_while_writing_leaves_nothing(tmp_path):
    def broken():
        yield WRITTEN[0]
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        write(tmp_path / "store", broken())
    assert not [*tmp_path.iterdir()]


def test_a_full_disk_while_writing_leaves_nothing(tmp_path, monkeypatch):
    """A limit on the file size stands in for a full disk."""
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

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(writer_module.os, name, full)
            with pytest.raises(DataError, match="No space left on device; nothing was left behind"):
                write(tmp_path / "store")
        assert not [*tmp_path.iterdir()]


def test_a_killed_writer_leaves_no_folder_that_opens(tmp_path):
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
    assert left.name.startswith(".poseglass-")
    with pytest.raises(DataError, match=r"a folder without index.json"):
        Recordings.open(left)
    Recordings.open(write(tmp_path / "store"))
    assert [path.name for path in tmp_path.iterdir()] == ["store"], "the remains of the killed writer are removed"


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "file").write_text("x")
    folder = write(tmp_path / "deep" / "store")
    for existing in (tmp_path / "file", folder):
        with pytest.raises(DataError, match="exists and is not empty"):
            write(existing)
    (tmp_path / "empty").mkdir()
    Recordings.open(write(tmp_path / "empty"))
    with pytest.raises(DataError, match="cannot write"):
        write(tmp_path / "file" / "store")


@pytest.mark.usefixtures("as_used")
def test_recordings_that_do_not_fit_are_refused(tmp_path):
    good = WRITTEN[0]
    nan = good["points3d"].copy()
    nan[np.flatnonzero(good["valid"])[1], 4, 2] = np.nan
    frame = int(np.flatnonzero(good["valid"])[1])
    for changes, words in (
        ({"points3d": np.zeros((7, 16, 3))}, r"points3d must be \(7, 17, 3\) for 7 frames of the 17 joints of h36m17"),
        ({"points2d": {"gt": np.zeros((6, 17, 2))}}, r"points2d-gt must be \(7, 17, 2\).*got \(6, 17, 2\)"),
        ({"points2d": {"cpn": np.zeros((7, 17, 2))}}, "has points2d-cpn, but this folder was opened for points3d, "),
        ({"points3d": nan}, f"points3d is not finite in 1 valid frames, the first is {frame}"),
        ({"points3d": np.zeros((0, 17, 3)), "points2d": {}, "scores": {}, "valid": None}, "has no frames"),
    ):
        with pytest.raises(DataError, match=r"S1 Walking 1, camera 54138969.*" + words):
            write(tmp_path / "store", [good | changes])
    with pytest.raises(DataError, match="was added before"):
        write(tmp_path / "store", [good, good])
    with pytest.raises(DataError, match="no recording was added"):
        write(tmp_path / "store", [])
    with pytest.raises(DataError, match="may contain only a-z"):
        write(tmp_path / "store", sources=("../gt",))
    with pytest.raises(PoseError, match="no skeleton is called 'dog'"):
        write(tmp_path / "store", skeleton="dog")
    assert not [*tmp_path.iterdir()]


def test_invalid_frames_may_hold_anything(tmp_path):
    odd = recording(7, 1)
    odd["valid"][3] = False
    odd["points3d"][3] = np.nan
    read = Recordings.open(write(tmp_path / "store", [odd]))[0]
    assert_array_equal(read.points3d[3], np.zeros((17, 3)))
    assert not read.valid[3]


def test_memory_does_not_grow_with_the_number_of_recordings(tmp_path):
    """A hundred recordings take no more memory than one."""
    one = recording(2000, 1)
    tracemalloc.start()
    write(tmp_path / "store", ({**one, "take": f"Walking {n}"} for n in range(100)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(path.stat().st_size for path in (tmp_path / "store").iterdir()) > 100e6
    assert peak < 10e6
