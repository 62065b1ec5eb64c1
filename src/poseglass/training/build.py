"""Build the network that a recipe describes: any backbone with any waist."""

from collections.abc import Callable, Sequence

from poseglass.models import PoseTransformer, create_model
from poseglass.training.elastic import at_ends
from poseglass.training.recipe import Recipe
from poseglass.training.seeds import seeded
from poseglass.waist import hourglass as waist
from poseglass.waist.schedule import build_for_schedule

__all__ = ["build"]


def build(recipe: Recipe, backbone: type[PoseTransformer] | None = None) -> waist.PoseModel:
    """Build the recipe's network with fresh weights, which the seed determines.

    torch's own generators keep their state.

    Args:
        recipe: The backbone, its size, and the waist.
        backbone: A class of your own that replaces the recipe's `model.name`. It is called with `frames`, `inputs` and
            the recipe's `model.sizes`.

    Raises:
        ModelError: There is no such model, size, pruner or recoverer, or the waist does not fit, or it cannot be
            elastic.

    Example:
        >>> recipe = Recipe().override("model.name=motionagformer-tiny", "model.frames=9", "waist.keep={1 = 3}")
        >>> build(recipe).backbone.lengths
        (9, 3, 3)
    """
    settings, kept = recipe.model, recipe.waist
    own: Callable[..., PoseTransformer] | None = backbone

    def build_backbone(frames: int | Sequence[int] | None) -> PoseTransformer:
        if own is not None:
            return own(frames=frames, inputs=settings.inputs, **settings.sizes)
        return create_model(settings.name, frames=frames, inputs=settings.inputs, sizes=settings.sizes)

    with seeded(recipe.run.seed):
        model: waist.PoseModel
        if not kept.keep:
            model = build_backbone(settings.frames)
        else:
            planned, schedule = build_for_schedule(build_backbone, kept.keep, settings.frames)
            if kept.kind == "funnel":
                model = waist.funnel(planned, keep=schedule, prune=kept.prune)
            else:
                model = waist.hourglass(planned, keep=schedule, prune=kept.prune, recover=kept.recover)
        if settings.init == "sinusoidal":
            model.init_sinusoidal()
    at_ends(model, recipe)  # raises an error if the model cannot be elastic
    return model
