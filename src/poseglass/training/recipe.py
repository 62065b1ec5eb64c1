"""Recipes: everything a training run depends on, in frozen dataclasses read from TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from poseglass.errors import RecipeError
from poseglass.training.losses import JOINT_WEIGHTS, MOTION, TERMS

__all__ = ["Data", "Loss", "Model", "Optim", "Recipe", "Run", "Schedule", "Waist"]


@dataclass(frozen=True)
class Model:
    """The backbone: a named size, and what is to differ from it."""

    name: str = "mixste-small"
    """One of :func:`poseglass.list_models`."""
    frames: int = 81
    inputs: int = 3
    sizes: dict[str, int | float] = field(default_factory=dict)
    """Such as ``{dim = 64, heads = 4}``, by the names that the model's class gives them."""
    init: Literal["published", "sinusoidal"] = "sinusoidal"
    """``published`` as the papers' recipes need it; ``sinusoidal`` learns many times faster on few clips."""


@dataclass(frozen=True)
class Waist:
    """Which frames go through the middle layers, and what becomes of the others; none where `keep` is empty."""

    keep: dict[int, int] = field(default_factory=dict)
    """``{layer = frames kept from there on}``: one stage, or a pyramid of several."""
    kind: Literal["hourglass", "funnel"] = "hourglass"
    """All frames come out (seq2seq), or the kept ones only, of which the clip's centre is one (seq2frame)."""
    prune: str = "density"
    recover: str = "attention"


@dataclass(frozen=True)
class Data:
    """The batches: :mod:`poseglass.training.batches`."""

    path: str = ""
    """Motion clips, or a prepared store where `keypoints` names something in it."""
    keypoints: str = ""
    """The 2D source in the store, such as ``cpn`` or ``gt``; empty for motion clips seen by virtual cameras."""
    stride: int = 0
    """Of a store: frames from one clip's begin to the next one's; as many as a clip has where 0."""
    batch: int = 16
    flip: Literal["random", "both", "none"] = "random"
    """Mirror each clip with a chance of one half; or take each clip and its mirror image, which both count as clips."""
    clean: float = 0.25
    """Of motion clips: the share whose 2D is exact."""
    rehab_share: float = 0.28
    """Of motion clips: the share that is from UI-PRMD."""


@dataclass(frozen=True)
class Loss:
    """How much each of :data:`poseglass.training.losses.TERMS` weighs, and of which frames."""

    position: float = 1.0
    n_position: float = 0.0
    smoothness: float = 0.5
    velocity: float = 2.0
    limb_length: float = 0.0
    limb_variance: float = 0.0
    angle: float = 0.0
    angle_velocity: float = 0.0
    joint_weights: tuple[float, ...] = JOINT_WEIGHTS
    """Of each joint in position and smoothness, in the order of the poses; empty: all alike."""
    frames: Literal["all", "centre"] = "all"
    """All that the model answers for (those that a funnel kept), or the clip's centre alone."""

    def terms(self) -> dict[str, float]:
        """What each term weighs."""
        return {name: getattr(self, name) for name in TERMS}


