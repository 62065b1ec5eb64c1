"""Load the initial weights of a run that does not start from fresh ones."""

from os import PathLike

from poseglass.errors import TrainingError
from poseglass.models import PoseTransformer
from poseglass.training.recipe import Recipe
from poseglass.waist.hourglass import Hourglass, PoseModel, backbone_of
from poseglass.weights import files as weights
from poseglass.weights.lengths import lengthened

__all__ = ["start_from"]


def start_from(
    model: PoseModel,
    recipe: Recipe,
    init: str | PathLike[str] | None,
    backbone: type[PoseTransformer] | None = None,
) -> None:
    """Load initial weights into a run's fresh model. Without `init`, the model keeps its fresh weights.

    Args:
        model: The recipe's network, with the card of its data.
        recipe: The run's recipe.
        init: Weights as :func:`poseglass.load` takes them. An hourglass's weights go into the whole model, all others
            into its backbone.
        backbone: The class of the weights' backbone, if it is not one of poseglass's.

    Raises:
        TrainingError: The weights were trained on other coordinates or joints than those of the data, or the recipe
            trains only the waist and no weights are given.
        WeightsError: The weights cannot be read, or do not fit.
    """
    if init is None:
        if recipe.optim.trains == "waist":
            raise TrainingError(
                "optim.trains=waist does not train the backbone, so it must already be trained: give its weights as "
                "init (--init)"
            )
        return
    loaded = weights.load(init, backbone=backbone)
    for what, trained, given in (
        ("{} coordinates", loaded.card.coordinates, model.card.coordinates),
        ("the joints of {}", loaded.card.skeleton, model.card.skeleton),
    ):
        if trained != given:
            raise TrainingError(
                f"{init} was trained on {what.format(trained)}, but the data have {what.format(given)}; start from "
                "weights of the same kind, or from fresh ones"
            )
    if isinstance(loaded, Hourglass):
        weights.load_state(model, lengthened(loaded.state_dict(), model), init)
    else:  # a backbone, or a funnel, which has no weights of its own
        target = backbone_of(model)
        weights.load_state(target, lengthened(backbone_of(loaded).state_dict(), target), init)
