"""What a run was made from, in its folder: ``recipe.json``, ``data.json`` and ``environment.json``.

A folder belongs to one recipe and to one set of data, so that a run is never gone on with by mistake.
"""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from poseglass.errors import TrainingError
from poseglass.files.writing import writing
from poseglass.training.recipe import Recipe

__all__ = ["check_same_run", "record_environment"]

# What may change from one start of a run to the next: how long it is, how often it saves, and where the data lie.
FREE = {
    ("schedule", "steps"),
    ("schedule", "epochs"),
    ("run", "save_every"),
    ("run", "validate_every"),
    ("data", "path"),
}


def check_same_run(folder: Path, recipe: Recipe, data: Mapping[str, Any]) -> None:
    """Write the recipe and the data's description into a folder, if those that are there already are the same.

    Args:
        folder: The run's.
        recipe: What is trained and how.
        data: What the batches say they are made from; `fingerprint` tells it from others. Whatever the folder knows
            besides, such as with which weights the run began, stays.

    Raises:
        TrainingError: The folder holds a run of another recipe or with other data, or cannot be written.
    """
    settings = _plain(recipe.to_dict())
    # What workers share does not depend on how many they are only where it comes from recordings.
    free = FREE | ({("run", "workers")} if recipe.data.keypoints else set())
    if (before := _read(folder / "recipe.json")) is not None:
        changed = [
            f"{section}.{key}"
            for section, values in settings.items()
            for key, value in values.items()
            if (section, key) not in free and before.get(section, {}).get(key) != value
        ]
        if changed:
            raise TrainingError(f"{folder} holds a run with another {', '.join(changed)}; choose another folder")
    if known := _read(folder / "data.json"):
        old, new = ((about.get("kind"), about.get("fingerprint")) for about in (known, data))
        if old != new:
            raise TrainingError(
                f"{folder} holds a run with other data: {old[0]} of fingerprint {old[1]}, and {recipe.data.path} holds "
                f"{new[0]} of {new[1]}; go on with the data of before, or choose another folder"
            )
    _write(folder / "recipe.json", settings)
    _write(folder / "data.json", (known or {}) | _plain(data))


def record_environment(folder: Path, *, step: int, workers: int) -> None:
    """Add with what a run goes on from a step, where that is not what it was before.

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
    }
    so_far = _read(folder / "environment.json") or {}
    starts = so_far.get("starts", [])
    if not starts or {**starts[-1], "step": step} != {"step": step, **now}:
        _write(folder / "environment.json", {"starts": [*starts, {"step": step, **now}]})


def _plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    """As it will be read again."""
    plain: dict[str, Any] = json.loads(json.dumps(tree))
    return plain


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"it should hold an object, not {type(found).__name__}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise TrainingError(f"{path} cannot be read: {problem}; mend it, or choose another folder") from None
    return found


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with writing(path, TrainingError) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
