"""The published figures: copied again by hand, counted again, and compared with recipes and docs."""

import re
import tomllib
from pathlib import Path

import pytest

import poseglass as pg
from poseglass.cost.counts import count_table
from poseglass.cost.papers import TABLES, Counts, PublishedModel, Setup
from poseglass.errors import ModelError
from poseglass.waist.hourglass import Funnel, Hourglass

ROOT = Path(__file__).parents[2]
MODELS = [pytest.param(table, model, id=f"{table}-{model.name}") for table in TABLES for model in TABLES[table].models]
WITH_RECIPE = [each for each in MODELS if each.values[1].setup and each.values[1].setup.recipe]
COUNTED = [model for model in TABLES["h36m"].models if model.counts]
# Copied from the papers by hand, independently of the package: frames, P1 in mm, and the source where it is not a
# published table.
P1 = {
    "MHFormer": (351, 43.0),
    "TPC w. MHFormer": (351, 43.0, "second-hand"),
    "MixSTE": (243, 40.9),
    "TPC w. MixSTE": (243, 39.9, "figure"),
    "HoT w. MixSTE": (243, 41.0, "figure"),
    "H2OT w. MixSTE": (243, 40.4, "second-hand"),
    "MotionBERT, 256 channels": (243, 39.8, "figure"),
    "TPC w. MotionBERT": (243, 39.0, "figure"),
    "HoT w. MotionBERT": (243, 39.8, "figure"),
    "MotionAGFormer-B": (243, 38.4),
    "H2OT w. MotionAGFormer": (243, 38.5),
    "PoseFormerV2": (243, 45.2),
    "P-STMO": (243, 42.8),
    "StridedTransformer": (351, 43.7),
    "STCFormer": (243, 41.0),
    "KTPFormer": (243, 40.1),
    "PoseMamba-S": (243, 41.8),
    "PoseMamba-B": (243, 40.8),
    "PoseMamba-L": (243, 38.1),
    "TCPFormer": (243, 37.9),
}
# Frames, PCK, AUC, MPJPE on MPI-INF-3DHP.
THREEDHP = {
    "MHFormer": (9, 93.8, 63.3, 58.0),
    "TPC w. MHFormer": (9, 94.0, 63.3, 58.4),
    "MixSTE": (27, 94.4, 66.5, 54.9),
    "HoT w. MixSTE": (27, 94.8, 66.5, 53.2),
    "MotionAGFormer-L": (81, 98.2, 85.3, 16.2),
    "PoseFormerV2": (81, 97.9, 78.8, 27.8),
    "STCFormer": (81, 98.7, 83.9, 23.1),
    "TCPFormer": (81, 99.0, 87.7, 15.0),
}
# Parameters in millions, GFLOPs of layers, GFLOPs of every product; frames kept and the layer.
COUNTS = {
    "MHFormer": (31.52, 14.15, 16.44),
    "TPC w. MHFormer": (31.52, 8.22, 9.16, 117, 1),
    "MixSTE": (33.78, 277.25, 294.85),
    "TPC w. MixSTE": (33.78, 251.28, 266.85, 61, 7),
    "HoT w. MixSTE": (35.00, 167.51, 176.18, 81, 3),
    "MotionBERT, 256 channels": (16.00, 131.09, 142.09),
    "HoT w. MotionBERT": (16.35, 63.21, 66.86, 81, 1),
    "MotionAGFormer, 16 layers": (11.72, 95.92, 128.92),
    "HoT w. MotionAGFormer": (11.83, 60.52, 76.66, 81, 7),
}


def test_errors_on_human36m_match_the_papers():
    assert {
        model.name: (model.frames, figure.value, *([] if figure.source == "published" else [figure.source]))
        for model in TABLES["h36m"].models
        for figure in model.errors.values()
    } == P1


def test_errors_on_3dhp_match_the_papers():
    assert {
        model.name: (model.frames, *(model.errors[metric].value for metric in ("PCK", "AUC", "MPJPE")))
        for model in TABLES["3dhp"].models
    } == THREEDHP
    for model in TABLES["3dhp"].models:
        sources = {figure.source for figure in model.errors.values()}
        assert sources == ({"second-hand"} if "w." in model.name else {"published"})


def test_parameters_and_flops_match_the_papers():
    assert {
        model.name: (
            model.counts.parameters, model.counts.paper, model.counts.full,
            *([model.setup.keep, model.setup.at] if model.setup.keep else []),
        )
        for model in COUNTED
    } == COUNTS  # fmt: skip


@pytest.fixture(scope="module")
def printed() -> str:
    """The output of ``poseglass bench --paper``."""
    return count_table()


