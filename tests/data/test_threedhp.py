"""MPI-INF-3DHP preparation: both kinds of files agree, and every kind of faulty file is named."""

import json
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import scipy.io
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import MPI_INF_3DHP_17
from poseglass.data.recordings.store import Recordings
from poseglass.data.synthetic.generate import generate
from poseglass.data.threedhp.facts import LENGTHS
from poseglass.data.threedhp.prepare import prepare_3dhp
from poseglass.errors import DataError
from poseglass.files.pickled import read_objects

WHO = ["S1", "S2", "TS1", "TS6"]
CAMERAS = ["0", "1", "2", "4", "5", "6", "7", "8"]
TRAIN, TEST = "data_train_3dhp.npz", "data_test_3dhp.npz"
FRAMES = 30


@pytest.fixture
def npz(tmp_path):
    folder = tmp_path / "npz"
    generate("3dhp", folder, frames=FRAMES, subjects=WHO)

    def change(name, damage):
        content = read_objects(folder / name, "data")
        damage(content)
        np.savez(folder / name, data=np.array(content, object))
        return folder

    return SimpleNamespace(folder=folder, change=change)


@pytest.fixture
def mat(tmp_path):
    generate("3dhp-mat", tmp_path / "mat", frames=FRAMES, subjects=WHO)
    return tmp_path / "mat"


def test_the_npz_files_of_the_field_are_prepared(npz, tmp_path):
    report = prepare_3dhp(npz.folder, tmp_path / "3dhp")
    recordings = Recordings.open(tmp_path / "3dhp", verify=True)
    assert (len(recordings), recordings.frames) == (4 * 8 + 2, 34 * FRAMES)
    assert (recordings.skeleton, recordings.sources) == (MPI_INF_3DHP_17, ("gt",))
    train, test = (read_objects(npz.folder / name, "data") for name in (TRAIN, TEST))
    for recording in recordings.split(subjects=["S1", "S2"]):
        views, fps = train[f"{recording.subject} {recording.take}"]
        view = views[recording.camera]
        assert_allclose(recording.points3d, view["data_3d"] / 1000, rtol=1e-6)
        assert_allclose(recording.points2d("gt"), view["data_2d"], rtol=1e-6)
        assert (recording.fps, recording.size, recording.valid.all()) == (fps, (2048, 2048), True)
    assert {r.camera for r in recordings.split(subjects=["S1"])} == {*CAMERAS}
    first, second = recordings.split(subjects=["TS1", "TS6"])
    assert (first.size, second.size) == ((2048, 2048), (1920, 1080))
    assert_array_equal(second.valid, test["TS6"]["valid"] == 1)
    assert 0 < second.valid.mean() < 1
    assert_allclose(second.points3d, test["TS6"]["data_3d"] / 1000, rtol=1e-6)
    assert "missing: S3 Seq1: the whole sequence" in str(report.findings)
    assert "missing: TS2: the whole sequence" in str(report.findings)
    assert "warning: S1 Seq1: 30 frames instead of the published 6416" in str(report.findings)
    assert "MPI-INF-3DHP in" in str(report)


def test_the_original_annotations_give_the_same_recordings(npz, mat, tmp_path):
    one = prepare_3dhp(npz.folder, tmp_path / "one").recordings
    two = prepare_3dhp(mat, tmp_path / "two").recordings
    assert [r.name for r in one] == [r.name for r in two]
    sums = [json.loads((tmp_path / each / "index.json").read_text())["arrays"] for each in ("one", "two")]
    activity = sums[1].pop("activity")
    assert sums[0] == sums[1]
    assert (activity["dtype"], activity["shape"]) == ("<i2", [34 * FRAMES])


def test_activities_are_kept_if_the_source_has_them(npz, mat, tmp_path):
    annotated = prepare_3dhp(mat, tmp_path / "mat-3dhp").recordings
    for recording in annotated.split(subjects=["TS1", "TS6"]):
        with h5py.File(mat / recording.subject / "annot_data.mat") as file:
            assert_array_equal(recording.activity, file["activity_annotation"][:, 0])
        assert len({*recording.activity}) == 2
    assert not any(recording.activity.any() for recording in annotated.split(subjects=["S1"]))
    assert all(recording.activity is None for recording in prepare_3dhp(npz.folder, tmp_path / "npz-3dhp").recordings)


