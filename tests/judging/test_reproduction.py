"""The papers' tables: what is in them, which weights are whose, and that rows are measured as the protocol says."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import poseglass as pg
from oracle import published
from poseglass.body.skeleton import MPI_INF_3DHP_17
from poseglass.data.h36m.prepare import prepare_h36m
from poseglass.data.threedhp.prepare import prepare_3dhp
from poseglass.data.virtual.trees import generate
from poseglass.errors import DataError
from poseglass.judging import reproduction
from poseglass.judging.on_recordings import Protocol, evaluate_recordings
from poseglass.judging.reproduction import TABLES, Row, Table, find_weights, reproduce

RECIPES = Path(__file__).parents[2] / "recipes"
ROWS = [pytest.param(table, row, id=f"{table}-{row.name}") for table in TABLES for row in TABLES[table].rows]


@pytest.mark.parametrize(("table", "row"), [each for each in ROWS if each.values[1].recipe])
def test_rows_are_their_recipes(table, row):
    recipe = tomllib.loads((RECIPES / table / f"{row.recipe}.toml").read_text())
    waist = recipe.get("waist", {})
    assert row.frames == recipe["model"]["frames"]
    assert row.keypoints == recipe["data"]["keypoints"]
    assert row.waist == (waist.get("kind", "hourglass") if waist else "none")
    if row.waist == "funnel":
        assert waist["keep"] == {str(row.at): row.keep}
    model = pg.create_model(recipe["model"]["name"], frames=9)
    assert type(model).__name__ == row.backbone


def test_every_recipe_has_its_row_but_the_one_that_was_not_published():
    for table in TABLES:
        recipes = {path.stem for path in (RECIPES / table).glob("*.toml")}
        assert recipes - {row.recipe for row in TABLES[table].rows} == (
            {"hot-motionagformer"} if table == "h36m" else set()
        )


def test_figures_are_what_was_published():
    """Copied once more from the papers' tables, by hand: name, P1 and how sure it is."""
    h36m = {row.name: row.figures["MPJPE"] for row in TABLES["h36m"].rows}
    assert [(name, figure.value) for name, figure in h36m.items() if figure.sure == "second-hand"] == [
        ("TPC w. MHFormer", 43.0), ("H2OT w. MixSTE", 40.4),
    ]  # fmt: skip
    assert [(name, figure.value) for name, figure in h36m.items() if figure.sure == "figure"] == [
        ("TPC w. MixSTE", 39.9), ("HoT w. MixSTE", 41.0), ("MotionBERT, 256 channels", 39.8),
        ("TPC w. MotionBERT", 39.0), ("HoT w. MotionBERT", 39.8),
    ]  # fmt: skip
    assert (h36m["MixSTE"].value, h36m["MotionAGFormer-B"].value, h36m["TCPFormer"].value) == (40.9, 38.4, 37.9)
    for row in TABLES["3dhp"].rows:
        mpjpe, pck, auc = (row.figures[metric].value for metric in ("MPJPE", "PCK", "AUC"))
        assert mpjpe < auc < pck < 100 or row.frames < 81, row.name
        assert {figure.sure for figure in row.figures.values()} == (
            {"second-hand"} if "w." in row.name else {"published"}
        )
    assert {m: f.value for m, f in TABLES["3dhp"].rows[0].figures.items()} == {"MPJPE": 58.0, "PCK": 93.8, "AUC": 63.3}