@dataclass(frozen=True)
class Optim:
    """AdamW, Adam, or Muon for the matrices with AdamW for the rest."""

    name: Literal["adamw", "adam", "muon"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    decays: Literal["matrices", "all"] = "matrices"
    """What weight decay is on."""
    trains: Literal["all", "waist"] = "all"
    """Everything; or only what the waist adds, and the backbone stays as it was (``poseglass train --waist-only``)."""
    amsgrad: bool = False
    clip: float = 1.0
    """Largest norm of the gradient; 0 for any."""
    ema: float = 0.999
    """Decay of the running mean of the weights, which is what is judged and kept; 0 for the weights themselves."""
    bf16: bool = False
    """Autocast to bfloat16: faster where the processor has units for it (AMX), many times slower where it has not."""


@dataclass(frozen=True)
class Schedule:
    """How long the run is, and the learning rate over it: warm-up, constant, decay to 0, times a factor an epoch."""

    steps: int = 10000
    epochs: int = 0
    """Where above 0, the length of the run instead of `steps`."""
    warmup: int = 100
    decay: float = 0.3
    """Share of the steps over which the rate falls to 0 at the end."""
    factor: float = 1.0
    """Of the rate, after each epoch."""
    every: int = 0
    every_factor: float = 1.0
    """In place of `factor` after each `every`-th epoch; never where `every` is 0."""


@dataclass(frozen=True)
class Run:
    """Seeds and intervals, in steps."""

    seed: int = 1126
    save_every: int = 200
    validate_every: int = 500
    validation_clips: int = 256
    judge_by: Literal["mpjpe", "p_mpjpe"] = "p_mpjpe"
    """Which error, summed over the validation batches, says which weights are best."""
    workers: int = 1
    """Processes that share a batch, one or more cores each. On few cores two are much faster than one with two."""


@dataclass(frozen=True)
class Recipe:
    """All of a training run.

    Example:
        >>> Recipe().override("optim.lr=1e-4", "waist.keep={3 = 27}", "model.sizes.dim=64").waist.keep
        {3: 27}
    """

    model: Model = field(default_factory=Model)
    waist: Waist = field(default_factory=Waist)
    data: Data = field(default_factory=Data)
    loss: Loss = field(default_factory=Loss)
    optim: Optim = field(default_factory=Optim)
    schedule: Schedule = field(default_factory=Schedule)
    run: Run = field(default_factory=Run)

    def __post_init__(self) -> None:
        model, data, loss, optim, schedule, run = (
            self.model, self.data, self.loss, self.optim, self.schedule, self.run
        )  # fmt: skip
        moving = [name for name in MOTION if getattr(loss, name)]
        both = 2 if data.flip == "both" else 1
        rules = {
            "model.frames must be at least 3": model.frames >= 3,
            "model.inputs must be 2 (x, y) or 3 (x, y, score)": model.inputs in (2, 3),
            "schedule.steps must be at least 1": schedule.steps >= 1,
            "schedule.epochs, schedule.every and data.stride must not be negative": min(
                schedule.epochs, schedule.every, data.stride
            )
            >= 0,
            "schedule.factor and schedule.every_factor must be above 0": min(schedule.factor, schedule.every_factor)
            > 0,
            "optim.lr and optim.clip must not be negative": min(optim.lr, optim.clip) >= 0,
            "schedule.decay must be from 0 to 1": 0 <= schedule.decay <= 1,
            "optim.ema must be from 0 to below 1": 0 <= optim.ema < 1,
            "optim.trains=waist needs a waist that has weights: waist.keep, and waist.kind=hourglass": not (
                optim.trains == "waist" and (not self.waist.keep or self.waist.kind == "funnel")
            ),
            "optim.amsgrad is of adam and adamw, not of muon": not (optim.amsgrad and optim.name == "muon"),
            "data.clean must be from 0 to 1": 0 <= data.clean <= 1,
            "data.rehab_share must be from 0 to 1": 0 <= data.rehab_share <= 1,
            "data.flip=none is of a store (data.keypoints); motion clips are always mirrored": not (
                data.flip == "none" and not data.keypoints
            ),
            f"loss.{', loss.'.join(moving)} must be 0 where loss.frames is centre: one frame does not move": not (
                moving and loss.frames == "centre"
            ),
            "loss: one term must weigh something": any(loss.terms().values()),
            "run.seed must be from 0 to 2147483647": 0 <= run.seed < 1 << 31,
            "run.save_every and run.validate_every must be at least 1": min(run.save_every, run.validate_every) >= 1,
            "data.batch must be a multiple of run.workers, of twice as many with data.flip=both": run.workers >= 1
            and data.batch >= 1
            and data.batch % (both * run.workers) == 0,
        }
        if wrong := [what for what, fits in rules.items() if not fits]:
            raise RecipeError("; ".join(wrong))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "Recipe":
        """The recipe of a TOML file.

        Raises:
            RecipeError: The file is missing or not TOML, or names a setting that does not exist.
        """
        try:
            return cls().updated(tomllib.loads(Path(path).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise RecipeError(f"there is no recipe {path}") from None
        except (OSError, UnicodeDecodeError) as problem:
            raise RecipeError(f"{path} cannot be read: {problem}") from None
        except tomllib.TOMLDecodeError as problem:
            raise RecipeError(f"{path} is not TOML: {problem}") from None

    def override(self, *settings: str) -> "Recipe":
        """The recipe with some settings changed, each written ``"section.name=value"`` (value as in TOML)."""
        tree: dict[str, dict[str, Any]] = {}
        for setting in settings:
            name, equals, value = setting.partition("=")
            section, *keys = name.strip().split(".")
            if not equals or len(keys) not in (1, 2):
                raise RecipeError(f"write an override as section.name=value, such as optim.lr=1e-4, not {setting!r}")
            try:
                parsed = tomllib.loads(f"value = {value}")["value"]
            except tomllib.TOMLDecodeError:
                parsed = value.strip()
            changes, key = tree.setdefault(section, {}), keys[0]
            if len(keys) == 2:  # one entry of a table such as model.sizes, whose others stay
                before = changes.get(key, getattr(getattr(self, section, None), key, None))
                parsed = {**(before if isinstance(before, dict) else {}), keys[1]: parsed}
            changes[key] = parsed
        return self.updated(tree)

    def updated(self, tree: Mapping[str, Any]) -> "Recipe":
        """The recipe with the settings of a nested mapping."""
        return _updated(self, tree, "")

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values, as :meth:`updated` takes them."""
        return asdict(self)


_T = TypeVar("_T")


def _updated(config: _T, tree: Mapping[str, Any], where: str) -> _T:
    assert is_dataclass(config)
    types = get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for key, value in tree.items():
        if key not in types:
            known = ", ".join(f.name for f in fields(config))
            raise RecipeError(f"a recipe has no setting {where}{key}; there are {known}")
        current = getattr(config, key)
        if is_dataclass(current):
            if not isinstance(value, Mapping):
                raise RecipeError(f"{where}{key} is a section of settings, not {value!r}")
            changes[key] = _updated(current, value, f"{where}{key}.")
            continue
        changes[key] = _fitting(value, current, types[key], f"{where}{key}")
    return replace(config, **changes)  # type: ignore[type-var]


def _fitting(value: Any, current: Any, hint: Any, name: str) -> Any:
    """The value of a setting, of the type that it must have."""

    def number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    if isinstance(current, dict):
        if not isinstance(value, Mapping) or not all(map(number, value.values())):
            raise RecipeError(f"{name} must be a table of numbers, such as {{a = 1}}, got {value!r}")
        if get_args(hint) != (int, int):
            return dict(value)
        if not all(str(key).isdecimal() and isinstance(entry, int) for key, entry in value.items()):
            raise RecipeError(f"{name} must be a table of whole numbers by whole numbers, got {dict(value)!r}")
        return {int(key): entry for key, entry in value.items()}  # TOML and JSON know no numbers as keys
    if isinstance(current, tuple):
        if not isinstance(value, list | tuple) or not all(map(number, value)):
            raise RecipeError(f"{name} must be a list of numbers, got {value!r}")
        return tuple(map(float, value))
    if isinstance(current, float) and number(value):
        value = float(value)
    if type(value) is not type(current):
        raise RecipeError(f"{name} must be {type(current).__name__}, got {value!r}")
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise RecipeError(f"{name} must be one of {', '.join(get_args(hint))}, got {value!r}")
    return value
