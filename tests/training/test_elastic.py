"""Elastic training: the drawn numbers of frames, and runs that draw them."""

import json
import math
from collections import Counter

import numpy as np
import pytest
import torch
import training_runs
from training_runs import assert_same_run, contents, rows, train_and_die

import poseglass as pg
from poseglass.errors import ModelError, RecipeError, TrainingError
from poseglass.training.batches import batches
from poseglass.training.build import build
from poseglass.training.elastic import at_ends, drawn_keep, for_step
from poseglass.training.loop import train
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState

data, recipe = training_runs.data, training_runs.recipe  # fixtures

torch.set_num_threads(1)

RANGE = Recipe().override("waist.keep={1 = 27}", "waist.elastic=[0.1, 1.0]")


@pytest.fixture
def elastic(recipe: Recipe) -> Recipe:
    """A short run on clips of 9 frames, keeping 2 to 9 of them."""
    return recipe.override("waist.elastic=[0.2, 1.0]")


class TestDraw:
    def test_shares_are_log_uniform(self):
        """Each number of frames comes up as often as the logarithm of its interval of shares says."""
        steps = 20_000
        counts = Counter(drawn_keep(RANGE, step) for step in range(steps))
        assert {*counts} == {*range(8, 82)}

        def below(frames: float) -> float:
            """The probability of a share of at most `frames` of 81."""
            return min(max(math.log10(frames / 81) + 1, 0), 1)

        for keep in range(8, 82):
            chance = below(keep + 0.5) - below(keep - 0.5)
            spread = math.sqrt(steps * chance * (1 - chance))
            assert abs(counts[keep] - steps * chance) < 4.5 * spread, keep
        mean = sum(keep * number for keep, number in counts.items()) / steps / 81
        assert mean == pytest.approx(0.9 / math.log(10), abs=0.01)

    def test_steps_are_independent(self):
        keeps = np.log([drawn_keep(RANGE, step) for step in range(4000)])
        assert abs(np.corrcoef(keeps[:-1], keeps[1:])[0, 1]) < 0.05

    def test_it_depends_on_the_seed_and_the_step_alone(self):
        first = [drawn_keep(RANGE, step) for step in range(50)]
        np.random.default_rng(0).random()
        torch.rand(1)
        assert [drawn_keep(RANGE, step) for step in range(50)] == first
        assert [drawn_keep(RANGE.override("run.workers=4"), step) for step in range(50)] == first
        assert [drawn_keep(RANGE.override("run.seed=7"), step) for step in range(50)] != first

    def test_the_model_of_a_step_shares_the_weights(self):
        model = pg.hourglass("mixste-tiny", frames=81, keep=27, at=1).train()
        twin = for_step(model, RANGE, 3)
        assert twin.schedule == {1: drawn_keep(RANGE, 3)}
        assert twin.training
        assert all(a is b for a, b in zip(model.parameters(), twin.parameters(), strict=True))
        assert for_step(model, RANGE.override("waist.elastic=[]"), 3) is model

    def test_the_stages_of_a_pyramid_keep_their_proportion(self):
        recipe = RANGE.override("waist.keep={1 = 40, 2 = 20}")
        model = pg.hourglass("mixste-tiny", frames=81, keep={1: 40, 2: 20})
        for step in range(20):
            first, second = for_step(model, recipe, step).schedule.values()
            assert first == drawn_keep(recipe, step)
            assert abs(second - first / 2) <= 0.5

    def test_the_ends_of_the_range_are_judged(self):
        model = pg.hourglass("mixste-tiny", frames=81, keep=27, at=1)
        assert {keep: twin.schedule for keep, twin in at_ends(model, RANGE).items()} == {8: {1: 8}, 81: {1: 81}}
        assert [*at_ends(model, RANGE.override("waist.keep={1 = 8}"))] == [81], "not twice the same"
        assert at_ends(model, RANGE.override("waist.elastic=[]")) == {}


class TestRecipe:
    @pytest.mark.parametrize("value", ["[0.1]", "[1.0, 0.1]", "[0.0, 1.0]", "[0.1, 1.1]", "[0.5, 0.5]", "[nan, 1.0]",
                                       "[0.1, 0.2, 0.3]", "[0.1, inf]"])  # fmt: skip
    def test_anything_but_two_increasing_shares_is_refused(self, value):
        with pytest.raises(RecipeError, match=r"waist.elastic must be two shares above 0 and at most 1, the smaller"):
            Recipe().override("waist.keep={1 = 27}", f"waist.elastic={value}")

    def test_the_range_includes_the_nominal_number(self):
        with pytest.raises(RecipeError, match=r"waist.elastic must include the first number in waist.keep"):
            Recipe().override("waist.keep={1 = 27}", "waist.elastic=[0.5, 1.0]")
        Recipe().override("waist.keep={1 = 8}", "waist.elastic=[0.1, 1.0]")  # 0.1 of 81 is 8.1, which is 8 frames

    def test_it_needs_a_waist(self):
        with pytest.raises(RecipeError, match=r"waist.elastic=.* has no effect if waist.keep is empty"):
            Recipe().override("waist.elastic=[0.1, 1.0]")

    def test_layers_built_for_fixed_numbers_of_frames_are_refused_before_training(self):
        recipe = RANGE.override("model.name=motionagformer-tiny", "waist.keep={1 = 27}")
        with pytest.raises(ModelError, match="built for fixed numbers of frames"):
            build(recipe)


