"""Weights on disk: our own folders of safetensors and config.json, the bundled ones, and published checkpoints.

A folder holds ``weights.safetensors`` and ``config.json``, which says what to build, and the checksum of the
weights. Published checkpoints are pickles: they are read by torch's weights-only unpickler, which runs
no code of theirs, and recognised by their keys.
"""

import hashlib
import json
import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_safetensors
from safetensors.torch import save as write_safetensors
from torch import Tensor, nn

from poseglass.errors import WeightsError
from poseglass.files.writing import writing
from poseglass.models import Card, MHFormer, MixSTE, MotionAGFormer, MotionBERT, PoseTransformer
from poseglass.waist.hourglass import Funnel, Hourglass, Model, funnel, hourglass
from poseglass.waist.prune import PRUNERS, DensityPeaks
from poseglass.waist.recover import RECOVERERS
from poseglass.weights.published import ARCHITECTURES, Choices

__all__ = ["BUNDLED", "load", "load_state", "save"]

ASSETS = Path(__file__).with_name("bundled")
BUNDLED = ("balanced",)
FORMAT = "poseglass weights 1"
BACKBONES: dict[str, type[PoseTransformer]] = {
    "MixSTE": MixSTE,
    "MotionBERT": MotionBERT,
    "MotionAGFormer": MotionAGFormer,
    "MHFormer": MHFormer,
}


