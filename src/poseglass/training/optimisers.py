"""The optimisers of a recipe, and their learning rate over the run."""

from typing import Any

import torch
from torch import nn

from poseglass.models import devices
from poseglass.training.muon import Muon
from poseglass.training.parameter_groups import parameter_groups
from poseglass.training.recipe import OptimSettings, ScheduleSettings

__all__ = ["optimisers", "rate"]


def optimisers(model: nn.Module, optim: OptimSettings) -> list[torch.optim.Optimizer]:
    """Make AdamW or Adam for all trainable parameters, or Muon for the hidden matrices and AdamW for the rest.

    Weight decay applies to everything, or only to the weights of linear maps and convolutions, as the recipe says
    (:func:`poseglass.training.parameter_groups.parameter_groups`). On CUDA, AdamW and Adam update all parameters in one
    fused kernel.
    """
    fused = True if devices.device_of(model).type == "cuda" else None  # None is torch's own choice
    by_role = parameter_groups(model)
    lr, decay = optim.lr, optim.weight_decay
    undecayed = {"weight_decay": 0.0} if optim.decays == "matrices" else {}
    groups: list[dict[str, Any]] = [
        {"params": [*by_role["vector"], *by_role["embedding"]], **undecayed},
        {"params": by_role["edge"]},
    ]
    if optim.name == "muon" and by_role["hidden"]:
        rest = torch.optim.AdamW(groups, lr=lr, weight_decay=decay, fused=fused)
        return [Muon(by_role["hidden"], lr=lr, weight_decay=decay), rest]
    groups.append({"params": by_role["hidden"]})
    kind = torch.optim.Adam if optim.name == "adam" else torch.optim.AdamW
    return [kind(groups, lr=lr, weight_decay=decay, amsgrad=optim.amsgrad, fused=fused)]


def rate(step: int, schedule: ScheduleSettings, *, steps: int, epoch: int) -> float:
    """The learning rate at a step, as a multiple of the recipe's `optim.lr`.

    It is a linear warm-up, a constant and a linear decay to 0, times the factors of the epochs so far.

    Args:
        step: The step, from 0.
        schedule: The recipe's schedule.
        steps: Steps of the whole run.
        epoch: Steps per epoch.

    Example:
        >>> published = ScheduleSettings(epochs=20, warmup=0, decay=0, factor=0.95, every=5, every_factor=0.5)
        >>> [round(rate(10 * epoch, published, steps=200, epoch=10), 4) for epoch in (0, 1, 4, 5, 6)]
        [1.0, 0.95, 0.8145, 0.4073, 0.3869]
    """
    epochs = step // epoch
    large = epochs // schedule.every if schedule.every else 0
    factor = schedule.factor ** (epochs - large) * schedule.every_factor**large
    decaying = max(schedule.decay * steps, 1)
    return factor * min(1.0, (step + 1) / max(schedule.warmup, 1), (steps - step) / decaying)