@pytest.mark.parametrize(
    "wrong", [np.full(FRAMES, 8.0), np.full(FRAMES, 2.5), np.full(FRAMES, np.nan), np.ones(FRAMES - 1)]
)
def test_impossible_activities_are_refused(mat, tmp_path, as_used, wrong):
    with h5py.File(mat / "TS6" / "annot_data.mat", "a") as file:
        del file["activity_annotation"]
        file["activity_annotation"] = wrong[:, None]
    with pytest.raises(DataError, match=r"TS6/annot_data.mat: expected an activity from 1 to 7 for each of 30 frames"):
        prepare_3dhp(mat, tmp_path / "3dhp")
    assert not (tmp_path / "3dhp").exists()


def test_longer_annotations_are_cut_to_the_published_length(mat, tmp_path, monkeypatch):
    for key in LENGTHS:
        monkeypatch.setitem(LENGTHS, key, LENGTHS[key]._replace(frames=21))
    report = prepare_3dhp(mat, tmp_path / "3dhp")
    assert {len(r) for r in report.recordings.split(subjects=["S1"])} == {21}
    assert not report.findings.warnings


def test_the_training_or_test_part_alone_is_prepared(npz, mat, tmp_path):
    (npz.folder / TRAIN).unlink()
    assert len(prepare_3dhp(npz.folder, tmp_path / "one").recordings) == 2
    for path in mat.glob("TS*/*"):
        path.unlink()
    assert len(prepare_3dhp(mat, tmp_path / "two").recordings) == 32


def test_invalid_frames_may_hold_anything(npz, tmp_path):
    def broken(tests):
        tests["TS1"]["data_3d"] = np.where(tests["TS1"]["valid"][:, None, None] == 0, np.nan, tests["TS1"]["data_3d"])

    report = prepare_3dhp(npz.change(TEST, broken), tmp_path / "3dhp")
    assert np.isfinite(report.recordings.split(subjects=["TS1"])[0].points3d).all()


def entry(content, sequence, camera):
    return content[sequence][0][camera]


def put(sequence, camera, name, change_array):
    def change(content):
        arrays = entry(content, sequence, camera) if camera else content[sequence]
        arrays[name] = change_array(arrays[name].copy())

    return change


def nan(array):
    array[7] = np.nan
    return array


SWAPPED = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14, 15, 16]
WRONG = {
    "a camera": (TRAIN, lambda c: c["S1 Seq2"][0].pop("4"), "S1 Seq2 lacks cameras 4; the field uses 0, 1, 2, 4, 5"),
    "2D": (TRAIN, lambda c: entry(c, "S1 Seq1", "0").pop("data_2d"), "S1 Seq1 lacks data_2d"),
    "which count": (TEST, lambda c: c["TS1"].pop("valid"), "TS1 lacks valid"),
    "frames of 2D": (
        TRAIN,
        put("S2 Seq1", "5", "data_2d", lambda a: a[:20]),
        "S2 Seq1, camera 5: there are 3D poses of 30 frames, 2D poses of 20",
    ),
    "frames that count": (TEST, put("TS1", "", "valid", lambda a: a[:9]), "2D poses of 30, 9 marks"),
    "any frame": (TEST, put("TS1", "", "valid", lambda a: 0 * a), "TS1: no frame is valid"),
    "NaN": (
        TRAIN,
        put("S1 Seq1", "0", "data_3d", nan),
        "S1 Seq1, camera 0, 3D: 1 of 30 frames .* the first is frame 7",
    ),
    "NaN of 2D": (TRAIN, put("S1 Seq1", "0", "data_2d", nan), "S1 Seq1, camera 0, 2D: 1 of 30 frames"),
    "a sequence": (TRAIN, lambda c: c.update({"S1 Seq3": c["S1 Seq1"]}), "no training sequence 'S1 Seq3'"),
    "a test": (TEST, lambda c: c.update(TS7=c["TS1"]), "no test sequence 'TS7'; expected one of TS1, TS2"),
    "metres": (TRAIN, put("S1 Seq1", "0", "data_3d", lambda a: a / 1000), "the joints are in another order or unit"),
    "joints": (TRAIN, put("S1 Seq1", "0", "data_3d", lambda a: a[:, ::-1]), "the joints are in another order or unit"),
    "28 joints": (TRAIN, put("S1 Seq1", "0", "data_3d", lambda a: a[:, [0] * 28]), r"\(frames, 17, 3\), got \(30, 28"),
    "the pictures": (TRAIN, put("S1 Seq1", "0", "data_2d", lambda a: a[:, ::-1] * [4, 1]), r"pixels \(median\) from"),
    "text": (
        TRAIN,
        put("S1 Seq1", "0", "data_3d", lambda a: a.astype(str)),
        "S1 Seq1, data_3d: expected an array of numbers",
    ),
    "rates": (
        TRAIN,
        lambda c: c["S1 Seq1"].__setitem__(1, [25, 50]),
        "expected one number of frames per second, got 2",
    ),
    "no rate": (TRAIN, lambda c: c["S1 Seq1"].__setitem__(1, None), "frames per second: expected an array of numbers"),
    "a list": (TRAIN, lambda c: c.update({"S1 Seq1": 5}), "expected a list of the cameras and the frames per second"),
}