class Ignored:
    """Stands in for what a checkpoint needs numpy to build, and keeps nothing of it."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


# Training scripts leave numbers of numpy's beside the weights, such as MotionBERT's `min_loss`, by the names of numpy
# 1 and 2. They are read past: numpy's own code would trust the pickle, so it is never called.
IGNORED: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (Ignored, name) for name in ("numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
]

# What torch reads past, and what Python warns of, holds for the whole process: of two threads that read at once, the
# first to end would end it for the other, so they take turns. A weights-only load of somebody else's that happens
# meanwhile reads past the same three, which runs nothing either.
READING = Lock()


def save(model: nn.Module, folder: str | PathLike[str], *, half: bool = False, about: str = "") -> Path:
    """Write a model as ``weights.safetensors`` and ``config.json`` into a folder.

    Args:
        model: A backbone, an hourglass or a funnel of this package.
        folder: Where to; made if need be.
        half: Store the weights as float16.
        about: A sentence on where the weights come from.

    Raises:
        WeightsError: The model is of a class that a config cannot describe, or the folder cannot be written.
    """
    folder = Path(folder)
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    if half:
        tensors = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    weights = write_safetensors(tensors)
    config = {
        "format": FORMAT,
        "about": about,
        "model": _describe(model),
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    with writing(folder / "weights.safetensors", WeightsError) as temporary:
        temporary.write_bytes(weights)
    with writing(folder / "config.json", WeightsError) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return folder


def load(
    source: str | PathLike[str], *, heads: int | None = None, at: int | None = None, neighbours: int | None = None
) -> Model:
    """A model in evaluation mode: a bundled one by name, a folder that :func:`save` wrote, or a published checkpoint.

    Args:
        source: ``"balanced"``, a folder, or a checkpoint file.
        heads: Attention heads of a published checkpoint, which its tensors do not tell; as published where None.
        at: The layer before which a published HoT checkpoint prunes; where None, as its layers' lengths say, or as
            published.
        neighbours: Temporal neighbours in the graph of a published MotionAGFormer; as published where None.

    Raises:
        WeightsError: There is nothing, it is broken, its checksum differs, keys are missing or left over, or reading
            it would mean to run code.

    Example:
        >>> import poseglass as pg
        >>> pg.load("balanced").frames >= 27
        True
    """
    path = ASSETS / str(source) if str(source) in BUNDLED else Path(source)
    if path.is_dir():
        return _load_folder(path)
    if not path.is_file():
        raise WeightsError(
            f"there are no weights {source}: give a folder, a checkpoint, or one of {', '.join(BUNDLED)}"
        )
    state = _read_checkpoint(path)
    return _published(state, path, Choices(heads=heads, at=at, neighbours=neighbours))


def load_state(
    model: nn.Module, state: Mapping[str, Tensor], source: object, *, names: Mapping[str, str] | None = None
) -> None:
    """Load tensors into a model, all of them and none besides.

    Args:
        model: Where to.
        state: Tensors by the model's own names.
        source: Where they come from, for the message.
        names: What the source calls them, for the message.

    Raises:
        WeightsError: Keys are missing or left over, or shapes differ; the message names the first of them.
    """
    own = model.state_dict()
    called = {**{key: key for key in own}, **(names or {})}
    missing, left = sorted(called[key] for key in own.keys() - state.keys()), sorted(state.keys() - own.keys())
    shapes = [
        f"{called[key]} {tuple(state[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own.keys() & state.keys()
        if state[key].shape != own[key].shape
    ]
    if missing or left or shapes:
        parts = {"missing": missing, "left over": left, "of another shape": sorted(shapes)}
        listed = "; ".join(f"{len(keys)} {what}: {_some(keys)}" for what, keys in parts.items() if keys)
        raise WeightsError(f"{source} does not fit {type(model).__name__}: {listed}")
    model.load_state_dict({key: value.to(own[key].dtype) for key, value in state.items()})


def _some(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _describe(model: nn.Module) -> dict[str, Any]:
    if isinstance(model, PoseTransformer) and type(model).__name__ in BACKBONES:
        return {"class": type(model).__name__, **asdict(model.card), **model.config}
    if isinstance(model, Hourglass | Funnel):
        described = {
            "class": type(model).__name__,
            "backbone": _describe(model.backbone),
            "schedule": {str(layer): keep for layer, keep in model.schedule.items()},
            "prune": _name_of(model.pruner, PRUNERS),
            **({"neighbours": model.pruner.neighbours} if isinstance(model.pruner, DensityPeaks) else {}),
        }
        if isinstance(model, Funnel):
            return described | {"always": model.always}
        return described | {"recover": _name_of(model.recoverer, RECOVERERS)}
    raise WeightsError(f"a {type(model).__name__} cannot be described in a config; save its state_dict yourself")


def _name_of(part: nn.Module, table: Mapping[str, type[nn.Module]]) -> str:
    for name, kind in table.items():
        if type(part) is kind:
            return name
    raise WeightsError(f"a {type(part).__name__} is in no table, so a config cannot name it")


def _build(config: Mapping[str, Any]) -> Model:
    settings = dict(config)
    kind = settings.pop("class")
    if kind in ("Hourglass", "Funnel"):
        backbone = _build(settings["backbone"])
        if not isinstance(backbone, PoseTransformer):
            raise TypeError("an hourglass or a funnel wraps a plain model, not another of them")
        schedule = {int(layer): int(keep) for layer, keep in settings["schedule"].items()}
        prune = DensityPeaks(neighbours=int(settings["neighbours"])) if "neighbours" in settings else settings["prune"]
        if kind == "Funnel":
            return funnel(backbone, keep=schedule, prune=prune, always=settings["always"])
        return hourglass(backbone, keep=schedule, prune=prune, recover=settings["recover"])
    card = {field.name: settings.pop(field.name) for field in fields(Card) if field.name in settings}
    return BACKBONES[kind](**settings, card=Card(**card))


def _hint(folder: Path) -> str:
    best = folder / "best"  # a run of poseglass train
    return f"; its best weights are in {best}" if (best / "config.json").is_file() else ""


def _load_folder(folder: Path) -> Model:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = (folder / "weights.safetensors").read_bytes()
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            raise ValueError(f"the config's format should be {FORMAT!r}")
    except (OSError, ValueError) as problem:
        lacks = f"{problem.strerror}, {problem.filename}" if isinstance(problem, OSError) else problem
        raise WeightsError(
            f"{folder} is not a folder of weights.safetensors and config.json: {lacks}{_hint(folder)}"
        ) from None
    found = hashlib.sha256(weights).hexdigest()
    if found != config.get("sha256"):
        raise WeightsError(
            f"{folder / 'weights.safetensors'} has the checksum {found}, its config says {config.get('sha256')}: "
            "the file is damaged or not the one meant; get it again"
        )
    try:
        model = _build(config["model"])
        state = read_safetensors(weights)
    except (AttributeError, KeyError, TypeError, ValueError, SafetensorError) as problem:
        raise WeightsError(f"{folder} cannot be loaded: {problem!r}") from problem
    load_state(model, state, folder)
    return model.eval()


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The state dict of a published checkpoint, in any of the published wrappings."""
    try:
        if path.suffix == ".safetensors":
            content: Any = read_safetensors(path.read_bytes())
        else:
            with READING, warnings.catch_warnings(), torch.serialization.safe_globals(IGNORED):
                warnings.simplefilter("ignore")  # torch wonders about pickles that torch did not write
                content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        if isinstance(problem, pickle.UnpicklingError):  # torch's own words advise to run what is in it
            odd = re.search(r"GLOBAL (\S+)|but got (.+)|Unsupported (operand \d+)", str(problem))
            reason = "it holds something else than named tensors" + (f": {odd[odd.lastindex or 0]}" if odd else "")
        raise WeightsError(
            f"{path} cannot be read as a checkpoint: {reason} (pickled code is never run; "
            "if you trust the file, save its state dict alone with torch.save or safetensors)"
        ) from None
    for key in ("model_pos", "model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        got = "none" if isinstance(content, dict) else type(content).__name__
        raise WeightsError(f"{path} holds no state dict: expected named tensors, got {got}")
    others = [f"{key!r} ({type(value).__name__})" for key, value in content.items() if not isinstance(value, Tensor)]
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        raise WeightsError(
            f"{path} holds no state dict: expected named tensors and nothing else, got {', '.join(others[:5])}{more}"
        )
    return {str(key).removeprefix("module."): value for key, value in content.items()}


def _published(state: Mapping[str, Tensor], path: Path, choices: Choices) -> Model:
    """Recognise a published architecture by its keys, and read its sizes off the tensors."""
    known = next((a for a in ARCHITECTURES if a.fits(state)), None)
    if known is None:
        raise WeightsError(
            f"{path} is not a checkpoint this version knows ({', '.join(a.name for a in ARCHITECTURES)}, with or "
            f"without HoT's waist); its keys begin with {', '.join(sorted(state)[:5])}; "
            "for poseglass's own give their folder"
        )
    known.check(state, path)
    model: PoseTransformer | Hourglass = known.build(state, choices)
    if isinstance(model, PoseTransformer) and (waist := state.get("pos_embed_token")) is not None:
        if waist.ndim != 3:
            raise WeightsError(f"{path}: pos_embed_token should have 3 axes, its shape is {tuple(waist.shape)}")
        model = hourglass(model, keep=waist.shape[1], at=_prunes_at(model, waist.shape[1], known.at, choices.at, path))
    # MHFormer was published for the centre frame (seq2frame), the others for all.
    model = model.with_card(Card(coordinates="screen", answers="centre" if isinstance(model, MHFormer) else "all"))
    own = model.state_dict()
    names = {name: known.published(name) for name in own}
    ours = {published: name for name, published in names.items()}
    load_state(
        model,
        {ours.get(key, key): _fit(value, own.get(ours.get(key, key))) for key, value in state.items()},
        path,
        names=names,
    )
    return model.eval()


def _prunes_at(backbone: PoseTransformer, keep: int, published: int, chosen: int | None, path: Path) -> int:
    """The layer before which a published waist prunes; where layers take just so many frames, that tells."""
    at = published if chosen is None else chosen
    if backbone.lengths is None:
        return at
    told = next((index for index, frames in enumerate(backbone.lengths) if frames != backbone.frames), at)
    if chosen not in (None, told):
        raise WeightsError(
            f"{path} prunes before layer {told}, as its layers' lengths tell, not {chosen}: leave out at"
        )
    if {*backbone.lengths[told:], backbone.lengths[-1]} != {keep}:
        raise WeightsError(
            f"{path}: pos_embed_token is for {keep} frames, its layers from {told} on for {backbone.lengths[told:]}"
        )
    return told


def _fit(value: Tensor, own: Tensor | None) -> Tensor:
    """The tensor in our shape, where that differs only by axes of length 1."""
    alike = own is not None and [n for n in value.shape if n > 1] == [n for n in own.shape if n > 1]
    return value.reshape(own.shape) if own is not None and alike else value
