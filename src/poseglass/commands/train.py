"""``poseglass train``: a recipe to weights."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poseglass.errors import TrainingError
from poseglass.files.writing import check_place

if TYPE_CHECKING:
    pass
from poseglass.commands.terminal import tell

__all__ = ["train"]


def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML recipe.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder; a run that is there goes on.")],
    source: Annotated[
        Path | None, typer.Option("--data", help="Motion clips (.npz) or a prepared folder; sets data.path.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a setting: optim.lr=1e-4.")] = None,
    init: Annotated[
        str | None, typer.Option(help="Begin with these weights, of a backbone with or without its waist.")
    ] = None,
    waist_only: Annotated[
        bool, typer.Option("--waist-only", help="Train the waist alone and leave the backbone as it is (with --init).")
    ] = False,
) -> None:
    """Train a model; killed at any moment, the same command goes on where it was.

    Several processes or machines share the batches under `torchrun ... -m poseglass train`.
    """
    from poseglass.training.loop import train as run
    from poseglass.training.recipe import Recipe

    settings = Recipe.read(recipe).override(*(set_ or []))
    if source is not None:
        settings = settings.updated({"data": {"path": str(source)}})
    if waist_only:
        settings = settings.updated({"optim": {"trains": "waist"}})
    check_place(out / "recipe.json", TrainingError)
    best = run(settings, out, init=init, progress=True)
    if os.environ.get("RANK", "0") == "0":  # of several processes that a launcher started, one speaks
        tell(f"the best weights are in {best}")
