"""Building models from recipes: any backbone, any waist, the same weights for the same seed."""

import pytest
import torch
import training_runs
from training_runs import OwnBackbone

from poseglass.errors import ModelError
from poseglass.models import MixSTE
from poseglass.training.build import build
from poseglass.training.recipe import Recipe

data, recipe = training_runs.data, training_runs.recipe  # fixtures

TINY = ("model.frames=9", "waist.keep={1 = 3}")


def test_the_same_seed_gives_the_same_weights(recipe):
    first, second = build(recipe), build(recipe)
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
    other = build(recipe.override("run.seed=2"))
    assert not torch.equal(first.state_dict()["backbone.project.weight"], other.backbone.project.weight)


def test_the_random_numbers_of_the_caller_are_unchanged(recipe):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    build(recipe)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(4)
    other = build(recipe).state_dict()
    assert all(torch.equal(value, other[name]) for name, value in build(recipe).state_dict().items())


def test_a_model_is_built_with_or_without_a_waist(recipe):
    assert isinstance(build(recipe.override("waist.keep={}")), MixSTE)
    model = build(recipe.override("waist.prune=uniform", "waist.recover=interpolate"))
    assert type(model.pruner).__name__ == "Uniform"
    assert type(model.recoverer).__name__ == "Interpolate"


def test_initial_weights_are_published_or_sinusoidal(recipe):
    published = build(recipe.override("model.init=published"))
    assert not published.backbone.time_embedding.any()
    assert not published.recoverer.queries.any()
    ours = build(recipe)
    assert ours.backbone.time_embedding.any()
    assert torch.equal(ours.recoverer.queries, ours.backbone.time_embedding)
    assert torch.equal(ours.recoverer.attention.key.weight, ours.recoverer.attention.query.weight)


@pytest.mark.parametrize("kind", ["hourglass", "funnel"])
@pytest.mark.parametrize("name", ["mixste-tiny", "motionbert-tiny", "mhformer-tiny", "motionagformer-tiny"])
def test_any_model_with_any_waist(name, kind):
    recipe = Recipe().override(f"model.name={name}", f"waist.kind={kind}", *TINY, "waist.prune=uniform")
    model = build(recipe)
    poses = model(torch.zeros(2, 9, 17, 3))
    assert poses.shape == (2, 9 if kind == "hourglass" else 3, 17, 3)
    assert type(model.pruner).__name__ == "Uniform"


def test_a_pyramid_sets_the_length_of_each_layer():
    recipe = Recipe().override("model.name=motionagformer-tiny", "model.frames=9", "waist.keep={1 = 5, 2 = 3}")
    assert build(recipe).backbone.lengths == (9, 5, 3)


def test_sizes_replace_those_of_the_named_size():
    recipe = Recipe().override("model.name=motionbert-tiny", "model.sizes={depth = 2, rep = 16}", "model.frames=9")
    model = build(recipe)
    assert (model.depth, model.dim, model.config["rep"]) == (2, 32, 16)


def test_another_depth_has_its_own_layer_lengths():
    recipe = Recipe().override("model.name=motionagformer-tiny", "model.sizes={depth = 4}", *TINY)
    assert build(recipe).backbone.lengths == (9, 3, 3, 3)


def test_a_custom_class_is_built():
    recipe = Recipe().override("model.frames=9", "model.sizes={dim = 16}", "waist.keep={1 = 3}")
    model = build(recipe, OwnBackbone)
    assert isinstance(model.backbone, OwnBackbone)
    assert (model.backbone.dim, model.schedule) == (16, {1: 3})


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("model.name=posenet", "no model is called 'posenet'"),
        ("model.sizes={width = 3}", "has no size width; choose from dim, depth"),
        ("model.sizes={frames = 3}", "has no size frames"),
        ("model.sizes={heads = 5}", "5 heads do not divide"),
        ("waist.prune=best", "no pruner is called 'best'"),
        ("waist.recover=best", "no recoverer is called 'best'"),
        ("waist.keep={1 = 10}", "can keep 1 to 9 frames"),
        ("waist.keep={2 = 5, 1 = 3}", "must increase"),
    ],
)
def test_models_that_cannot_be_built_are_refused(setting, says):
    with pytest.raises(ModelError, match=says):
        build(Recipe().override(*TINY, setting))
