"""Loaded weights that keep another number of frames than they were saved with."""

import logging

from poseglass.errors import ModelError
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel
from poseglass.waist.schedule import Keep, frame_range

__all__ = ["keeping"]

log = logging.getLogger("poseglass")


def keeping(model: PoseModel, keep: Keep, source: object) -> PoseModel:
    """The model with another number of kept frames, and a warning if its weights were not trained for it.

    Args:
        model: A model with a waist.
        keep: Frames to keep, as :meth:`poseglass.Hourglass.with_keep` takes them.
        source: Where the weights come from, for the messages.

    Raises:
        ModelError: The model has no waist, or `keep` does not fit it.

    Example:
        >>> import poseglass as pg
        >>> keeping(pg.hourglass("mixste-tiny", keep=9, at=1), 14, "these weights").schedule
        {1: 14}
    """
    if not isinstance(model, Hourglass | Funnel):
        raise ModelError(
            f"{source} holds a {type(model).__name__} without a waist, which keeps all frames: leave out keep, or give "
            "it a waist with poseglass.hourglass"
        )
    changed = model.with_keep(keep)
    if not _trained_for(changed, model):
        schedule = ", ".join(f"{frames} from layer {layer} on" for layer, frames in changed.schedule.items())
        log.warning(
            "%s was trained to keep %s of %d frames; how accurate it is with %s is unknown",
            source, _trained(model), model.frames, schedule,
        )  # fmt: skip
    return changed


def _trained_for(changed: Hourglass | Funnel, model: Hourglass | Funnel) -> bool:
    if changed.schedule == model.nominal:
        return True
    if model.card.keeps is None:
        return False
    first = next(iter(changed.schedule.values()))
    return first in frame_range(model.card.keeps, model.frames) and changed.schedule == model.with_keep(first).schedule


def _trained(model: Hourglass | Funnel) -> str:
    """The numbers of frames that the weights kept in training."""
    if model.card.keeps is None:
        return ", then ".join(str(frames) for frames in model.nominal.values())
    known = frame_range(model.card.keeps, model.frames)
    return f"{known[0]} to {known[-1]}"