def test_whose_weights(tmp_path):
    for name in ("hot-mixste", "H36M-MixSTE", "runs"):
        (tmp_path / name).mkdir()
    (tmp_path / "runs" / "best").mkdir()
    (tmp_path / "mhformer" / "best").mkdir(parents=True)
    (tmp_path / "mhformer" / "best" / "weights.safetensors").write_text("")
    for name in ("TPC w. MixSTE.pth", "motionagformer_b.bin", "P-STMO.pth", "readme.txt"):
        (tmp_path / name).write_text("")
    found, unused = find_weights("h36m", tmp_path)
    assert {row: str(path.relative_to(tmp_path)) for row, path in found.items()} == {
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
    with pytest.raises(DataError, match="there is no folder of weights"):
        find_weights("h36m", tmp_path / "nowhere")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Made-up data sets, prepared."""
    folder = tmp_path_factory.mktemp("data")
    generate("h36m", folder / "h36m-made", frames=20, subjects=["S9"])
    generate("3dhp", folder / "3dhp-made", frames=20, subjects=["TS1"])
    return {
        "h36m": prepare_h36m(folder / "h36m-made", folder / "h36m").recordings.split(actions=["Eating", "Walking"]),
        "3dhp": prepare_3dhp(folder / "3dhp-made", folder / "3dhp").recordings,
    }


def rows(monkeypatch, table, *wanted):
    monkeypatch.setitem(reproduction.TABLES, table, Table(TABLES[table].dataset, TABLES[table].metrics, wanted))


def test_rows_are_measured_as_published(data, tmp_path, monkeypatch):
    figures = TABLES["h36m"].rows[0].figures
    tiny = ("mixste-tiny", 9)
    rows(
        monkeypatch, "h36m",
        Row("Plain", 9, figures, "plain", "MixSTE", "cpn"),
        Row("Funnel", 9, figures, "funnel", "MixSTE", "cpn", "funnel", keep=3, at=1),
        Row("Waist", 9, figures, "waist", "MixSTE", "cpn", "hourglass"),
        Row("Longer", 27, figures, "longer", "MixSTE", "cpn"),
        Row("Hourglass 2D", 9, figures, "sh", "MixSTE", "sh"),
        Row("Broken", 9, figures, "broken", "MixSTE", "cpn"),
        Row("Absent", 9, figures, "absent", "MixSTE", "cpn"),
        Row("Foreign", 9, figures),
    )  # fmt: skip
    torch.manual_seed(0)
    model = pg.create_model(tiny[0], frames=tiny[1], card=pg.Card(coordinates="screen"))
    for name in ("plain", "funnel", "waist", "longer", "sh"):
        pg.save(model, tmp_path / name)
    (tmp_path / "broken.pth").write_text("no weights")
    (tmp_path / "notes.txt").write_text("")
    done = reproduce("h36m", data["h36m"], tmp_path)
    measured = {o.row.name: o.report.total.errors for o in done.outcomes if o.report is not None}

    def alone(model):
        how = Protocol("cpn", counting="published", flip=True)
        return evaluate_recordings(model, data["h36m"], how).total.errors

    assert measured == {"Plain": alone(model), "Funnel": alone(pg.funnel(model, keep=3, at=1))}
    problems = {o.row.name: o.problem for o in done.outcomes if o.problem}
    assert problems.keys() == {"Waist", "Longer", "Hourglass 2D", "Broken"}
    assert problems["Waist"] == "around its backbone it has an hourglass, and the weights have no waist"
    assert problems["Longer"] == "it is a MixSTE of 27 frames, and the weights are of a MixSTE of 9"
    assert "no 2D poses 'sh'" in problems["Hourglass 2D"]
    assert "broken.pth cannot be read" in problems["Broken"]
    text = str(done)
    assert "no weights of: Absent" in text
    assert "not in this package: Foreign" in text
    assert "of no row: notes.txt" in text
    assert f"{measured['Plain']['MPJPE']:.1f}" in next(line for line in text.splitlines() if line.startswith("Plain"))
    record = json.loads(done.json())
    assert [row["measured"] is None for row in record["rows"]] == [False, False] + 6 * [True]
    assert record["rows"][0]["measured"]["counting"] == "published"
    assert done.markdown().count("\n| ") == 2 + len(done.outcomes) - 1 + 1


def test_a_published_checkpoint_has_the_data_sets_joints_and_a_folder_says_it(data, tmp_path, monkeypatch):
    figures = TABLES["3dhp"].rows[0].figures
    state = published.filled(published.mixste_shapes(frames=9, dim=16, depth=2))
    model = pg.load(published.write(state, tmp_path / "file.pth"))
    pg.save(model, tmp_path / "folder")
    pg.save(model.with_card(replace(model.card, skeleton=MPI_INF_3DHP_17.name)), tmp_path / "converted")
    rows(
        monkeypatch, "3dhp",
        Row("File", 9, figures, "file", "MixSTE", "gt"), Row("Folder", 9, figures, "folder", "MixSTE", "gt"),
        Row("Converted", 9, figures, "converted", "MixSTE", "gt"),
    )  # fmt: skip
    done = reproduce("3dhp", data["3dhp"], tmp_path, flip=False)
    file, folder, converted = (outcome.report.total.errors for outcome in done.outcomes)
    how = Protocol("gt", counting="published")
    assert folder == evaluate_recordings(model, data["3dhp"], how).total.errors
    own = Protocol("gt", counting="published", skeleton=MPI_INF_3DHP_17)
    assert file == evaluate_recordings(model, data["3dhp"], own).total.errors
    assert converted == file != folder


def test_what_cannot_be_compared(data):
    with pytest.raises(DataError, match="no table 'coco'; there are h36m, 3dhp"):
        reproduce("coco", data["h36m"])
    with pytest.raises(DataError, match=r"the table 3dhp is of MPI-INF-3DHP, and .* holds Human3.6M"):
        reproduce("3dhp", data["h36m"])
