"""``poseglass train``: train a model from a recipe."""

import os
from pathlib import Path
from typing import Annotated

import typer

from poseglass.commands.terminal import tell, wrong
from poseglass.errors import TrainingError
from poseglass.files.writing import check_writable

__all__ = ["train"]


def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML file of settings, such as recipes/balanced.toml.")],
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The run's folder. If it holds an unfinished run, the run resumes.")
    ],
    source: Annotated[
        Path | None,
        typer.Option("--data", help="Motion clips (.npz) or a folder of recordings. Default: the recipe's data.path."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting of the recipe, such as optim.lr=1e-4. May be repeated."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(help="Start from the weights in this folder or checkpoint; they may lack a waist."),
    ] = None,
    waist_only: Annotated[
        bool, typer.Option("--waist-only", help="Train only the waist and freeze the backbone (with --init).")
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(help="Where to train: auto, cpu, cuda, cuda:1 or mps. Default: the recipe's run.device, or auto."),
    ] = None,
) -> None:
    """Train a model from a recipe.

    A run can be killed at any moment: the same command resumes it.

    To share batches between processes or machines, use `torchrun ... -m poseglass train`.
    """
    from poseglass.training.loop import train as run
    from poseglass.training.recipe import Recipe

    settings = Recipe.read(recipe).override(*(set_ or []))
    chosen = {setting.partition("=")[0].strip() for setting in set_ or []}
    if source is not None:
        if "data.path" in chosen and settings.data.path != str(source):
            wrong("--data", f"it contradicts --set data.path={settings.data.path}: give one of the two")
        settings = settings.updated({"data": {"path": str(source)}})
    if waist_only:
        if "optim.trains" in chosen and settings.optim.trains != "waist":
            wrong("--waist-only", f"it contradicts --set optim.trains={settings.optim.trains}: give one of the two")
        settings = settings.updated({"optim": {"trains": "waist"}})
    if device is not None and "run.device" in chosen and settings.run.device != device:
        wrong("--device", f"it contradicts --set run.device={settings.run.device}: give one of the two")
    check_writable(out / "recipe.json", TrainingError)
    best = run(settings, out, init=init, device=device, progress=True)
    if os.environ.get("RANK", "0") == "0":  # under a launcher, only the first process prints
        tell(f"the best weights are in {best}")
