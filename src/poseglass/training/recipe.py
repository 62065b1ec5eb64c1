"""Recipes: everything that determines a training run, in frozen dataclasses read from TOML."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from poseglass.data.virtual.layouts import LAYOUT_SHARES
from poseglass.data.virtual.limbs import Variety
from poseglass.errors import RecipeError
from poseglass.files.plain_text import parse_toml
from poseglass.training.losses import JOINT_WEIGHTS, MOTION, TERMS, WEIGHTED
from poseglass.waist.schedule import frame_range

__all__ = [
    "DataSettings",
    "LossSettings",
    "ModelSettings",
    "OptimSettings",
    "Recipe",
    "RunSettings",
    "ScheduleSettings",
    "WaistSettings",
]

STEPS = 10_000  # length of a run whose recipe gives none
MOTION_CLIPS_ONLY = ("data.clean", "data.shares", "data.detector", "data.layouts", "data.variety")
VARIETY = tuple(setting.name for setting in fields(Variety))


@dataclass(frozen=True)
class ModelSettings:
    """The backbone: a named size, and deviations from it."""

    name: str = "mixste-small"
    """One of :func:`poseglass.list_models`."""
    frames: int = 81
    """Frames per clip."""
    inputs: int = 3
    """2 for x, y; 3 for x, y, score."""
    sizes: dict[str, int | float] = field(default_factory=dict)
    """Arguments of the model's class that differ from the named size, such as ``{dim = 64, heads = 4}``."""
    init: Literal["published", "sinusoidal"] = "sinusoidal"
    """Initial weights: ``published`` is as in the papers; ``sinusoidal`` learns many times faster from few clips."""


@dataclass(frozen=True)
class WaistSettings:
    """Which frames the middle layers see, and how the others are recovered. An empty `keep` means no waist."""

    keep: dict[int, int] = field(default_factory=dict)
    """``{layer = frames kept from that layer on}``: one stage, or a pyramid of several."""
    kind: Literal["hourglass", "funnel"] = "hourglass"
    """Predict all frames (seq2seq), or only the kept ones, which include the clip's centre (seq2frame)."""
    prune: str = "density"
    """One of :data:`poseglass.waist.prune.PRUNERS`."""
    recover: str = "attention"
    """One of :data:`poseglass.waist.recover.RECOVERERS`."""
    elastic: tuple[float, ...] = ()
    """``[least, largest]`` share of a clip's frames that the first stage keeps, drawn for each step; later stages keep
    their proportion to it. The weights then serve any number in between. Empty: always `keep`."""

    @property
    def elastic_range(self) -> tuple[float, float] | None:
        """`elastic` as :class:`poseglass.models.Card` states it; None if the waist is not elastic."""
        return (self.elastic[0], self.elastic[1]) if self.elastic else None


@dataclass(frozen=True)
class DataSettings:
    """The batches (:mod:`poseglass.training.batches`)."""

    path: str = ""
    """Motion clips, or a folder of prepared recordings if `keypoints` names 2D poses in it."""
    keypoints: str = ""
    """The recordings' 2D poses to train on, such as ``cpn`` or ``gt``; empty for motion clips."""
    stride: int = 0
    """Recordings only: frames from the start of one clip to the next; 0 for the length of a clip."""
    batch: int = 16
    """Clips per step, over all workers."""
    flip: Literal["random", "both", "none"] = "random"
    """Mirror each clip with a chance of one half, use each clip and its mirror image (which count as 2), or none."""
    clean: float = 0.25
    """Motion clips only: the share of clips whose 2D poses are exact."""
    shares: dict[str, float] = field(default_factory=dict)
    """Motion clips only: ``{prefix = share}``, the share of clips from subjects whose name starts with the prefix."""
    detector: Literal["mild", "measured"] = "mild"
    """Motion clips only: the simulated detector's errors, as the bundled weights saw them, or as measured on video."""
    layouts: dict[str, float] = field(default_factory=LAYOUT_SHARES.copy)
    """Motion clips only: ``{layout = share}``, the shares of the detector's keypoint layouts, which add up to 1."""
    variety: dict[str, float] = field(default_factory=dict)
    """Motion clips only: ``{arms = share}``, the shares of clips with unusual poses; see
    :class:`poseglass.data.virtual.limbs.Variety`. Those that are left out have its defaults."""


