"""Elastic training: each step keeps another number of frames, so that the weights serve any number at run time."""

import numpy as np

from poseglass.training.recipe import Recipe
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel
from poseglass.waist.schedule import frame_range

__all__ = ["at_ends", "drawn_keep", "for_step"]

STREAM = 0x6B656570  # "keep" in ASCII; batches draw from [seed, step, worker], and no worker has this number


def drawn_keep(recipe: Recipe, step: int) -> int:
    """The number of frames that the waist's first stage keeps in a step.

    The share of the clip is log-uniform over `waist.elastic`, so small numbers, where each frame counts most, are drawn
    more often. From 0.1 to 1.0, half of the draws are below 0.32 and the mean is 0.39. It depends only on the seed and
    the step: it is the same for all workers and after a resume.

    Args:
        recipe: A recipe with `waist.elastic`.
        step: The step's number.

    Example:
        >>> recipe = Recipe().override("waist.keep={1 = 27}", "waist.elastic=[0.1, 1.0]")
        >>> [drawn_keep(recipe, step) for step in range(5)] == [drawn_keep(recipe, step) for step in range(5)]
        True
    """
    assert recipe.waist.elastic_range is not None
    least, most = recipe.waist.elastic_range
    place = np.random.default_rng([recipe.run.seed, step, STREAM]).random()
    share = least * (most / least) ** place
    return frame_range((share, share), recipe.model.frames)[0]


def for_step(model: PoseModel, recipe: Recipe, step: int) -> PoseModel:
    """The model as it runs in a step: with a drawn keep if the recipe is elastic. It shares the model's weights."""
    return _waisted(model).with_keep(drawn_keep(recipe, step)) if recipe.waist.elastic else model


def at_ends(model: PoseModel, recipe: Recipe) -> dict[int, PoseModel]:
    """The model at the ends of an elastic recipe's range, by the number of frames that it keeps; without `waist.keep`.

    Raises:
        ModelError: Its layers are built for fixed numbers of frames, so it cannot be elastic.

    Example:
        >>> import poseglass as pg
        >>> recipe = Recipe().override("waist.keep={1 = 27}", "waist.elastic=[0.1, 1.0]")
        >>> [*at_ends(pg.hourglass("mixste-tiny", frames=81, keep=27, at=1), recipe)]
        [8, 81]
    """
    if not recipe.waist.elastic:
        return {}
    keeps, nominal = frame_range(recipe.waist.elastic, recipe.model.frames), next(iter(recipe.waist.keep.values()))
    return {keep: _waisted(model).with_keep(keep) for keep in (keeps[0], keeps[-1]) if keep != nominal}


def _waisted(model: PoseModel) -> Hourglass | Funnel:
    assert isinstance(model, Hourglass | Funnel)  # the recipe requires waist.keep
    return model