def test_our_counts_reproduce_the_published_ones(printed):
    _, _, *rows = printed.splitlines()
    assert len(rows) == len(COUNTED)
    for row, model in zip(rows, COUNTED, strict=True):
        name, parameters, published, paper, published_paper, full, published_full, executed, _ = row[2:-2].split(" | ")
        detail = f"{model.setup.keep} at {model.setup.at}" if model.setup.keep else model.frames
        assert name == f"{model.name} ({detail})"
        assert parameters == published == f"{model.counts.parameters:.2f}"
        assert paper == published_paper == f"{model.counts.paper:.2f}"
        assert full == published_full == f"{model.counts.full:.2f}"
        assert float(executed) <= float(full)


@pytest.mark.parametrize("model", COUNTED, ids=lambda model: model.name)
def test_models_are_built_with_their_waists(model):
    built = model.build()
    kind = {"none": pg.PoseTransformer, "funnel": Funnel, "hourglass": Hourglass}[model.setup.waist]
    assert isinstance(built, kind)
    assert built.frames == model.frames
    assert all(parameter.is_meta for parameter in built.parameters())


@pytest.mark.parametrize(("table", "model"), WITH_RECIPE)
def test_setups_match_the_recipes(table, model):
    recipe = tomllib.loads((ROOT / "recipes" / table / f"{model.setup.recipe}.toml").read_text())
    waist = recipe.get("waist", {})
    assert model.frames == recipe["model"]["frames"]
    assert model.setup.size == recipe["model"]["name"]
    assert model.setup.keypoints == recipe["data"]["keypoints"]
    assert model.setup.waist == (waist.get("kind", "hourglass") if waist else "none")
    if model.setup.keep is not None:
        assert waist["keep"] == {str(model.setup.at): model.setup.keep}


@pytest.mark.parametrize(("table", "model"), WITH_RECIPE)
def test_comments_of_recipes_quote_the_table(table, model):
    text = (ROOT / "recipes" / table / f"{model.setup.recipe}.toml").read_text()
    comment = " ".join(line for line in text.splitlines() if line.startswith("#"))
    for metric, figure in model.errors.items():
        pattern = r"([\d.]+) mm" if metric == "MPJPE" else rf"{metric} (\d[\d.]*\d)"
        assert [float(value) for value in re.findall(pattern, comment)] == [figure.value], metric
    if model.counts is not None:
        assert [float(value) for value in re.findall(r"([\d.]+) G\b", comment)] == [model.counts.paper]


def test_every_recipe_has_a_model_in_the_table():
    for table in TABLES:
        recipes = {path.stem for path in (ROOT / "recipes" / table).glob("*.toml")}
        assert recipes == {model.setup.recipe for model in TABLES[table].models if model.setup and model.setup.recipe}


def test_docs_hourglass_shows_the_count_table(printed):
    page = (ROOT / "docs" / "hourglass.md").read_text().splitlines()
    head, rule, *rows = printed.splitlines()
    start = page.index(head)
    assert page[start + 1] == rule
    assert sorted(page[start + 2 : start + 2 + len(rows)]) == sorted(rows)


def test_the_count_table_lists_counted_models_with_their_savings():
    counts = Counts(1, 2, 3)
    models = [
        PublishedModel("Foreign", 27, counts=counts),
        PublishedModel("Not counted", 27, Setup("mixste-tiny", "gt")),
        PublishedModel("Tiny", 27, Setup("mixste-tiny", "gt"), counts),
        PublishedModel("Narrow", 27, Setup("mixste-tiny", "gt", "", "hourglass", 9, 1), counts),
        PublishedModel("Alone", 27, Setup("motionbert-tiny", "gt", "", "funnel", 9, 1), counts),
    ]
    _, _, whole, waist, alone = count_table(models).splitlines()
    assert whole.startswith("| Tiny (27) | 0.05 | 1.00 | 0.05 | 2.00 | 0.05 | 3.00 | 0.05 |")
    assert waist.startswith("| Narrow (9 at 1) |")
    assert waist.endswith("| 38.8% |")
    assert alone.endswith("|  |"), "no backbone to compare with"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (PublishedModel("Foreign", 243), "this package lacks the architecture of Foreign"),
        (PublishedModel("Unknown", 243, Setup("nothing", "gt")), "'nothing'"),
        (
            PublishedModel("Secret", 27, Setup("mixste-tiny", "gt", waist="funnel")),
            "the number of frames that Secret keeps was",
        ),
        (
            PublishedModel("Late", 27, Setup("mixste-tiny", "gt", "", "hourglass", 9, 3)),
            "before its layers 1 to 2, not 3",
        ),
    ],
)
def test_models_that_cannot_be_built_are_refused(model, words):
    with pytest.raises(ModelError, match=words):
        model.build()
