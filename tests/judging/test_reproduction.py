"""Published tables: weights are matched to rows, and rows are measured with the published protocol."""

import json
from dataclasses import replace

import pytest
import torch

import poseglass as pg
from oracle import published
from poseglass.body.skeleton import MPI_INF_3DHP_17
from poseglass.cost.papers import TABLES, PublishedFigure, PublishedModel, PublishedTable, Setup
from poseglass.data.h36m.prepare import prepare_h36m
from poseglass.data.synthetic.generate import generate
from poseglass.data.threedhp.prepare import prepare_3dhp
from poseglass.errors import DataError
from poseglass.judging.on_recordings import evaluate_recordings
from poseglass.judging.protocol import Protocol
from poseglass.judging.reproduction import find_weights, reproduce


def test_weights_are_matched_by_name(tmp_path):
    for name in ("hot-mixste", "H36M-MixSTE", "runs"):
        (tmp_path / name).mkdir()
    (tmp_path / "runs" / "best").mkdir()
    (tmp_path / "mhformer" / "best").mkdir(parents=True)
    (tmp_path / "mhformer" / "best" / "weights.safetensors").write_text("")
    for name in ("TPC w. MixSTE.pth", "motionagformer_b.bin", "P-STMO.pth", "readme.txt"):
        (tmp_path / name).write_text("")
    paths, unused = find_weights("h36m", tmp_path)
    assert {row: str(path.relative_to(tmp_path)) for row, path in paths.items()} == {
        "HoT w. MixSTE": "hot-mixste",
        "MixSTE": "H36M-MixSTE",
        "MHFormer": "mhformer/best",
        "TPC w. MixSTE": "TPC w. MixSTE.pth",
        "MotionAGFormer-B": "motionagformer_b.bin",
    }
    assert set(unused) == {"runs", "P-STMO.pth", "readme.txt"}, "P-STMO is no architecture of this package"
    (tmp_path / "HoT w. MixSTE.pth").write_text("")
    with pytest.raises(DataError, match=r"are both weights of HoT w\. MixSTE"):
        find_weights("h36m", tmp_path)
    with pytest.raises(DataError, match="expected a folder with weights"):
        find_weights("h36m", tmp_path / "nowhere")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Synthetic data sets, prepared."""
    folder = tmp_path_factory.mktemp("data")
    generate("h36m", folder / "h36m-made", frames=20, subjects=["S9"])
    generate("3dhp", folder / "3dhp-made", frames=20, subjects=["TS1"])
    return {
        "h36m": prepare_h36m(folder / "h36m-made", folder / "h36m").recordings.split(actions=["Eating", "Walking"]),
        "3dhp": prepare_3dhp(folder / "3dhp-made", folder / "3dhp").recordings,
    }


@pytest.fixture
def only(monkeypatch):
    """Replace the rows of a table."""

    def replaced(table, *models):
        monkeypatch.setitem(TABLES, table, PublishedTable(TABLES[table].dataset, TABLES[table].metrics, models))

    return replaced


def row(name, size="", frames=9, recipe="", keypoints="cpn", waist=("none",)):
    """A row with invented errors."""
    errors = {
        "MPJPE": PublishedFigure(50.04, "figure"),
        "PCK": PublishedFigure(90.0),
        "AUC": PublishedFigure(60.0, "second-hand"),
    }
    return PublishedModel(name, frames, Setup(size, keypoints, recipe, *waist) if size else None, errors=errors)


def test_rows_are_measured_with_the_published_protocol(data, tmp_path, only):
    only(
        "h36m",
        row("Plain", "mixste-tiny", recipe="plain"),
        row("Funnel", "mixste-tiny", recipe="funnel", waist=("funnel", 3, 1)),
        row("Waist", "mixste-tiny", recipe="waist", waist=("hourglass", 3, 1)),
        row("Longer", "mixste-tiny", frames=27, recipe="longer"),
        row("Other", "motionbert-tiny", recipe="other"),
        row("Hourglass 2D", "mixste-tiny", recipe="sh", keypoints="sh"),
        row("Broken", "mixste-tiny", recipe="broken"),
        row("Absent", "mixste-tiny", recipe="absent"),
        row("Foreign"),
        PublishedModel("Counted only", 9, Setup("mixste-tiny", "cpn")),
    )
    torch.manual_seed(0)
    model = pg.create_model("mixste-tiny", frames=9, card=pg.Card(coordinates="screen"))
    for name in ("plain", "funnel", "waist", "longer", "other", "sh"):
        pg.save(model, tmp_path / name)
    (tmp_path / "broken.pth").write_text("no weights")
    (tmp_path / "notes.txt").write_text("")
    result = reproduce("h36m", data["h36m"], tmp_path)
    measured = {o.published.name: o.report.total.errors for o in result.outcomes if o.report is not None}

    def alone(model):
        how = Protocol("cpn", counting="published", flip=True)
        return evaluate_recordings(model, data["h36m"], how).total.errors

    assert measured == {"Plain": alone(model), "Funnel": alone(pg.funnel(model, keep=3, at=1))}
    problems = {o.published.name: o.problem for o in result.outcomes if o.problem}
    assert problems.keys() == {"Waist", "Longer", "Other", "Hourglass 2D", "Broken"}
    assert problems["Waist"] == "expected weights with an hourglass around the backbone, got no waist"
    assert problems["Longer"] == "expected weights for MixSTE of 27 frames, got weights for MixSTE of 9 frames"
    assert "MotionBERT of 9 frames, got weights for MixSTE" in problems["Other"]
    assert "no 2D poses 'sh'" in problems["Hourglass 2D"]
    assert "broken.pth is not a PyTorch checkpoint: it starts with b'no weights'" in problems["Broken"]
    text = str(result)
    assert "no weights for: Absent" in text
    assert "not in this package: Foreign" in text
    assert "belong to no row: notes.txt" in text
    assert f"{measured['Plain']['MPJPE']:.1f}" in next(line for line in text.splitlines() if line.startswith("Plain"))
    record = json.loads(result.json())
    assert [row["measured"] is None for row in record["rows"]] == [False, False] + 7 * [True]
    assert record["rows"][0]["measured"]["counting"] == "published"
    assert record["rows"][0]["published"]["MPJPE"] == {"value": 50.04, "sure": "figure"}
    table = [line for line in result.markdown().splitlines() if line.startswith("|")]
    assert len(table) == 2 + 9, "models without published errors have no row"
    assert table[2] == f"| Plain | 9 | cpn | 50.0~ | {measured['Plain']['MPJPE']:.1f} |"
    assert table[-1] == "| Foreign | 9 | - | 50.0~ | - |"


def test_a_checkpoint_takes_the_joints_of_the_data_set_and_a_folder_names_its_own(data, tmp_path, only):
    state = published.filled(published.mixste_shapes(frames=9, dim=16, depth=2))
    model = pg.load(published.write(state, tmp_path / "file.pth"))
    pg.save(model, tmp_path / "folder")
    pg.save(model.with_card(replace(model.card, skeleton=MPI_INF_3DHP_17.name)), tmp_path / "converted")
    only("3dhp", *(row(name, "mixste", 9, name, "gt") for name in ("file", "folder", "converted")))
    result = reproduce("3dhp", data["3dhp"], tmp_path, flip=False)
    file, folder, converted = (outcome.report.total.errors for outcome in result.outcomes)
    how = Protocol("gt", counting="published")
    assert folder == evaluate_recordings(model, data["3dhp"], how).total.errors
    own = Protocol("gt", counting="published", skeleton=MPI_INF_3DHP_17)
    assert file == evaluate_recordings(model, data["3dhp"], own).total.errors
    assert converted == file != folder


def test_unknown_tables_and_data_of_another_set_are_refused(data):
    with pytest.raises(DataError, match="no table is called 'coco'; choose one of h36m, 3dhp"):
        reproduce("coco", data["h36m"])
    with pytest.raises(DataError, match=r"the table 3dhp needs recordings of MPI-INF-3DHP, but .* holds Human3.6M"):
        reproduce("3dhp", data["h36m"])
