"""Record a run's recipe, data and environment in its folder: ``recipe.json``, ``data.json``, ``environment.json``.

A folder belongs to one recipe and one set of data, so that no run resumes with others by mistake.
"""

import json
import logging
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from poseglass.errors import TrainingError
from poseglass.files.plain_text import parse_json, to_json
from poseglass.files.writing import writing
from poseglass.training.recipe import RENAMED, Recipe

__all__ = ["check_same_run", "record_environment", "record_run"]

logger = logging.getLogger(__name__)

# Settings that may change when a run resumes: its length, intervals of saving and validating, the data's path and the
# device. Only on the same kind of device does the run reach the same bits.
FREE = {
    ("schedule", "steps"),
    ("schedule", "epochs"),
    ("run", "save_every"),
    ("run", "validate_every"),
    ("data", "path"),
    ("run", "device"),
}


# What the data's description says of the terms of use. It must be the same throughout a run, as the data are.
TERMS = ("credit", "licences")


def check_same_run(folder: Path, recipe: Recipe, data: Mapping[str, Any]) -> None:
    """Make sure that a folder holds no run with another recipe or other data. Nothing is written.

    Args:
        folder: The run's folder.
        recipe: The run's recipe.
        data: The description of the data, identified by its `kind` and `fingerprint`. Its credit and licences must be
            the same, too, and so must the version of the `sampler`, if there is one.

    Raises:
        TrainingError: The folder holds a run with another recipe, with other data or of an earlier version, or it
            cannot be read.
    """
    settings, defaults = _plain(recipe.to_dict()), _plain(Recipe().to_dict())
    # For recordings, the clips of a step do not depend on the number of workers. For motion clips, they do.
    free = FREE | ({("run", "workers")} if recipe.data.keypoints else set())
    if (before := _read(folder / "recipe.json")) is not None:
        if old := [name for name in RENAMED if name.split(".")[1] in before.get(name.split(".")[0], {})]:
            raise TrainingError(
                f"{folder} holds a run of an earlier poseglass, whose recipe has {', '.join(old)}: its batches cannot "
                "be drawn again. Resume it with that version, or choose another folder"
            )
        changed = [
            f"{section}.{key}"
            for section, values in settings.items()
            for key, value in values.items()
            # A setting that did not exist yet when the run started had the effect of today's default.
            if (section, key) not in free and before.get(section, {}).get(key, defaults[section][key]) != value
        ]
        if changed:
            raise TrainingError(f"{folder} holds a run with another {', '.join(changed)}; choose another folder")
    if known := _read(folder / "data.json"):
        old_data, new_data = ((about.get("kind"), about.get("fingerprint")) for about in (known, data))
        if old_data != new_data:
            raise TrainingError(
                f"{folder} holds a run with other data: {old_data[0]} of fingerprint {old_data[1]}, and "
                f"{recipe.data.path} holds {new_data[0]} of {new_data[1]}; resume with the earlier data, or choose "
                "another folder"
            )
        if known.get("sampler") != data.get("sampler"):
            raise TrainingError(
                f"{folder} holds a run whose clips another version of poseglass drew: they cannot be drawn again. "
                "Resume it with that version, or choose another folder"
            )
        for term in TERMS:
            if known.get(term, data.get(term)) != data.get(term):
                raise TrainingError(
                    f"{folder} holds a run with the same data under other terms: {term} {known[term]!r}, but "
                    f"{data.get(term)!r} in {recipe.data.path}; resume with the earlier file, or choose another "
                    "folder"
                )


def record_run(folder: Path, recipe: Recipe, data: Mapping[str, Any]) -> None:
    """Write the recipe and the data's description into a folder.

    Other entries of the data's file, such as the weights that the run started from, are kept.

    Raises:
        TrainingError: The folder cannot be written.
    """
    _write(folder / "recipe.json", _plain(recipe.to_dict()))
    _write(folder / "data.json", (_read(folder / "data.json") or {}) | _plain(data))


def record_environment(folder: Path, *, step: int, workers: int, device: str) -> None:
    """Record the versions and the machine that a run starts or resumes with, if they differ from the last entry.

    A warning is logged if the device has changed.

    Args:
        folder: The run's folder.
        step: The step that the run starts or resumes at.
        workers: The number of workers.
        device: The device in words.

    Raises:
        TrainingError: The folder cannot be written.
    """
    now = {
        "poseglass": version("poseglass"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "platform": platform.platform(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "workers": workers,
        "device": device,
    }
    before = _read(folder / "environment.json") or {}
    starts = before.get("starts", [])
    if starts and (last := starts[-1].get("device", device)) != device:
        logger.warning(
            "the run was on %s and resumes on %s: rounding will differ from that of a run on one device",
            last,
            device,
        )
    if not starts or {**starts[-1], "step": step} != {"step": step, **now}:
        _write(folder / "environment.json", {"starts": [*starts, {"step": step, **now}]})


def _plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree with the types that reading it from JSON gives."""
    plain: dict[str, Any] = json.loads(json.dumps(tree))
    return plain


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"expected an object, got {type(content).__name__}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise TrainingError(f"{path} cannot be read: {problem}; repair it, or choose another folder") from None
    return content


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with writing(path, TrainingError) as temporary:
        temporary.write_text(to_json(content, indent=2) + "\n", encoding="utf-8")
