"""The optimisers of a recipe, and their learning rate over the run."""

from typing import Any

import torch
from torch import nn

from poseglass.training.muon import Muon
from poseglass.training.recipe import Optim, Schedule

__all__ = ["optimisers", "rate"]


def optimisers(model: nn.Module, optim: Optim) -> list[torch.optim.Optimizer]:
    """AdamW or Adam for all parameters that learn, or Muon for the hidden matrices and AdamW for the rest.

    Weight decay is on all, or on matrices only, as the recipe says.
    """
    learning = [p for p in model.parameters() if p.requires_grad]
    vectors = [p for p in learning if p.ndim != 2]
    matrices = [p for p in learning if p.ndim == 2]
    edges = [p for p in matrices if min(p.shape) <= 3]  # input and output
    hidden = [p for p in matrices if min(p.shape) > 3]
    kept = {"weight_decay": 0.0} if optim.decays == "matrices" else {}
    groups: list[dict[str, Any]] = [{"params": vectors, **kept}, {"params": edges}]
    lr, decay = optim.lr, optim.weight_decay
    if optim.name == "muon" and hidden:
        return [Muon(hidden, lr=lr, weight_decay=decay), torch.optim.AdamW(groups, lr=lr, weight_decay=decay)]
    groups.append({"params": hidden})
    kind = torch.optim.Adam if optim.name == "adam" else torch.optim.AdamW
    return [kind(groups, lr=lr, weight_decay=decay, amsgrad=optim.amsgrad)]


def rate(step: int, schedule: Schedule, *, steps: int, epoch: int) -> float:
    """The share of the learning rate at a step.

    Linear warm-up, constant, linear decay to 0, times what the epochs gone by leave of it.

    Args:
        step: From 0.
        schedule: The recipe's.
        steps: Of the whole run.
        epoch: Steps of an epoch.

    Example:
        >>> published = Schedule(epochs=20, warmup=0, decay=0, factor=0.95, every=5, every_factor=0.5)
        >>> [round(rate(10 * epoch, published, steps=200, epoch=10), 4) for epoch in (0, 1, 4, 5, 6)]
        [1.0, 0.95, 0.8145, 0.4073, 0.3869]
    """
    over = step // epoch
    large = over // schedule.every if schedule.every else 0
    left = schedule.factor ** (over - large) * schedule.every_factor**large
    decaying = max(schedule.decay * steps, 1)
    return left * min(1.0, (step + 1) / max(schedule.warmup, 1), (steps - step) / decaying)
