"""The recipe's settings for motion clips: how they reach the sampler, and which are refused."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from oracle import bodies
from poseglass import H36M_17
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual.detector import DetectorNoise
from poseglass.data.virtual.limbs import Variety
from poseglass.data.virtual.measured_detector import MeasuredNoise
from poseglass.errors import RecipeError
from poseglass.training.motion_batches import MotionBatches
from poseglass.training.recipe import Recipe

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(scope="module")
def clips() -> MotionClips:
    takes = tuple(
        MotionClip(name, bodies.motion(150, H36M_17.joints, seed).astype(np.float32), name, split)
        for seed, (name, split) in enumerate([("anna", "train"), ("ben", "train"), ("carl", "val")])
    )
    return MotionClips(takes, fps=60.0)


def batches(clips: MotionClips, *settings: str) -> MotionBatches:
    return MotionBatches(clips, Recipe().override("model.frames=9", "model.inputs=3", "data.batch=8", *settings))


def test_validation_batches_are_the_same_for_every_run(clips):
    first = batches(clips, "run.seed=1", "run.validation_clips=6").validation()
    second = batches(clips, "run.seed=2", "run.validation_clips=6").validation()
    assert [*first] == ["clean", "detected"]
    for name, sample in first.items():
        assert sample.pose2d.shape == (3, 9, 17, 3)
        assert_array_equal(sample.pose2d, second[name].pose2d)
    assert (first["clean"].pose2d[..., 2] == 1).all()
    assert (first["detected"].pose2d[..., 2] < 1).any()


def test_settings_reach_the_sampler(clips):
    plain = batches(clips).sampler
    assert plain.noise == DetectorNoise()
    assert plain.variety == Variety()
    new = batches(
        clips, "data.detector=measured", "data.variety={arms = 0.2}", "data.layouts={coco17 = 1}", "data.clean=0.5"
    ).sampler
    assert new.noise == MeasuredNoise()
    assert new.variety == Variety(arms=0.2)
    assert new.layouts == {"coco17": 1}
    assert new.clean == 0.5


def test_the_recipe_of_version_2_uses_the_measured_detector(clips):
    recipe = Recipe.read(RECIPES / "balanced-elastic.toml")
    sampler = MotionBatches(clips, recipe).sampler
    assert sampler.noise == MeasuredNoise()
    assert sampler.variety == Variety(arms=0.25, legs=0.1, still=0.03, crouching=0.04, tilted=0.05, lying=0.08)
    assert sampler.layouts["blazepose33"] == 0.3
    assert sampler.frames == 81


def test_recordings_refuse_settings_for_motion_clips():
    with pytest.raises(RecipeError, match=r"data\.detector=measured has no effect on recordings"):
        Recipe().override("data.keypoints=cpn", "data.detector=measured")