@dataclass(frozen=True)
class LossSettings:
    """The weight of each of :data:`poseglass.training.losses.TERMS`, and the frames that count."""

    position: float = 1.0
    n_position: float = 0.0
    image_position: float = 0.0
    newest_position: float = 0.0
    smoothness: float = 0.5
    velocity: float = 2.0
    limb_length: float = 0.0
    limb_variance: float = 0.0
    angle: float = 0.0
    angle_velocity: float = 0.0
    joint_weights: tuple[float, ...] = JOINT_WEIGHTS
    """The weight of each joint in the terms of positions and `smoothness`, in the order of the poses; empty for equal
    weights."""
    frames: Literal["all", "centre"] = "all"
    """All frames that the model predicts (for a funnel, the kept ones), or only the clip's centre."""

    def terms(self) -> dict[str, float]:
        """The weight of each term."""
        return {name: getattr(self, name) for name in TERMS}


@dataclass(frozen=True)
class OptimSettings:
    """AdamW, Adam, or Muon for hidden matrices with AdamW for the rest."""

    name: Literal["adamw", "adam", "muon"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    decays: Literal["matrices", "all"] = "matrices"
    """The parameters with weight decay: the weights of linear maps and convolutions, or all."""
    trains: Literal["all", "waist"] = "all"
    """Train everything, or only the waist's own weights with a frozen backbone (``poseglass train --waist-only``)."""
    amsgrad: bool = False
    clip: float = 1.0
    """Maximum norm of the gradient; 0 for no limit."""
    ema: float = 0.999
    """Decay of the running mean of the weights, which is validated and saved; 0 for the weights themselves."""
    bf16: bool = False
    """Autocast to bfloat16: faster on GPUs and on processors with units for it (AMX), many times slower on others."""


@dataclass(frozen=True)
class ScheduleSettings:
    """The run's length, and the learning rate over it: warm-up, constant, decay to 0, times a factor per epoch."""

    steps: int = 0
    """Length of the run in steps; 10,000 if neither `steps` nor `epochs` is given."""
    epochs: int = 0
    """Length of the run in epochs. Give either `steps` or `epochs`."""
    warmup: int = 100
    """Steps over which the learning rate rises at the start."""
    decay: float = 0.3
    """Share of the steps over which the learning rate falls to 0 at the end."""
    factor: float = 1.0
    """Factor on the learning rate after each epoch."""
    every: int = 0
    every_factor: float = 1.0
    """Replaces `factor` after each `every`-th epoch; never if `every` is 0."""

    def length(self, epoch: int) -> int:
        """The length of the run in steps, given the steps of an epoch."""
        return self.epochs * epoch or self.steps or STEPS


@dataclass(frozen=True)
class RunSettings:
    """Seed, processes, and intervals in steps."""

    seed: int = 1126
    save_every: int = 200
    validate_every: int = 500
    validation_clips: int = 256
    judge_by: Literal["mpjpe", "p_mpjpe"] = "p_mpjpe"
    """The error that determines the best weights, summed over the validation batches."""
    workers: int = 1
    """Processes that share a batch, each with its share of the cores. On two cores, two are much faster than one."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` for the first of CUDA, MPS and CPU that there is."""
    compile: bool = False
    """Let torch compile the backbone's layers, which takes a minute at the start and makes steps faster."""


@dataclass(frozen=True)
class Recipe:
    """All settings of a training run.

    Raises:
        RecipeError: A setting is out of range, or settings contradict each other.

    Example:
        >>> Recipe().override("optim.lr=1e-4", "waist.keep={3 = 27}", "model.sizes.dim=64").waist.keep
        {3: 27}
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    waist: WaistSettings = field(default_factory=WaistSettings)
    data: DataSettings = field(default_factory=DataSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    optim: OptimSettings = field(default_factory=OptimSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    run: RunSettings = field(default_factory=RunSettings)

    def __post_init__(self) -> None:
        if problems := [*_out_of_range(self), *_contradictions(self)]:
            raise RecipeError("; ".join(problems))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "Recipe":
        """Read a recipe from a TOML file.

        Raises:
            RecipeError: The file is missing or not TOML, names an unknown setting, or holds invalid settings.
        """
        try:
            return cls().updated(parse_toml(Path(path).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise RecipeError(f"there is no recipe {path}") from None
        except (OSError, UnicodeDecodeError) as problem:
            raise RecipeError(f"{path} cannot be read: {problem}") from None
        except RecipeError:
            raise
        except ValueError as problem:
            raise RecipeError(f"{path} is not TOML: {problem}") from None

    def override(self, *settings: str) -> "Recipe":
        """A copy with changed settings, each written as ``"section.name=value"`` with the value as in TOML."""
        tree: dict[str, dict[str, Any]] = {}
        for setting in settings:
            name, equals, value = setting.partition("=")
            section, *keys = name.strip().split(".")
            if not equals or len(keys) not in (1, 2):
                raise RecipeError(f"write a setting as section.name=value, such as optim.lr=1e-4, not {setting!r}")
            try:
                parsed = parse_toml(f"value = {value}")["value"]
            except ValueError:
                parsed = value.strip()
            changes, key = tree.setdefault(section, {}), keys[0]
            if len(keys) == 2:  # one entry of a table such as model.sizes; the other entries stay
                before = changes.get(key, getattr(getattr(self, section, None), key, None))
                parsed = {**(before if isinstance(before, dict) else {}), keys[1]: parsed}
            changes[key] = parsed
        return self.updated(tree)

    def updated(self, tree: Mapping[str, Any]) -> "Recipe":
        """A copy with the settings of a nested mapping."""
        return _updated(self, tree, "")

    def to_dict(self) -> dict[str, Any]:
        """The settings as nested plain values, as :meth:`updated` takes them."""
        return asdict(self)


def _out_of_range(recipe: Recipe) -> Iterator[str]:
    """Yield the rules on single settings that the recipe breaks."""
    model, data, loss, optim, schedule, run = (
        recipe.model, recipe.data, recipe.loss, recipe.optim, recipe.schedule, recipe.run
    )  # fmt: skip
    both = 2 if data.flip == "both" else 1
    not_negative = (schedule.steps, schedule.epochs, schedule.every, data.stride)
    shares, layouts = data.shares.values(), data.layouts.values()
    elastic, nominal = recipe.waist.elastic, next(iter(recipe.waist.keep.values()), None)
    two = len(elastic) == 2 and 0 < elastic[0] < elastic[1] <= 1
    rules = {
        "model.frames must be at least 3": model.frames >= 3,
        "model.inputs must be 2 (x, y) or 3 (x, y, score)": model.inputs in (2, 3),
        "waist.elastic must be two shares above 0 and at most 1, the smaller first": two or not elastic,
        "waist.elastic must include the first number in waist.keep": nominal is None
        or not two
        or nominal in frame_range(elastic, model.frames),
        "schedule.steps, schedule.epochs, schedule.every and data.stride must not be negative": min(not_negative) >= 0,
        "schedule.factor and schedule.every_factor must be above 0": min(schedule.factor, schedule.every_factor) > 0,
        "optim.lr and optim.clip must not be negative": min(optim.lr, optim.clip) >= 0,
        "schedule.decay must be from 0 to 1": 0 <= schedule.decay <= 1,
        "optim.ema must be from 0 to below 1": 0 <= optim.ema < 1,
        "data.clean must be from 0 to 1": 0 <= data.clean <= 1,
        "data.shares must be from 0 to 1 each, and add up to at most 1": min(shares, default=0) >= 0
        and sum(shares) <= 1 + 1e-9,
        "data.layouts must be from 0 to 1 each, and add up to 1": min(layouts, default=0) >= 0
        and abs(sum(layouts) - 1) <= 1e-6,
        f"data.layouts must be of {', '.join(LAYOUT_SHARES)}": {*data.layouts} <= {*LAYOUT_SHARES},
        f"data.variety must be from 0 to 1 each, and of {', '.join(VARIETY)}": {*data.variety} <= {*VARIETY}
        and all(0 <= share <= 1 for share in data.variety.values()),
        "loss: at least one term must have a weight": any(loss.terms().values()),
        "run.seed must be from 0 to 2147483647": 0 <= run.seed < 1 << 31,
        "run.save_every and run.validate_every must be at least 1": min(run.save_every, run.validate_every) >= 1,
        "data.batch must be a multiple of run.workers, or of twice as many with data.flip=both": run.workers >= 1
        and data.batch >= 1
        and data.batch % (both * run.workers) == 0,
    }
    return (rule for rule, kept in rules.items() if not kept)


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Yield settings that contradict each other, and settings that would be ignored because of others."""
    waist, data, loss, optim, schedule = recipe.waist, recipe.data, recipe.loss, recipe.optim, recipe.schedule
    if schedule.steps and schedule.epochs:
        both = f"schedule.steps={schedule.steps} and schedule.epochs={schedule.epochs}"
        yield f"{both} contradict each other: set one of them to 0"
    if optim.trains == "waist" and (not waist.keep or waist.kind == "funnel"):
        yield "optim.trains=waist needs a waist with weights: set waist.keep, and waist.kind=hourglass"
    if data.flip == "none" and not data.keypoints:
        yield "data.flip=none is for recordings (data.keypoints); motion clips are always mirrored"
    if recipe.model.inputs != 3 and not data.keypoints:
        yield "motion clips have scores, so model.inputs must be 3; 2 is for recordings (data.keypoints)"
    moving = [f"loss.{name}" for name in MOTION if getattr(loss, name)]
    if loss.newest_position and loss.frames == "centre":
        yield "loss.newest_position must be 0 if loss.frames is centre, which is the only frame that counts"
    if moving and loss.frames == "centre":
        yield f"{', '.join(moving)} must be 0 if loss.frames is centre: one frame does not move"
    ignored = {
        "if waist.keep is empty": (not waist.keep, ("waist.kind", "waist.prune", "waist.recover", "waist.elastic")),
        "if waist.kind is funnel": (waist.keep and waist.kind == "funnel", ("waist.recover",)),
        "on recordings (data.keypoints)": (
            data.keypoints,
            ("data.clean", "data.shares", "data.detector", "data.layouts", "data.variety"),
        ),
        "on motion clips (no data.keypoints)": (not data.keypoints, ("data.stride",)),
        "if the loss has no term of positions and no smoothness": (
            not any(getattr(loss, name) for name in WEIGHTED),
            ("loss.joint_weights",),
        ),
        "if optim.weight_decay is 0": (not optim.weight_decay, ("optim.decays",)),
        "with muon": (optim.name == "muon", ("optim.amsgrad",)),
        "if schedule.every is 0": (not schedule.every, ("schedule.every_factor",)),
        "if schedule.every is 1": (schedule.every == 1, ("schedule.factor",)),
    }
    for reason, (applies, settings) in ignored.items():
        for section, name in (setting.split(".") for setting in settings if applies):
            current = getattr(recipe, section)
            value, default = getattr(current, name), getattr(type(current)(), name)
            if value not in (default, ()):
                yield f"{section}.{name}={value} has no effect {reason}: leave it at {default}"


_T = TypeVar("_T")

# Settings of earlier versions, and what replaces them.
RENAMED = {"data.rehab_share": "instead of rehab_share = 0.28 write shares = { prmd = 0.28 }"}


def _updated(config: _T, tree: Mapping[str, Any], where: str) -> _T:
    assert is_dataclass(config)
    types = get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for key, value in tree.items():
        if key not in types:
            known = ", ".join(f.name for f in fields(config))
            hint = RENAMED.get(f"{where}{key}", f"there are {known}")
            raise RecipeError(f"a recipe has no setting {where}{key}; {hint}")
        current = getattr(config, key)
        if is_dataclass(current):
            if not isinstance(value, Mapping):
                raise RecipeError(f"{where}{key} is a section of settings, not {value!r}")
            changes[key] = _updated(current, value, f"{where}{key}.")
            continue
        changes[key] = _fitting(value, current, types[key], f"{where}{key}")
    return replace(config, **changes)  # type: ignore[type-var]


KINDS: dict[type, str] = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


def _fitting(value: Any, current: Any, hint: Any, name: str) -> Any:
    """The value of a setting, converted to the type that it must have."""

    def number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    if isinstance(current, dict):
        if not isinstance(value, Mapping) or not all(map(number, value.values())):
            raise RecipeError(f"{name} must be a table of numbers, such as {{name = 1}}, got {value!r}")
        if get_args(hint) != (int, int):
            return dict(value)
        if not all(str(key).isdecimal() and isinstance(entry, int) for key, entry in value.items()):
            raise RecipeError(f"{name} must be a table of whole numbers by whole numbers, got {dict(value)!r}")
        return {int(key): entry for key, entry in value.items()}  # keys in TOML and JSON are text
    if isinstance(current, tuple):
        if not isinstance(value, list | tuple) or not all(map(number, value)):
            raise RecipeError(f"{name} must be a list of numbers, got {value!r}")
        return tuple(map(float, value))
    if isinstance(current, float) and number(value):
        value = float(value)
    if type(value) is not type(current):
        raise RecipeError(f"{name} must be {KINDS[type(current)]}, got {value!r}")
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise RecipeError(f"{name} must be one of {', '.join(get_args(hint))}, got {value!r}")
    return value
