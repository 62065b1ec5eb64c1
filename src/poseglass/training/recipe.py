"""Recipes: everything a training run depends on, in frozen dataclasses read from TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from poseglass.errors import RecipeError

__all__ = ["Data", "Model", "Optim", "Recipe", "Run"]


@dataclass(frozen=True)
class Model:
    """The network: MixSTE of any size, with a waist where `keep` is given."""

    frames: int = 81
    dim: int = 128
    depth: int = 8
    heads: int = 4
    inputs: int = 3
    drop: float = 0.0
    keep: int = 0
    """Frames kept in the middle layers; 0 for the plain backbone."""
    at: int = 1
    prune: str = "density"
    recover: str = "attention"
    init: Literal["published", "sinusoidal"] = "sinusoidal"
    """``published`` as the papers' recipes need it; ``sinusoidal`` learns many times faster on few clips."""


@dataclass(frozen=True)
class Data:
    """The batches: :class:`poseglass.data.augment.Sampler`."""

    path: str = ""
    batch: int = 16
    clean: float = 0.25
    rehab_share: float = 0.28


@dataclass(frozen=True)
class Optim:
    """AdamW, or Muon for the matrices with AdamW for the rest; warm-up, a constant rate, decay to 0."""

    name: Literal["adamw", "muon"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 100
    steps: int = 10000
    decay: float = 0.3
    """Share of the steps over which the rate falls to 0 at the end."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    ema: float = 0.999
    """Decay of the running mean of the weights, which is what is judged and kept."""
    bf16: bool = False
    """Autocast to bfloat16: faster where the processor has units for it (AMX), many times slower where it has not."""
    smoothness: float = 0.5
    velocity: float = 2.0


@dataclass(frozen=True)
class Run:
    """Seeds and intervals, in steps."""

    seed: int = 1126
    save_every: int = 200
    validate_every: int = 500
    validation_clips: int = 256
    workers: int = 1
    """Processes that share a batch, one or more cores each. On few cores two are much faster than one with two."""


@dataclass(frozen=True)
class Recipe:
    """All of a training run.

    Example:
        >>> Recipe().override("optim.lr=1e-4", "model.keep=27").optim.lr
        0.0001
    """

    model: Model = field(default_factory=Model)
    data: Data = field(default_factory=Data)
    optim: Optim = field(default_factory=Optim)
    run: Run = field(default_factory=Run)

    def __post_init__(self) -> None:
        wrong = [
            what
            for what, fits in {
                "model.frames must be at least 3": self.model.frames >= 3,
                "optim.steps must be at least 1": self.optim.steps >= 1,
                "optim.lr must not be negative": self.optim.lr >= 0,
                "optim.decay must be from 0 to 1": 0 <= self.optim.decay <= 1,
                "optim.ema must be from 0 to below 1": 0 <= self.optim.ema < 1,
                "data.clean must be from 0 to 1": 0 <= self.data.clean <= 1,
                "data.rehab_share must be from 0 to 1": 0 <= self.data.rehab_share <= 1,
                "run.seed must be from 0 to 2147483647": 0 <= self.run.seed < 1 << 31,
                "run.save_every and run.validate_every must be at least 1": min(
                    self.run.save_every, self.run.validate_every
                )
                >= 1,
                "data.batch must be a multiple of run.workers": self.run.workers >= 1
                and self.data.batch >= 1
                and self.data.batch % self.run.workers == 0,
            }.items()
            if not fits
        ]
        if wrong:
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
        recipe: Recipe = self
        for setting in settings:
            name, equals, value = setting.partition("=")
            section, dot, key = name.strip().partition(".")
            if not (equals and dot):
                raise RecipeError(f"write an override as section.name=value, such as optim.lr=1e-4, not {setting!r}")
            try:
                parsed = tomllib.loads(f"value = {value}")["value"]
            except tomllib.TOMLDecodeError:
                parsed = value.strip()
            recipe = recipe.updated({section: {key: parsed}})
        return recipe

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
        choices = getattr(types[key], "__args__", None)
        if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)  # noqa: PLW2901
        if type(value) is not type(current):
            raise RecipeError(f"{where}{key} must be {type(current).__name__}, got {value!r}")
        if choices and value not in choices:
            raise RecipeError(f"{where}{key} must be one of {', '.join(choices)}, got {value!r}")
        changes[key] = value
    return replace(config, **changes)  # type: ignore[type-var]
