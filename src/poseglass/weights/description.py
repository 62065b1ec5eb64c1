"""A model's description: plain values from which the model can be rebuilt, without its weights."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from torch import nn

from poseglass.errors import WeightsError
from poseglass.models import BACKBONES, Card, PoseTransformer
from poseglass.waist._base import Pruner, Recoverer
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS

__all__ = ["build", "check_layers", "description_of", "from_format_1"]

Description = dict[str, Any]


def description_of(model: nn.Module) -> Description:
    """Describe a model in plain values from which :func:`build` rebuilds it.

    A class of this package is described by its name, an external backbone class by ``"module:Class"``. Classes are
    compared, not names: an external class named MixSTE is not mistaken for ours.

    Raises:
        WeightsError: The model cannot be described. The message says which part, and why.

    Example:
        >>> import poseglass as pg
        >>> described = description_of(pg.hourglass("mixste-tiny", keep=9, at=1))
        >>> described["backbone"]["class"], described["schedule"], described["prune"]
        ('MixSTE', {'1': 9}, {'class': 'density', 'settings': {'neighbours': 2}})
    """
    if isinstance(model, Hourglass | Funnel):
        described = {
            "class": type(model).__name__,
            "backbone": description_of(model.backbone),
            "schedule": {str(layer): keep for layer, keep in model.schedule.items()},
            "prune": _describe_part(model.pruner, PRUNERS),
        }
        if model.nominal != model.schedule:
            described["nominal"] = {str(layer): keep for layer, keep in model.nominal.items()}
        if isinstance(model, Funnel):
            return described | {"always": model.always}
        return described | {"recover": _describe_part(model.recoverer, RECOVERERS)}
    if not isinstance(model, PoseTransformer):
        raise WeightsError(
            f"expected a backbone, an hourglass or a funnel, got a {type(model).__name__}, which has no description; "
            "save its state_dict with torch.save or safetensors"
        )
    kind = type(model)
    ours = BACKBONES.get(kind.__name__) is kind
    return {
        "class": kind.__name__ if ours else f"{kind.__module__}:{kind.__qualname__}",
        "settings": _settings(model),
        "card": asdict(model.card),
    }


def build(description: Mapping[str, Any], backbone: type[PoseTransformer] | None = None) -> PoseModel:
    """Build the model of a description, with fresh weights.

    Args:
        description: The result of :func:`description_of`.
        backbone: The backbone's class, if it is external. Classes are never imported by name.

    Raises:
        WeightsError: The description names another backbone class.
        AttributeError, KeyError, TypeError, ValueError: The description is invalid.
    """
    kind = description["class"]
    if kind not in ("Hourglass", "Funnel"):
        built = _backbone_class(kind, backbone)(**description["settings"])
        return built.with_card(_card(description["card"]))
    inner = build(description["backbone"], backbone)
    if not isinstance(inner, PoseTransformer):
        raise TypeError("an hourglass or a funnel wraps a plain backbone, not another hourglass or funnel")
    schedule = {int(layer): int(keep) for layer, keep in description["schedule"].items()}
    pruner: Pruner = _build_part(description["prune"], PRUNERS)
    nominal = {int(layer): int(keep) for layer, keep in description.get("nominal", schedule).items()}
    if kind == "Funnel":
        return Funnel(inner, schedule=schedule, pruner=pruner, always=description["always"], nominal=nominal)
    recover = description["recover"]
    recoverer: Recoverer
    if recover["settings"] is None:  # format 1, where it always fits the backbone
        recoverer = RECOVERERS[recover["class"]].for_backbone(inner)
    else:
        recoverer = _build_part(recover, RECOVERERS)
    return Hourglass(inner, schedule=schedule, pruner=pruner, recoverer=recoverer, nominal=nominal)


def check_layers(description: Mapping[str, Any], tensors: int) -> None:
    """Refuse a description of more layers than there are tensors. Building a layer takes memory even without weights.

    Args:
        description: The description.
        tensors: The number of tensors beside it.

    Raises:
        WeightsError: It describes more layers.
        AttributeError, KeyError, TypeError: The description is invalid.
    """
    inner = description.get("backbone", description)
    for name, value in inner["settings"].items():
        if "depth" in name and isinstance(value, int | float) and value > tensors:
            raise WeightsError(f"the description has {name} {str(value)[:20]}, but the file has only {tensors} tensors")


def _card(stored: Mapping[str, Any]) -> Card:
    """The card of a description. JSON has no tuples, and weights saved by earlier versions have no `keeps`."""
    keeps = stored.get("keeps")
    return Card(**{**stored, "keeps": None if keeps is None else tuple(keeps)})


def from_format_1(config: Mapping[str, Any]) -> Description:
    """Convert a description from a ``config.json`` of format 1 to the current format.

    In format 1, a backbone's settings and card were next to its class, and fields of the card could be missing.
    """
    settings = dict(config)
    kind = settings.pop("class")
    if kind not in ("Hourglass", "Funnel"):
        card = {field.name: settings.pop(field.name) for field in fields(Card) if field.name in settings}
        return {"class": kind, "settings": settings, "card": card}
    neighbours = {"neighbours": int(settings["neighbours"])} if "neighbours" in settings else {}
    described = {
        "class": kind,
        "backbone": from_format_1(settings["backbone"]),
        "schedule": settings["schedule"],
        "prune": {"class": settings["prune"], "settings": neighbours},
    }
    if kind == "Funnel":
        return described | {"always": settings["always"]}
    return described | {"recover": {"class": settings["recover"], "settings": None}}


def _backbone_class(name: str, given: type[PoseTransformer] | None) -> type[PoseTransformer]:
    if ":" not in name:
        if name not in BACKBONES:
            raise WeightsError(
                f"the weights belong to a backbone {name!r}, which this version of poseglass does not have; it has "
                f"{', '.join(BACKBONES)}"
            )
        if given not in (None, BACKBONES[name]):
            raise WeightsError(
                f"the weights belong to poseglass's own {name}, not to {_name(given)}: leave out backbone="
            )
        return BACKBONES[name]
    module, _, short = name.rpartition(":")
    if given is None:
        raise WeightsError(
            f"the weights belong to {name}, a class outside poseglass, which a file cannot make poseglass import; "
            f"import it yourself and pass it: poseglass.load(..., backbone={short.rpartition('.')[2]})"
        )
    # A program calls its own module __main__, and another program calls it by its real name.
    modules = {module, given.__module__}
    if given.__qualname__ != short or (len(modules) == 2 and "__main__" not in modules):
        raise WeightsError(
            f"the weights belong to {name}, not to {_name(given)}: pass the former as backbone=; if it was moved or "
            "renamed, build it and load the tensors of weights.safetensors into it"
        )
    return given


def _name(kind: type | None) -> str:
    return "None" if kind is None else f"{kind.__module__}:{kind.__qualname__}"


def _describe_part(part: Pruner | Recoverer, table: Mapping[str, type[Pruner] | type[Recoverer]]) -> Description:
    for name, kind in table.items():
        if type(part) is kind:
            return {"class": name, "settings": _settings(part)}
    raise WeightsError(
        f"{_name(type(part))} is not one of this package's classes ({', '.join(table)}), so saved weights cannot name "
        "it; save the backbone, and give it the waist again after loading"
    )


def _build_part(description: Mapping[str, Any], table: Mapping[str, type[Any]]) -> Any:
    return table[description["class"]](**description["settings"])


def _settings(part: PoseTransformer | Pruner | Recoverer) -> Description:
    """The part's `config`, checked: plain values, and arguments that its constructor takes."""
    kind, config = type(part), getattr(part, "config", None)
    if not isinstance(config, Mapping):
        raise WeightsError(
            f"{kind.__name__} does not say how it was built: set self.config to a dictionary of its constructor's "
            "arguments, such as {'frames': frames, 'dim': dim}"
        )
    try:
        plain: Description = json.loads(json.dumps(dict(config), allow_nan=False))
        inspect.signature(kind).bind(**plain)
    except (TypeError, ValueError) as problem:
        raise WeightsError(
            f"the config of {kind.__name__} should map its constructor's arguments to plain values (numbers, strings, "
            f"lists), and does not: {problem}"
        ) from None
    return plain