class TestRuns:
    def test_validation_covers_the_nominal_number_and_both_ends(self, elastic, tmp_path):
        best = pg.load(train(elastic, tmp_path / "run"))
        assert (best.schedule, best.card.keeps) == ({1: 4}, (0.2, 1.0))
        columns = [*rows(tmp_path / "run")[-1]]
        assert columns[4:] == [
            *("clean_mpjpe", "clean_p_mpjpe", "detected_mpjpe", "detected_p_mpjpe"),
            *(f"{name}_{error}_keep{keep}" for keep in (2, 9) for name in ("clean", "detected")
              for error in ("mpjpe", "p_mpjpe")),
        ]  # fmt: skip
        figures = rows(tmp_path / "run")[-1]
        assert len({figures[f"clean_mpjpe{suffix}"] for suffix in ("", "_keep2", "_keep9")}) == 3

    def test_each_validation_figure_is_that_of_its_own_keep(self, elastic):
        samples = batches(elastic).validation()
        state = TrainingState(elastic, build(elastic))
        errors = state.validate(samples)
        for keep, suffix in ((2, "_keep2"), (9, "_keep9"), (4, "")):
            plain = TrainingState(elastic.override("waist.elastic=[]"), state.model.with_keep(keep))
            assert plain.validate(samples)["detected_mpjpe"] == errors[f"detected_mpjpe{suffix}"]

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_a_step_trains_the_drawn_number_of_frames(self, elastic, seed):
        """The loss of a step and its weights are those of a run that always keeps as many."""
        elastic = elastic.override("model.sizes.drop=0.0", f"run.seed={seed}")
        sample = batches(elastic).draw(0, 0)
        state = TrainingState(elastic, build(elastic))
        keep = drawn_keep(elastic, 0)
        always = TrainingState(elastic.override("waist.elastic=[]"), build(elastic).with_keep(keep))
        assert state.advance(sample) == always.advance(sample)
        for name, value in state.model.state_dict().items():
            assert torch.equal(value, always.model.state_dict()[name])

    def test_a_killed_run_resumes_to_the_same_bits(self, elastic, tmp_path):
        train(elastic, tmp_path / "unbroken")
        train_and_die(elastic, tmp_path / "broken")
        train(elastic, tmp_path / "broken")
        assert_same_run(tmp_path / "unbroken", tmp_path / "broken")
        train(elastic.override("waist.elastic=[]"), tmp_path / "plain")
        before, plain = contents(tmp_path / "unbroken"), contents(tmp_path / "plain")
        assert any(not torch.equal(value, plain[name]) for name, value in before.items()), "it makes a difference"

    def test_two_workers_draw_the_same_number(self, elastic, tmp_path):
        """They would average gradients of different waists otherwise, and the sum would differ from one worker's."""
        elastic = elastic.override(
            "run.workers=2", "data.batch=4", "model.sizes.drop=0.0", "schedule.steps=3", "schedule.decay=0.0"
        )
        train(elastic, tmp_path / "two")
        source = batches(elastic)
        alone = TrainingState(elastic, build(elastic))
        for step in range(3):
            halves = [source.draw(step, rank) for rank in (0, 1)]
            both = {name: np.concatenate([getattr(half, name) for half in halves]) for name in ("pose2d", "pose3d")}
            alone.advance(type(halves[0])(**both))
        together = contents(tmp_path / "two")
        for name, value in alone.model.state_dict().items():
            torch.testing.assert_close(together[f"model.{name}"], value, atol=2e-5, rtol=1e-4)

    def test_a_run_that_was_not_elastic_does_not_become_so(self, elastic, recipe, tmp_path):
        train(recipe.override("schedule.steps=2"), tmp_path / "run")
        with pytest.raises(TrainingError, match=r"a run with another waist.elastic; choose another folder"):
            train(elastic.override("schedule.steps=3"), tmp_path / "run")

    def test_a_run_of_an_earlier_version_without_the_setting_resumes(self, recipe, tmp_path):
        train(recipe.override("schedule.steps=2"), tmp_path / "run")
        path = tmp_path / "run" / "recipe.json"
        settings = json.loads(path.read_text())
        assert settings["waist"].pop("elastic") == []
        path.write_text(json.dumps(settings))
        train(recipe.override("schedule.steps=3"), tmp_path / "run")
        assert rows(tmp_path / "run")[-1]["step"] == "3"
        assert json.loads(path.read_text())["waist"]["elastic"] == []

    def test_a_funnel_can_be_elastic(self, elastic, tmp_path):
        best = pg.load(train(elastic.override("waist.kind=funnel", "schedule.steps=2"), tmp_path / "run"), keep=0.5)
        assert best.trace(torch.zeros(1, 9, 17, 3)).kept[1].shape == (1, 4)

    def test_weights_with_one_keep_become_elastic(self, elastic, recipe, tmp_path):
        start = train(recipe.override("schedule.steps=2"), tmp_path / "first")
        best = pg.load(train(elastic.override("schedule.steps=2"), tmp_path / "second", init=start))
        assert best.card.keeps == (0.2, 1.0)
        assert pg.load(start).card.keeps is None
