"""Load a state dict into a model, and require that it fits exactly."""

from collections.abc import Mapping

from torch import Tensor, nn

from poseglass.errors import WeightsError
from poseglass.models.finite import not_finite

__all__ = ["check_state", "load_state"]


def check_state(
    model: nn.Module, state: Mapping[str, Tensor], source: object, *, names: Mapping[str, str] | None = None
) -> None:
    """Raise :class:`WeightsError` unless the tensors have exactly the model's names and shapes.

    Args:
        model: The model; it may be on the meta device.
        state: Tensors by the model's own names.
        source: Where the tensors come from, for the message.
        names: What the source calls them, for the message: ``{own name: name}``.
    """
    own = model.state_dict()
    called = {**{key: key for key in own}, **(names or {})}
    problems = {
        "missing": sorted(called[key] for key in own.keys() - state.keys()),
        "left over": sorted(state.keys() - own.keys()),
        "of another shape": sorted(
            f"{called[key]} {tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
            for key in own.keys() & state.keys()
            if state[key].shape != own[key].shape
        ),
    }
    if any(problems.values()):
        listed = "; ".join(f"{len(keys)} {what}: {_first(keys)}" for what, keys in problems.items() if keys)
        raise WeightsError(f"{source} does not fit {type(model).__name__}: {listed}")


def load_state(
    model: nn.Module, state: Mapping[str, Tensor], source: object, *, names: Mapping[str, str] | None = None
) -> None:
    """Load tensors into a model, converted to the model's dtypes.

    Args:
        model: The model to load them into.
        state: Tensors by the model's own names.
        source: Where the tensors come from, for the message.
        names: What the source calls them, for the message: ``{own name: name}``.

    Raises:
        WeightsError: Names are missing or left over, shapes differ, or weights are not finite; the message lists the
            first of them.
    """
    check_state(model, state, source, names=names)
    if diverged := not_finite(state):
        listed = _first([(names or {}).get(key, key) for key in diverged])
        raise WeightsError(
            f"{source} has weights that are NaN or infinite ({listed}), so all its poses would be: its training "
            "diverged; take the weights of an earlier epoch"
        )
    own = model.state_dict()
    model.load_state_dict({key: value.to(own[key].dtype) for key, value in state.items()})


def _first(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
