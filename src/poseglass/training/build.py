"""What a recipe builds: any backbone by its name, with any waist."""

from collections.abc import Sequence

import torch

from poseglass.models import PoseTransformer, create_model
from poseglass.training.recipe import Recipe
from poseglass.waist import hourglass as waist
from poseglass.waist.schedule import build_for_schedule

__all__ = ["build"]


def build(recipe: Recipe) -> waist.Model:
    """The recipe's network with fresh weights, the same for the same seed.

    Raises:
        ModelError: There is no such model, size, pruner or recoverer, or the waist does not fit.

    Example:
        >>> recipe = Recipe().override("model.name=motionagformer-tiny", "model.frames=9", "waist.keep={1 = 3}")
        >>> build(recipe).backbone.lengths
        (9, 3, 3)
    """
    m, w = recipe.model, recipe.waist
    torch.manual_seed(recipe.run.seed)

    def backbone(frames: int | Sequence[int] | None) -> PoseTransformer:
        return create_model(m.name, frames=frames, inputs=m.inputs, sizes=m.sizes)

    model: waist.Model
    if not w.keep:
        model = backbone(m.frames)
    else:
        planned, schedule = build_for_schedule(backbone, w.keep, m.frames)
        if w.kind == "funnel":
            model = waist.funnel(planned, keep=schedule, prune=w.prune)
        else:
            model = waist.hourglass(planned, keep=schedule, prune=w.prune, recover=w.recover)
    if m.init == "sinusoidal":
        model.init_sinusoidal()
    return model
