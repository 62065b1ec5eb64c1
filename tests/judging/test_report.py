"""Reports on recordings as text, Markdown, JSON, CSV and plots, and the MATLAB file."""

import csv
import io
import json
import math

import numpy as np
import pytest
import scipy.io

from poseglass.data.threedhp.inference_mat import write_inference
from poseglass.errors import DataError, PoseglassError
from poseglass.judging.plots import draw_report
from poseglass.judging.report import GroupErrors, RecordingReport

TEST = ["TS1", "TS2", "TS3", "TS4", "TS5", "TS6"]


@pytest.fixture
def report():
    return RecordingReport(
        dataset="Human3.6M",
        fingerprint="0123456789ab",
        subjects=("S9", "S11"),
        keypoints="cpn",
        model="hot",
        counting="published",
        flip=True,
        centre=False,
        windows=12,
        window=243,
        repeated=1234,
        units={"MPJPE": "mm", "acceleration": "mm/frame^2"},
        groups=(
            GroupErrors("action", "Sitting", 1000, {"MPJPE": 50.04, "acceleration": 1.239}),
            GroupErrors("action", "Walking", 1916, {"MPJPE": 40.0, "acceleration": math.nan}),
        ),
        total=GroupErrors("total", "mean over 2 actions", 2916, {"MPJPE": 45.02, "acceleration": math.nan}),
        joints={"pelvis": 0.0, "left_hip": 20.0},
        notes=("missing actions: Eating",),
    )


def test_the_heading_names_everything_that_the_errors_depend_on(report):
    for text in (str(report), report.markdown()):
        for word in ("hot on Human3.6M", "S9 S11", "0123456789ab", "2D poses cpn", "averaged with the mirrored pass",
                     "protocol published", "12 clips of 243", "2,916 frames count", "1,234 of them repeated",
                     "missing actions: Eating", "all frames"):  # fmt: skip
            assert word in text
    head, _, _ = str(report).partition("\n\n")
    assert len(head.splitlines()) == 4


def test_the_table_has_a_row_per_group(report):
    table = str(report).split("\n\n")[1].splitlines()
    assert [line.split() for line in table] == [
        ["frames", "MPJPE", "acceleration"],
        ["Sitting", "1,000", "50.0", "1.24"],
        ["Walking", "1,916", "40.0", "-"],
        ["mean", "over", "2", "actions", "2,916", "45.0", "-"],
    ]
    assert len({len(line) for line in table}) == 1, "columns line up"
    assert "| Sitting | 1,000 | 50.0 | 1.24 |" in report.markdown()
    assert "|  | frames | MPJPE, mm | acceleration, mm/frame^2 |" in report.markdown()


def test_records_keep_every_digit(report):
    record = json.loads(report.json())
    assert record["total"]["errors"] == {"MPJPE": 45.02, "acceleration": None}
    assert record["groups"][0] == {
        "kind": "action", "name": "Sitting", "frames": 1000, "errors": {"MPJPE": 50.04, "acceleration": 1.239}
    }  # fmt: skip
    assert (record["counting"], record["flip"], record["repeated"]) == ("published", True, 1234)
    rows = [*csv.reader(io.StringIO(report.csv()))]
    assert rows[0] == ["kind", "name", "frames", "MPJPE", "acceleration"]
    assert rows[1] == ["action", "Sitting", "1000", "50.04", "1.239"]
    assert rows[-1][:3] == ["total", "mean over 2 actions", "2916"]


def test_plots_have_a_bar_per_group(report, tmp_path):
    from PIL import Image

    files = draw_report(report, tmp_path / "plots")
    assert [file.name for file in files] == ["error-per-joint.png", "error-per-action.png"]
    for file in files:
        with Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB")).astype(int)
        blue = (np.abs(pixels - (59, 110, 168)).sum(-1) < 30).any(1)  # rows of pixels that cross a bar
        bars = int((blue[1:] & ~blue[:-1]).sum())
        assert bars == (1 if "joint" in file.name else 2), "the bar of the pelvis has no length"


def test_plots_that_cannot_be_written_are_refused(report, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(PoseglassError, match="cannot write"):
        draw_report(report, tmp_path / "file")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(PoseglassError, match=r"pip install 'poseglass\[plots\]'"):
        draw_report(report, tmp_path / "plots")
    assert not (tmp_path / "plots").exists()


def test_the_matlab_file_has_the_shape_and_units_of_the_data_set(tmp_path):
    rng = np.random.default_rng(0)
    poses = {name: rng.normal(size=(frames, 17, 3)).astype(np.float32) for frames, name in enumerate(TEST, start=4)}
    write_inference(tmp_path / "inference_data.mat", poses)
    assert (tmp_path / "inference_data.mat").read_bytes().startswith(b"MATLAB 5.0 MAT-file")
    content = scipy.io.loadmat(tmp_path / "inference_data.mat")
    for frames, name in enumerate(TEST, start=4):
        assert content[name].shape == (3, 17, 1, frames)
        assert content[name].dtype == np.float64
        for axis, joint, frame in ((0, 0, 0), (2, 16, frames - 1), (1, 5, 2)):
            assert content[name][axis, joint, 0, frame] == pytest.approx(1000 * poses[name][frame, joint, axis])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"TS3": None}, "TS3 is missing"),
        ({"S1": np.zeros((4, 17, 3))}, "S1 is not one of them"),
        ({"TS3": np.zeros((4, 17, 2))}, r"TS3: poses must be \(frames, 17, 3\), got \(4, 17, 2\)"),
    ],
)
def test_poses_that_do_not_fit_the_matlab_file_are_refused(tmp_path, as_used, change, words):
    poses = {name: np.zeros((4, 17, 3)) for name in TEST} | change
    with pytest.raises(DataError, match=words):
        write_inference(tmp_path / "x.mat", {name: each for name, each in poses.items() if each is not None})
    assert not [*tmp_path.iterdir()]
