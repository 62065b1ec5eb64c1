"""Recipes are read and overridden, or refused with a reason."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from poseglass.errors import RecipeError
from poseglass.training.build import build
from poseglass.training.losses import JOINT_WEIGHTS, TERMS, PoseLoss
from poseglass.training.recipe import Recipe
from poseglass.waist.hourglass import Funnel, Hourglass

FOLDER = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(FOLDER.rglob("*.toml"))


def test_there_are_recipes():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_recipe_parses_and_its_model_is_built(path):
    recipe = Recipe.read(path)
    assert recipe != Recipe()
    with torch.device("meta"):
        model = build(recipe)
    assert (model.frames, model.inputs) == (recipe.model.frames, recipe.model.inputs)
    schedule = model.schedule if isinstance(model, Hourglass | Funnel) else {}
    assert schedule == recipe.waist.keep
    assert isinstance(model, Funnel) == (bool(schedule) and recipe.waist.kind == "funnel")
    PoseLoss(recipe.loss.terms(), joint_weights=recipe.loss.joint_weights)
    assert Recipe().updated(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_file_sets_values_and_the_rest_keep_their_defaults(tmp_path):
    (tmp_path / "x.toml").write_text(
        '[model]\nframes = 27\n\n[waist]\nkeep = {1 = 9}\nprune = "uniform"\n\n[optim]\nlr = 1\nbf16 = true\n'
    )
    recipe = Recipe.read(tmp_path / "x.toml")
    assert (recipe.model.frames, recipe.waist.prune, recipe.optim.lr, recipe.optim.bf16) == (27, "uniform", 1.0, True)
    assert isinstance(recipe.optim.lr, float), "whole numbers become floats where needed"
    assert recipe.model.name == Recipe().model.name, "other settings keep their defaults"
    assert recipe.run == Recipe().run


def test_overrides_set_values_of_every_type():
    recipe = Recipe().override(
        "optim.lr=1e-4", "waist.keep = {3 = 27}", "data.path=clips/all.npz", 'waist.prune="uniform"'
    )
    assert recipe.optim.lr == 1e-4
    assert recipe.waist.keep == {3: 27}
    assert recipe.data.path == "clips/all.npz"
    assert recipe.waist.prune == "uniform"
    assert Recipe().override("optim.bf16=true").optim.bf16 is True
    assert Recipe().override("data.path=a=b.npz").data.path == "a=b.npz"
    assert Recipe().override() == Recipe()


def test_a_table_is_replaced_as_a_whole_or_changed_by_entry():
    recipe = Recipe().override("model.sizes={dim = 32, depth = 3}", "waist.keep={1 = 9}")
    assert recipe.override("model.sizes.dim=64").model.sizes == {"dim": 64, "depth": 3}
    assert recipe.override("model.sizes={heads = 2}").model.sizes == {"heads": 2}
    assert recipe.override("waist.keep={2 = 9, 5 = 3}").waist.keep == {2: 9, 5: 3}
    assert recipe.override("waist.keep={}").waist.keep == {}
    assert recipe.override("loss.joint_weights=[]").loss.joint_weights == ()


def test_the_default_loss_is_that_of_hot_w_mixste():
    terms = {name: weight for name, weight in Recipe().loss.terms().items() if weight}
    assert terms == {"position": 1.0, "smoothness": 0.5, "velocity": 2.0}
    assert Recipe().loss.joint_weights == JOINT_WEIGHTS
    assert [*Recipe().loss.terms()] == [*TERMS], "a recipe can weight every term"


@pytest.mark.parametrize(
    "settings",
    [
        ("optim.name=muon", "optim.amsgrad=true"),
        ("data.batch=6", "data.flip=both", "run.workers=2"),
        ("loss.position=0", "loss.smoothness=0", "loss.velocity=0"),
        ("data.shares={a = 0.6}", "data.shares.b=0.5"),
    ],
)
def test_contradictory_settings_are_refused(settings):
    *before, last = settings
    recipe = Recipe().override(*before)
    with pytest.raises(RecipeError):
        recipe.override(last)


@pytest.mark.parametrize("recipe", ["h36m/hot-mixste", "balanced"])
def test_steps_and_epochs_exclude_each_other(recipe):
    """Neither `steps` nor `epochs` on the command line is ignored because the recipe sets the other."""
    recipe = Recipe.read(FOLDER / f"{recipe}.toml")
    change, other = ("steps", "epochs") if recipe.schedule.epochs else ("epochs", "steps")
    with pytest.raises(RecipeError, match=r"schedule.steps=\d+ and schedule.epochs=\d+ contradict each other: set one"):
        recipe.override(f"schedule.{change}=20")
    changed = recipe.override(f"schedule.{change}=20", f"schedule.{other}=0")
    assert changed.schedule.length(7) == (20 if change == "steps" else 140)
    assert Recipe().schedule.length(7) == 10_000


WAIST, STORE = "waist.keep={1 = 9}", ("data.keypoints=cpn", "model.inputs=2")
STILL = ("loss.position=0", "loss.smoothness=0")


@pytest.mark.parametrize(
    ("settings", "ignored"),
    [
        ((), "waist.kind=funnel"),
        ((), "waist.prune=uniform"),
        ((), "waist.recover=nearest"),
        ((WAIST, "waist.kind=funnel"), "waist.recover=nearest"),
        (STORE, "data.clean=0.5"),
        (STORE, "data.shares={a = 0.5}"),
        ((), "data.stride=9"),
        (("loss.smoothness=0",), "loss.joint_weights=[1, 2]"),
        (("optim.weight_decay=0",), "optim.decays=all"),
        (("optim.name=muon",), "optim.amsgrad=true"),
        ((), "schedule.every_factor=0.5"),
        (("schedule.every=1",), "schedule.factor=0.5"),
    ],
)
def test_settings_without_effect_are_refused(settings, ignored):
    before = Recipe().override(*settings)
    before = before.override("loss.position=0") if "joint_weights" in ignored else before
    name = ignored.partition("=")[0]
    with pytest.raises(RecipeError, match=rf"{name}=.* has no effect .*: leave it at"):
        before.override(ignored)


def test_models_for_motion_clips_have_three_inputs():
    with pytest.raises(RecipeError, match=r"motion clips have scores, so model.inputs must be 3"):
        Recipe().override("model.inputs=2")


def test_settings_of_earlier_versions_are_explained():
    with pytest.raises(RecipeError, match=r"no setting data.rehab_share; instead of rehab_share = 0.28 write shares"):
        Recipe().override("data.rehab_share=0.28")


def test_overriding_leaves_the_original_unchanged():
    recipe = Recipe()
    recipe.override("optim.lr=5.0")
    assert recipe.optim.lr == Recipe().optim.lr


def test_a_recipe_survives_a_round_trip():
    recipe = Recipe().override("optim.lr=1e-4", "waist.keep={1 = 27}", "model.init=published")
    assert Recipe().updated(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("optim.lr", "section.name=value"),
        ("lr=1", "section.name=value"),
        ("optim.rate=1", r"no setting optim.rate; there are name, lr"),
        ("optimiser.lr=1", r"no setting optimiser; there are model, waist, data, loss, optim, schedule, run"),
        ("optim.lr=fast", "optim.lr must be a number, got 'fast'"),
        ("schedule.steps=1.5", "schedule.steps must be a whole number, got 1.5"),
        ("schedule.steps=true", "schedule.steps must be a whole number, got True"),
        ("optim.lr=true", "optim.lr must be a number, got True"),
        ("optim.bf16=1", "optim.bf16 must be true or false, got 1"),
        ("waist.prune=3", "waist.prune must be a text, got 3"),
        ("optim.name=sgd", r"optim.name must be one of adamw, adam, muon, got 'sgd'"),
        ("model.init=random", "must be one of published, sinusoidal"),
        ("model.sizes=3", "model.sizes must be a table of numbers"),
        ("model.sizes.dim=wide", "model.sizes must be a table of numbers"),
        ("model.sizes.dim.more=1", "section.name=value"),
        ("waist.keep=27", "waist.keep must be a table of numbers"),
        ("waist.keep={3 = 2.5}", "waist.keep must be a table of whole numbers"),
        ("waist.keep={first = 9}", "waist.keep must be a table of whole numbers by whole numbers"),
        ("loss.joint_weights=3", "loss.joint_weights must be a list of numbers"),
        ("loss.joint_weights=[1, 'a']", "loss.joint_weights must be a list of numbers"),
        ("loss.frames=centre", "loss.smoothness, loss.velocity must be 0 if loss.frames is centre"),
        ("optim.clip=-1", "optim.clip must not be negative"),
        ("schedule.factor=0", "schedule.factor"),
        ("schedule.epochs=-1", "must not be negative"),
        ("data.flip=none", "data.flip=none is for recordings"),
        ("data.variety={arms = 1.5}", "data.variety must be from 0 to 1 each"),
        ("data.variety={feet = 0.5}", "of arms, legs, still, crouching, tilted, lying"),
        ("data.layouts={coco17 = 0.5}", "data.layouts must be from 0 to 1 each, and add up to 1"),
        ("data.layouts={coco = 1.0}", "data.layouts must be of h36m17, coco17, halpe26, body25, blazepose33"),
        ("data.detector=real", "data.detector must be one of mild, measured"),
    ],
)
def test_wrong_overrides_are_refused(setting, says):
    with pytest.raises(RecipeError, match=says):
        Recipe().override(setting)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[model", "is not TOML"),
        ("[loss]\nframes = 'centre'\nnewest_position = 1.0", "loss.newest_position must be 0 if loss.frames is centre"),
        ("model = 3", "model is a section"),
        ("[model]\nlayers = 8", r"no setting model.layers; there are name, frames, inputs, sizes"),
        ("[[model]]\nframes = 9", "model is a section"),
        ("frames = 27", "no setting frames; there are model"),
    ],
)
def test_wrong_files_are_refused(tmp_path, text, says):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(RecipeError, match=says):
        Recipe.read(tmp_path / "x.toml")


def test_missing_and_unreadable_files_are_refused(tmp_path):
    with pytest.raises(RecipeError, match="there is no recipe"):
        Recipe.read(tmp_path / "x.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match=r"binary.toml"):
        Recipe.read(tmp_path / "binary.toml")
    with pytest.raises(RecipeError, match=str(tmp_path)):
        Recipe.read(tmp_path)


def test_every_setting_has_a_default_of_its_own_type():
    for section in fields(Recipe()):
        assert Recipe().updated({section.name: Recipe().to_dict()[section.name]}) == Recipe()
