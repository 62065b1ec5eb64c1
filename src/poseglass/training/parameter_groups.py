"""Group a network's parameters by their role, which determines weight decay and optimiser."""

from typing import Literal

from torch import nn

__all__ = ["Role", "parameter_groups"]

Role = Literal["hidden", "edge", "vector", "embedding"]
# Modules that scale and shift each number, perhaps over several axes.
NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)
NARROW = 3  # a matrix with no more rows or columns maps from or to single coordinates


def parameter_groups(model: nn.Module) -> dict[Role, list[nn.Parameter]]:
    """The trainable parameters, each in exactly one group.

    - ``hidden``: weights of linear maps and convolutions between hidden channels. Muon is for these.
    - ``edge``: weights from or to single coordinates (at most 3 rows or columns), and kernels of grouped convolutions,
      which do not mix all channels. Making them orthogonal would gain nothing.
    - ``vector``: biases, all else of one axis, and the scales of norms.
    - ``embedding``: parameters of two or more axes that a module adds rather than multiplies by: joint and time
      embeddings, queries. Unlike the names of weights, theirs do not contain "weight".

    Example:
        >>> groups = parameter_groups(nn.Sequential(nn.Linear(2, 8), nn.Conv1d(8, 8, 3)))
        >>> {role: len(parameters) for role, parameters in groups.items()}
        {'hidden': 1, 'edge': 1, 'vector': 2, 'embedding': 0}
    """
    groups: dict[Role, list[nn.Parameter]] = {"hidden": [], "edge": [], "vector": [], "embedding": []}
    roles: dict[nn.Parameter, Role] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                roles.setdefault(parameter, _role(module, name, parameter))
    for parameter, role in roles.items():
        groups[role].append(parameter)
    learning = {parameter for parameter in model.parameters() if parameter.requires_grad}
    grouped = [parameter for group in groups.values() for parameter in group]
    assert len(grouped) == len(learning) and {*grouped} == learning, "every parameter belongs to exactly one group"  # noqa: PT018
    return groups


def _role(module: nn.Module, name: str, parameter: nn.Parameter) -> Role:
    if parameter.ndim < 2 or isinstance(module, NORMS):
        return "vector"
    if isinstance(module, nn.Embedding | nn.EmbeddingBag) or "weight" not in name:
        return "embedding"
    grouped = getattr(module, "groups", 1) > 1
    return "edge" if grouped or min(parameter.flatten(1).shape) <= NARROW else "hidden"
