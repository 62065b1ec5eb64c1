"""Recipes: read, overridden, refused."""

from dataclasses import fields
from pathlib import Path

import pytest

from poseglass.errors import RecipeError
from poseglass.training.recipe import Recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


def test_there_are_recipes():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_recipe_parses(path):
    recipe = Recipe.read(path)
    assert recipe != Recipe()
    assert recipe.model.frames >= 9
    assert 0 <= recipe.model.keep <= recipe.model.frames


def test_reading(tmp_path):
    (tmp_path / "x.toml").write_text('[model]\nframes = 27\nprune = "uniform"\n\n[optim]\nlr = 1\nbf16 = true\n')
    recipe = Recipe.read(tmp_path / "x.toml")
    assert (recipe.model.frames, recipe.model.prune, recipe.optim.lr, recipe.optim.bf16) == (27, "uniform", 1.0, True)
    assert isinstance(recipe.optim.lr, float), "a whole number where a float belongs becomes one"
    assert recipe.model.dim == Recipe().model.dim, "the rest keeps its default"
    assert recipe.run == Recipe().run


def test_overriding():
    recipe = Recipe().override("optim.lr=1e-4", "model.keep = 27", "data.path=clips/all.npz", 'model.prune="uniform"')
    assert recipe.optim.lr == 1e-4
    assert recipe.model.keep == 27
    assert recipe.data.path == "clips/all.npz"
    assert recipe.model.prune == "uniform"
    assert Recipe().override("optim.bf16=true").optim.bf16 is True
    assert Recipe().override("data.path=a=b.npz").data.path == "a=b.npz"
    assert Recipe().override() == Recipe()


def test_the_original_stays():
    recipe = Recipe()
    recipe.override("optim.lr=5.0")
    assert recipe.optim.lr == Recipe().optim.lr


def test_round_trip():
    recipe = Recipe().override("optim.lr=1e-4", "model.keep=27", "model.init=published")
    assert Recipe().updated(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("optim.lr", "section.name=value"),
        ("lr=1", "section.name=value"),
        ("optim.rate=1", r"no setting optim.rate; there are name, lr"),
        ("optimiser.lr=1", r"no setting optimiser; there are model, data, optim, run"),
        ("optim.lr=fast", "optim.lr must be float, got 'fast'"),
        ("optim.steps=1.5", "optim.steps must be int, got 1.5"),
        ("optim.steps=true", "optim.steps must be int, got True"),
        ("optim.lr=true", "optim.lr must be float, got True"),
        ("optim.bf16=1", "optim.bf16 must be bool, got 1"),
        ("model.prune=3", "model.prune must be str, got 3"),
        ("optim.name=sgd", r"optim.name must be one of adamw, muon, got 'sgd'"),
        ("model.init=random", "must be one of published, sinusoidal"),
    ],
)
def test_overrides_that_make_no_sense(setting, says):
    with pytest.raises(RecipeError, match=says):
        Recipe().override(setting)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[model", "is not TOML"),
        ("model = 3", "model is a section"),
        ("[model]\nlayers = 8", r"no setting model.layers; there are frames, dim, depth"),
        ("[[model]]\nframes = 9", "model is a section"),
        ("frames = 27", "no setting frames; there are model"),
    ],
)
def test_files_that_make_no_sense(tmp_path, text, says):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(RecipeError, match=says):
        Recipe.read(tmp_path / "x.toml")


def test_files_that_are_none(tmp_path):
    with pytest.raises(RecipeError, match="there is no recipe"):
        Recipe.read(tmp_path / "x.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match=r"binary.toml"):
        Recipe.read(tmp_path / "binary.toml")
    with pytest.raises(RecipeError, match=str(tmp_path)):
        Recipe.read(tmp_path)


def test_every_setting_has_a_default_of_its_type():
    for section in fields(Recipe()):
        assert Recipe().updated({section.name: Recipe().to_dict()[section.name]}) == Recipe()