@pytest.mark.usefixtures("as_used")
@pytest.mark.parametrize("fault", WRONG)
def test_faults_are_named_and_nothing_is_written(npz, tmp_path, fault):
    name, damage, words = WRONG[fault]
    with pytest.raises(DataError, match=words):
        prepare_3dhp(npz.change(name, damage), tmp_path / "3dhp")
    assert [path.name for path in tmp_path.iterdir()] == ["npz"]


def test_an_unusual_rate_is_reported(npz, tmp_path):
    def odd(content):
        content["S1 Seq1"][1] = 50

    findings = prepare_3dhp(npz.change(TRAIN, odd), tmp_path / "3dhp").findings
    assert str(findings).count(": 50 frames per second instead of the published 25") == 8


def test_incomplete_files_are_refused(npz, mat, tmp_path):
    for path in (npz.folder / TRAIN, mat / "S1" / "Seq2" / "annot.mat", mat / "TS6" / "annot_data.mat"):
        whole = path.read_bytes()
        for share in (0.0, 0.5, 0.95):
            path.write_bytes(whole[: int(share * len(whole))])
            with pytest.raises(DataError, match=rf"{path.name}.* was it downloaded whole"):
                prepare_3dhp(path.parent if path.suffix == ".npz" else mat, tmp_path / "3dhp")
        path.write_bytes(whole)
    assert not (tmp_path / "3dhp").exists()


def test_annotations_of_another_kind_are_refused(mat, tmp_path):
    path = mat / "S1" / "Seq1" / "annot.mat"
    content = scipy.io.loadmat(path)
    annotations = {name: content[name] for name in ("annot2", "univ_annot3", "cameras")}

    def refused(words, **changes):
        kept = {name: value for name, value in (annotations | changes).items() if value is not None}
        scipy.io.savemat(path, kept)
        with pytest.raises(DataError, match=words):
            prepare_3dhp(mat, tmp_path / "3dhp")

    refused("has no variable 'univ_annot3': it is another file", univ_annot3=None)
    refused("lacks cameras 7, 8", cameras=np.arange(7)[None])
    refused(r"camera 0: expected \(frames, 84\), 28 joints per row, got \(30, 56\)", univ_annot3=annotations["annot2"])
    cells = annotations["univ_annot3"].copy()
    cells[2, 0] = "x"
    refused("camera 2: expected an array of numbers, got <U", univ_annot3=cells)
    scipy.io.savemat(path, annotations)
    with h5py.File(mat / "TS1" / "annot_data.mat", "a") as file:
        del file["valid_frame"]
    with pytest.raises(DataError, match="lacks one of univ_annot3, annot2, valid_frame"):
        prepare_3dhp(mat, tmp_path / "3dhp")
    with pytest.raises(DataError, match="has no MPI-INF-3DHP: expected"):
        prepare_3dhp(tmp_path, tmp_path / "3dhp")
    with pytest.raises(DataError, match="there is no folder"):
        prepare_3dhp(tmp_path / "nowhere", tmp_path / "3dhp")


def test_sides_exchanged_in_the_image_are_reported(npz, tmp_path):
    damage = put("S1 Seq1", "0", "data_2d", lambda a: a[:, SWAPPED])
    clean = prepare_3dhp(npz.folder, tmp_path / "clean")
    assert max(clean.distances["gt"]) < 1e-6
    exchanged = prepare_3dhp(npz.change(TRAIN, damage), tmp_path / "3dhp")
    assert max(exchanged.distances["gt"]) > 5
